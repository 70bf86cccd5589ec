package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/uptrace/bun"
)

// Messages keeps what was said, in the one order of each conversation.
type Messages struct {
	db     *DB
	locked lockedHeads
	crowds crowds
}

// NewMessages returns the repository of messages and conversations.
func NewMessages(db *DB) *Messages { return &Messages{db: db} }

type messageRow struct {
	bun.BaseModel `bun:"table:messages,alias:m"`

	ConversationID chat.ConversationID `bun:"conversation_id,pk"`
	Seq            int64               `bun:"seq,pk"`
	SenderID       chat.UserID         `bun:"sender_id"`
	ClientID       []byte              `bun:"client_id"`
	Digest         []byte              `bun:"digest"`
	Kind           chat.MessageKind    `bun:"kind"`
	Body           string              `bun:"body"`
	Media          string              `bun:"media"`
	ReplyTo        int64               `bun:"reply_to"`
	Mentions       string              `bun:"mentions"` // a JSON list, or nothing
	At             time.Time           `bun:"at"`
	EditedAt       *time.Time          `bun:"edited_at"`
	Recalled       bool                `bun:"recalled"`
}

func newMessageRow(p *chat.Pending) messageRow {
	r := messageRow{
		ConversationID: p.Conversation, Seq: p.Seq, SenderID: p.From.ID, ClientID: []byte(p.ClientID), Digest: p.Digest[:],
		Kind: p.Kind, Body: p.Text, Media: p.Media, ReplyTo: p.ReplyTo, At: p.At,
	}
	if len(p.Mentions) > 0 {
		b, err := json.Marshal(p.Mentions)
		if err != nil {
			panic("store: strings always marshal: " + err.Error())
		}
		r.Mentions = string(b)
	}
	return r
}

// message shows a row; the sender's card and the target come from elsewhere.
func (r *messageRow) message() chat.Message {
	m := chat.Message{
		Draft:        chat.Draft{Kind: r.Kind, Text: r.Body, Media: r.Media, ReplyTo: r.ReplyTo},
		Conversation: r.ConversationID, Seq: r.Seq, ClientID: string(r.ClientID),
		From: chat.Person{ID: r.SenderID}, At: r.At.UTC(), Recalled: r.Recalled,
	}
	if r.Mentions != "" {
		// What we wrote ourselves parses; a row damaged by hand loses its mentions only.
		_ = json.Unmarshal([]byte(r.Mentions), &m.Mentions)
	}
	if r.EditedAt != nil {
		m.EditedAt = r.EditedAt.UTC()
	}
	return m
}

// History returns messages of a conversation, ascending by seq: those before
// and after the given seqs (0: no bound, both exclusive). Without after they
// are the newest ones there are.
func (s *Messages) History(ctx context.Context, c chat.Conversation, before, after int64, limit int) ([]chat.Message, error) {
	var rows []messageRow
	err := s.db.query(ctx, "store.history", func(ctx context.Context, q bun.IDB) error {
		sel := q.NewSelect().Model(&rows).Where("conversation_id = ?", c.ID).Limit(int64(limit))
		if before > 0 {
			sel.Where("seq < ?", before)
		}
		if after > 0 {
			sel.Where("seq > ?", after)
		}
		if after > 0 {
			return sel.Order("seq ASC").Scan(ctx)
		}
		return sel.Order("seq DESC").Scan(ctx)
	})
	if err != nil {
		return nil, err
	}
	if after <= 0 {
		reverse(rows)
	}
	shown, err := s.show(ctx, map[chat.ConversationID]chat.Conversation{c.ID: c}, rows)
	if err != nil {
		return nil, err
	}
	err = s.db.query(ctx, "store.reactions", func(ctx context.Context, q bun.IDB) error { return s.reactions(ctx, q, shown) })
	return shown, err
}

// show turns rows of known conversations into messages, with their senders'
// cards and targets.
func (s *Messages) show(ctx context.Context, of map[chat.ConversationID]chat.Conversation, rows []messageRow) (out []chat.Message, err error) {
	err = s.db.query(ctx, "store.people", func(ctx context.Context, q bun.IDB) error {
		out, err = s.showWith(ctx, q, of, rows)
		return err
	})
	return out, err
}

// showIn is show, with the reactions, in a transaction; the rows are of one
// conversation.
func (s *Messages) showIn(ctx context.Context, tx bun.Tx, of map[chat.ConversationID]chat.Conversation, rows []messageRow) ([]chat.Message, error) {
	shown, err := s.showWith(ctx, tx, of, rows)
	if err != nil {
		return nil, err
	}
	return shown, s.reactions(ctx, tx, shown)
}

func (s *Messages) showWith(ctx context.Context, q bun.IDB, of map[chat.ConversationID]chat.Conversation, rows []messageRow) ([]chat.Message, error) {
	var ids []chat.UserID
	for i := range rows {
		ids = append(ids, rows[i].SenderID)
	}
	people, err := cards(ctx, q, ids...)
	if err != nil {
		return nil, err
	}
	out := make([]chat.Message, len(rows))
	for i := range rows {
		m := rows[i].message()
		m.From = people[m.From.ID]
		m.From.ID = rows[i].SenderID
		if c := of[m.Conversation]; c.Direct {
			m.To.User = c.Peer(m.From.ID)
		} else {
			m.To.Room = c.ID
		}
		out[i] = m
	}
	return out, nil
}

// People returns the cards of users; unknown ones are left out.
func (s *Messages) People(ctx context.Context, ids []chat.UserID) (out map[chat.UserID]chat.Person, err error) {
	err = s.db.query(ctx, "store.people", func(ctx context.Context, q bun.IDB) error {
		out, err = cards(ctx, q, ids...)
		return err
	})
	return out, err
}

// cards reads the cards of users; unknown ones are left out.
func cards(ctx context.Context, q bun.IDB, ids ...chat.UserID) (map[chat.UserID]chat.Person, error) {
	out := map[chat.UserID]chat.Person{}
	if len(ids) == 0 {
		return out, nil
	}
	var rows []struct {
		ID        chat.UserID
		Username  string
		Nickname  string
		AvatarURL string `bun:"avatar_url"`
	}
	err := q.NewSelect().Table("users").Column("id", "username", "nickname", "avatar_url").Where("id IN (?)", bun.List(unique(ids))).Scan(ctx, &rows)
	for _, r := range rows {
		out[r.ID] = chat.Person{ID: r.ID, Username: r.Username, Nickname: r.Nickname, AvatarURL: r.AvatarURL}
	}
	return out, err
}

func reverse[T any](s []T) {
	for i, j := 0, len(s)-1; i < j; i, j = i+1, j-1 {
		s[i], s[j] = s[j], s[i]
	}
}

func unique[T comparable](s []T) []T {
	seen := make(map[T]bool, len(s))
	out := make([]T, 0, len(s))
	for _, v := range s {
		if !seen[v] {
			seen[v] = true
			out = append(out, v)
		}
	}
	return out
}
