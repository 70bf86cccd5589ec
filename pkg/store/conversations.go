package store

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/uptrace/bun"
)

type memberRow struct {
	bun.BaseModel `bun:"table:members,alias:mb"`

	UserID         chat.UserID         `bun:"user_id,pk"`
	ConversationID chat.ConversationID `bun:"conversation_id,pk"`
	ReadSeq        int64               `bun:"read_seq"`
	JoinedAt       time.Time           `bun:"joined_at"`
	Muted          bool                `bun:"muted"`
	Role           chat.Role           `bun:"role"`
	MutedUntil     time.Time           `bun:"muted_until,nullzero"`
}

func (r *memberRow) membership() chat.Membership {
	return chat.Membership{Room: r.ConversationID, User: r.UserID, Role: r.Role, MutedUntil: r.MutedUntil.UTC(), JoinedAt: r.JoinedAt.UTC()}
}

type conversationRow struct {
	bun.BaseModel `bun:"table:conversations,alias:c"`

	ID        chat.ConversationID `bun:"id,pk"`
	Direct    bool                `bun:"direct"`
	UserA     chat.UserID         `bun:"user_a"`
	UserB     chat.UserID         `bun:"user_b"`
	Gate      chat.Gate           `bun:"gate"`
	Version   int64               `bun:"version"`
	Name      string              `bun:"name"`
	LastSeq   int64               `bun:"last_seq"`
	LastAt    *time.Time          `bun:"last_at"`
	CreatedAt time.Time           `bun:"created_at"`
}

func (r *conversationRow) conversation() chat.Conversation {
	c := chat.Conversation{ID: r.ID, Direct: r.Direct, A: r.UserA, B: r.UserB, Gate: r.Gate, Version: r.Version, Name: r.Name, LastSeq: r.LastSeq, LastAt: r.CreatedAt.UTC()}
	if r.LastAt != nil {
		c.LastAt = r.LastAt.UTC()
	}
	return c
}

// Conversation returns a conversation; the error's kind is NotFound where there
// is none.
func (s *Messages) Conversation(ctx context.Context, id chat.ConversationID) (chat.Conversation, error) {
	all, err := s.conversations(ctx, []chat.ConversationID{id})
	if c, ok := all[id]; ok || err != nil {
		return c, err
	}
	return chat.Conversation{}, chat.E("store.conversation", chat.NotFound, nil)
}

func (s *Messages) conversations(ctx context.Context, ids []chat.ConversationID) (map[chat.ConversationID]chat.Conversation, error) {
	out := map[chat.ConversationID]chat.Conversation{}
	if len(ids) == 0 {
		return out, nil
	}
	var rows []conversationRow
	err := s.db.query(ctx, "store.conversations", func(ctx context.Context, q bun.IDB) error {
		return q.NewSelect().Model(&rows).Where("id IN (?)", bun.List(unique(ids))).Scan(ctx)
	})
	for i := range rows {
		out[rows[i].ID] = rows[i].conversation()
	}
	return out, err
}

// OpenDirect returns the direct conversation of two people, which is made the
// first time that either of them, on any node, asks for it. The error's kind is
// NotFound when the peer is no account.
func (s *Messages) OpenDirect(ctx context.Context, a, b chat.UserID) (chat.Conversation, error) {
	id := chat.DirectID(a, b)
	c, err := s.Conversation(ctx, id)
	if chat.KindOf(err) != chat.NotFound {
		return c, err
	}
	if b < a {
		a, b = b, a
	}
	err = s.db.change(ctx, "store.direct", func(ctx context.Context, tx bun.Tx) error {
		if err := s.db.lockPair(ctx, tx, a, b); err != nil {
			return err
		}
		return insertDirect(ctx, tx, a, b)
	})
	if err != nil && duplicate(err) == "" {
		return chat.Conversation{}, err
	}
	return s.Conversation(ctx, id) // made by us, or at the same moment by somebody else
}

// lockPair holds the rows of two people until the transaction ends, so that what
// they are to each other changes in one transaction at a time; NotFound when one
// of them is not there any more.
func (db *DB) lockPair(ctx context.Context, tx bun.Tx, a, b chat.UserID) error {
	both := unique([]chat.UserID{a, b})
	var found []chat.UserID
	q := tx.NewSelect().Table("users").Column("id").Where("id IN (?) AND deleted_at IS NULL", bun.List(both)).Order("id")
	if db.isMySQL() {
		q.For("UPDATE")
	}
	if err := q.Scan(ctx, &found); err != nil {
		return err
	}
	if len(found) != len(both) {
		return chat.E("store.pair", chat.NotFound, nil)
	}
	return nil
}

// insertDirect makes the direct conversation of two people whose rows are
// locked, sorted by id. A duplicate says that it is there already.
func insertDirect(ctx context.Context, tx bun.Tx, a, b chat.UserID) error {
	at := now()
	gate, err := gateOf(ctx, tx, a, b)
	if err != nil {
		return err
	}
	row := conversationRow{ID: chat.DirectID(a, b), Direct: true, UserA: a, UserB: b, Gate: gate, LastAt: &at, CreatedAt: at}
	if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
		return err
	}
	members := []memberRow{{UserID: a, ConversationID: row.ID, JoinedAt: at, Role: chat.RoleMember}}
	if a != b {
		members = append(members, memberRow{UserID: b, ConversationID: row.ID, JoinedAt: at, Role: chat.RoleMember})
	}
	_, err = tx.NewInsert().Model(&members).Exec(ctx)
	return err
}

// gateOf reads what two people, sorted by id and locked, are to each other.
func gateOf(ctx context.Context, tx bun.Tx, a, b chat.UserID) (chat.Gate, error) {
	var gate chat.Gate
	for _, g := range []struct {
		table, column string
		user, other   chat.UserID
		bit           chat.Gate
	}{
		{"blocks", "blocked_id", a, b, chat.GateBlockedByA},
		{"blocks", "blocked_id", b, a, chat.GateBlockedByB},
		{"friends", "friend_id", a, b, chat.GateFriends},
	} {
		there, err := tx.NewSelect().Table(g.table).Where("user_id = ?", g.user).Where("? = ?", bun.Ident(g.column), g.other).Exists(ctx)
		if err != nil {
			return 0, err
		}
		if there {
			gate |= g.bit
		}
	}
	return gate, nil
}

// setGate has the direct conversation of two people whose rows are locked, where
// there is one, say what they are to each other now.
func setGate(ctx context.Context, tx bun.Tx, a, b chat.UserID) error {
	if b < a {
		a, b = b, a
	}
	gate, err := gateOf(ctx, tx, a, b)
	if err != nil {
		return err
	}
	_, err = tx.NewUpdate().Table("conversations").Set("gate = ?", gate).Where("id = ?", chat.DirectID(a, b)).Exec(ctx)
	return err
}

// unreadMost is where counting unread messages ends: the list shows "999+".
const unreadMost = 1000

// Overviews returns a person's conversations, those with the newest message
// first, after a cursor that an earlier page gave.
func (s *Messages) Overviews(ctx context.Context, u chat.UserID, cursor string, limit int) ([]chat.Overview, string, error) {
	list, err := s.overviews(ctx, u, func(sel *bun.SelectQuery) *bun.SelectQuery {
		if at, id, ok := readCursor(cursor); ok {
			sel.Where("(COALESCE(c.last_at, c.created_at) < ? OR (COALESCE(c.last_at, c.created_at) = ? AND c.id > ?))", at, at, id)
		}
		return sel.OrderExpr("COALESCE(c.last_at, c.created_at) DESC, c.id ASC").Limit(int64(limit) + 1)
	})
	if err != nil {
		return nil, "", err
	}
	next := ""
	if len(list) > limit {
		list = list[:limit]
		next = writeCursor(list[limit-1].LastAt, string(list[limit-1].ID))
	}
	return list, next, s.fillOverviews(ctx, u, list)
}

// Overview is Overviews for one conversation; NotFound for one that the person
// is not a member of.
func (s *Messages) Overview(ctx context.Context, u chat.UserID, id chat.ConversationID) (chat.Overview, error) {
	list, err := s.overviews(ctx, u, func(sel *bun.SelectQuery) *bun.SelectQuery { return sel.Where("c.id = ?", id) })
	if err != nil {
		return chat.Overview{}, err
	}
	if len(list) == 0 {
		return chat.Overview{}, chat.E("store.overview", chat.NotFound, nil)
	}
	err = s.fillOverviews(ctx, u, list)
	return list[0], err
}

func (s *Messages) overviews(ctx context.Context, u chat.UserID, which func(*bun.SelectQuery) *bun.SelectQuery) ([]chat.Overview, error) {
	var rows []struct {
		conversationRow
		ReadSeq int64
		Muted   bool
	}
	err := s.db.query(ctx, "store.overviews", func(ctx context.Context, q bun.IDB) error {
		return which(q.NewSelect().Model((*conversationRow)(nil)).ColumnExpr("c.*, mb.read_seq, mb.muted").
			Join("JOIN members AS mb ON mb.conversation_id = c.id").Where("mb.user_id = ?", u)).Scan(ctx, &rows)
	})
	out := make([]chat.Overview, len(rows))
	for i := range rows {
		out[i] = chat.Overview{Conversation: rows[i].conversation(), ReadSeq: rows[i].ReadSeq, Muted: rows[i].Muted}
	}
	return out, err
}

// fillOverviews adds the last messages, the peers and how many are unread.
func (s *Messages) fillOverviews(ctx context.Context, u chat.UserID, list []chat.Overview) error {
	of := map[chat.ConversationID]chat.Conversation{}
	var peers []chat.UserID
	var rows []messageRow
	err := s.db.query(ctx, "store.last", func(ctx context.Context, q bun.IDB) error {
		sel, any := q.NewSelect().Model(&rows), false
		for _, o := range list {
			of[o.ID] = o.Conversation
			if o.Direct {
				peers = append(peers, o.Conversation.Peer(u))
			}
			if o.LastSeq > 0 {
				any = true
				sel.WhereOr("conversation_id = ? AND seq = ?", o.ID, o.LastSeq)
			}
		}
		if !any {
			return nil
		}
		return sel.Scan(ctx)
	})
	if err != nil {
		return err
	}
	last, err := s.show(ctx, of, rows)
	if err != nil {
		return err
	}
	people, err := s.People(ctx, peers)
	if err != nil {
		return err
	}
	for i := range list {
		o := &list[i]
		for j := range last {
			if last[j].Conversation == o.ID {
				o.Last = &last[j]
			}
		}
		if o.Direct {
			p := people[o.Conversation.Peer(u)]
			o.Peer = chat.User{ID: o.Conversation.Peer(u), Username: p.Username, Nickname: p.Nickname, AvatarURL: p.AvatarURL}
		}
		if o.Unread, err = s.unread(ctx, u, o.ID, o.ReadSeq, o.LastSeq); err != nil {
			return err
		}
	}
	return nil
}

// unread counts what others said after a seq, up to unreadMost.
func (s *Messages) unread(ctx context.Context, u chat.UserID, c chat.ConversationID, read, last int64) (int64, error) {
	if last <= read {
		return 0, nil
	}
	var n int64
	err := s.db.query(ctx, "store.unread", func(ctx context.Context, q bun.IDB) (err error) {
		some := q.NewSelect().Table("messages").ColumnExpr("1").
			Where("conversation_id = ? AND seq > ? AND sender_id <> ?", c, max(read, last-2*unreadMost), u).Limit(unreadMost)
		n, err = q.NewSelect().TableExpr("(?) AS unread", some).Count(ctx)
		return err
	})
	return n, err
}

// MarkRead moves a member's read cursor on to a seq, never back and never
// beyond the last message; moved is false when it was there already.
func (s *Messages) MarkRead(ctx context.Context, u chat.UserID, c chat.ConversationID, seq int64) (moved bool, err error) {
	err = s.db.query(ctx, "store.read", func(ctx context.Context, q bun.IDB) error {
		r, err := q.NewUpdate().Model((*memberRow)(nil)).ModelTableExpr("members").Set("read_seq = ?", seq).
			Where("user_id = ? AND conversation_id = ? AND read_seq < ?", u, c, seq).
			Where("(SELECT last_seq FROM conversations WHERE id = ?) >= ?", c, seq).Exec(ctx)
		if err != nil {
			return err
		}
		n, err := r.RowsAffected()
		moved = n > 0
		return err
	})
	return moved, err
}

// A cursor is the place of the last row of a page: its time and id.
func writeCursor(at time.Time, id string) string {
	return strconv.FormatInt(at.UnixMicro(), 36) + "." + id
}

func readCursor(s string) (time.Time, string, bool) {
	at, id, ok := strings.Cut(s, ".")
	us, err := strconv.ParseInt(at, 36, 64)
	t := time.UnixMicro(us).UTC()
	return t, id, ok && err == nil && t.Year() >= 1 && t.Year() <= 9999 // what a DATETIME is compared with
}
