package store

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/uptrace/bun"
)

// headRow is a conversation as a new message finds and moves it.
type headRow struct {
	bun.BaseModel `bun:"table:conversations,alias:c"`

	ID        chat.ConversationID `bun:"id,pk"`
	Direct    bool                `bun:"direct"`
	UserA     chat.UserID         `bun:"user_a"`
	UserB     chat.UserID         `bun:"user_b"`
	Name      string              `bun:"name"`
	LastSeq   int64               `bun:"last_seq"`
	LastAt    time.Time           `bun:"last_at"`
	CreatedAt time.Time           `bun:"created_at"`
}

// sendKey is what a send is idempotent by.
type sendKey struct {
	sender chat.UserID
	client string
}

func keyOf(p *chat.Pending) sendKey { return sendKey{p.From.ID, p.ClientID} }

// Append commits a batch in one transaction: the heads of its conversations
// move on by as many messages as each gets, which gives the messages their
// seqs; the rows follow; and the outbox notes, for whoever comes after this
// node, that batch n of it is to be delivered.
//
// A message that its sender committed before is marked Repeated and takes the
// first one's place; the same client id with something else in it gets a
// Conflict. One whose conversation somebody else keeps locked gets Unavailable,
// and holds up none of the others. The error is for the whole batch, of which
// then nothing is known to be kept; a lost connection may have kept all of it.
func (s *Messages) Append(ctx context.Context, node string, n int64, batch []*chat.Pending) error {
	fresh, twins := splitTwins(batch)
	before := map[sendKey]kept{}
	doubtful := s.locked.among(fresh)
	for len(fresh) > 0 {
		err := s.db.change(ctx, "store.append", func(ctx context.Context, tx bun.Tx) error {
			some, err := s.notLocked(ctx, tx, fresh, doubtful)
			if err != nil || len(some) == 0 {
				return err
			}
			return s.appendIn(ctx, tx, node, n, some)
		})
		if err == nil {
			break
		}
		if errors.Is(err, errShut) {
			if fresh, err = s.withoutShut(ctx, fresh, before); err != nil {
				return err
			}
			continue
		}
		if all := idsOf(fresh); errors.Is(err, errLocked) && len(doubtful) < len(all) {
			doubtful = all
			continue
		}
		if duplicate(err) != "sender_id_client_id" {
			return err
		}
		if fresh, err = s.withoutRepeated(ctx, fresh, before); err != nil {
			return err
		}
	}
	for p, first := range twins {
		k, ok := before[keyOf(p)]
		if !ok {
			if first.Err != nil {
				p.Err = first.Err
				continue
			}
			k = kept{first.Conversation, first.Digest, first.Seq, first.At}
		}
		k.repeat(p)
	}
	return nil
}

// kept is what the database has under a client id.
type kept struct {
	conversation chat.ConversationID
	digest       [16]byte
	seq          int64
	at           time.Time
}

// repeat answers a message whose client id was committed before it.
func (k *kept) repeat(p *chat.Pending) {
	p.Repeated, p.Conversation, p.Seq, p.At = true, k.conversation, k.seq, k.at
	if k.digest != p.Digest {
		p.Err = &chat.Error{Kind: chat.Conflict, Op: "store.append", Safe: "this id was used for another message"}
	}
}

// splitTwins keeps the first of each send of a batch; its twins follow it.
func splitTwins(batch []*chat.Pending) (fresh []*chat.Pending, twins map[*chat.Pending]*chat.Pending) {
	first := make(map[sendKey]*chat.Pending, len(batch))
	for _, p := range batch {
		if f := first[keyOf(p)]; f != nil {
			if twins == nil {
				twins = map[*chat.Pending]*chat.Pending{}
			}
			twins[p] = f
			continue
		}
		first[keyOf(p)] = p
		fresh = append(fresh, p)
	}
	return fresh, twins
}

// appendIn does the work of Append inside its transaction.
func (s *Messages) appendIn(ctx context.Context, tx bun.Tx, node string, n int64, fresh []*chat.Pending) error {
	at := now()
	heads := headsOf(fresh, at)
	next, moved, err := s.moveHeads(ctx, tx, heads)
	if err != nil {
		return err
	}
	rooms, err := s.crowdsOf(ctx, tx, queuedAmong(moved))
	if err != nil {
		return err
	}
	if err := shut(fresh, moved, rooms, at); err != nil {
		return err
	}
	left := leftoverRow{NodeID: []byte(node), N: n, At: at}
	for _, h := range heads {
		left.add(chat.Range{Conversation: h.ID, From: next[h.ID], To: next[h.ID] + h.LastSeq - 1})
	}
	rows := make([]messageRow, len(fresh))
	for i, p := range fresh {
		p.Seq, p.At = next[p.Conversation], at
		next[p.Conversation]++
		rows[i] = newMessageRow(p)
	}
	if _, err := tx.NewInsert().Model(&rows).Exec(ctx); err != nil {
		return err
	}
	if _, err = tx.NewInsert().Model(&left).Exec(ctx); err == nil {
		s.remember(rooms) // under the locks: nobody has changed them meanwhile
	}
	return err
}

// moveHeads adds each head's count (its LastSeq here) to the conversation, which
// locks it until the commit, and returns the first seq that is ours in each, and
// the conversation as it is under the lock.
func (s *Messages) moveHeads(ctx context.Context, tx bun.Tx, heads []headRow) (map[chat.ConversationID]int64, map[chat.ConversationID]chat.Conversation, error) {
	up := tx.NewInsert().Model(&heads)
	if s.db.isMySQL() {
		up.On("DUPLICATE KEY UPDATE").Set("last_seq = last_seq + VALUES(last_seq), last_at = VALUES(last_at)")
	} else {
		up.On("CONFLICT (id) DO UPDATE").Set("last_seq = c.last_seq + excluded.last_seq, last_at = excluded.last_at")
	}
	if _, err := up.Exec(ctx); err != nil {
		if lockedOut(err) {
			err = errLocked
		}
		return nil, nil, err
	}
	ids := make([]chat.ConversationID, len(heads))
	for i := range heads {
		ids[i] = heads[i].ID
	}
	var rows []conversationRow
	err := tx.NewSelect().Model(&rows).Column("id", "direct", "user_a", "user_b", "gate", "version", "last_seq").Where("id IN (?)", bun.List(ids)).Scan(ctx)
	if err != nil {
		return nil, nil, err
	}
	next, moved := make(map[chat.ConversationID]int64, len(heads)), make(map[chat.ConversationID]chat.Conversation, len(heads))
	for i := range rows {
		next[rows[i].ID], moved[rows[i].ID] = rows[i].LastSeq+1, rows[i].conversation()
	}
	for i := range heads {
		next[heads[i].ID] -= heads[i].LastSeq
	}
	return next, moved, nil
}

// withoutRepeated answers what was committed before, notes it, and returns the
// rest.
func (s *Messages) withoutRepeated(ctx context.Context, fresh []*chat.Pending, before map[sendKey]kept) ([]*chat.Pending, error) {
	rest, err := s.notRepeated(ctx, fresh, before)
	if err == nil && len(rest) == len(fresh) {
		return nil, chat.E("store.append", chat.Unavailable, nil) // it was there and is gone: try again later
	}
	return rest, err
}

// notRepeated is withoutRepeated where there may be no repetition.
func (s *Messages) notRepeated(ctx context.Context, fresh []*chat.Pending, before map[sendKey]kept) ([]*chat.Pending, error) {
	var rows []messageRow
	err := s.db.query(ctx, "store.repeated", func(ctx context.Context, q bun.IDB) error {
		sel := q.NewSelect().Model(&rows).Column("conversation_id", "seq", "sender_id", "client_id", "digest", "at")
		return sel.WhereGroup(" AND ", func(w *bun.SelectQuery) *bun.SelectQuery {
			for _, p := range fresh {
				w.WhereOr("sender_id = ? AND client_id = ?", p.From.ID, []byte(p.ClientID))
			}
			return w
		}).Scan(ctx)
	})
	if err != nil {
		return nil, err
	}
	for i := range rows {
		r := &rows[i]
		before[sendKey{r.SenderID, string(r.ClientID)}] = kept{r.ConversationID, [16]byte(r.Digest), r.Seq, r.At.UTC()}
	}
	var rest []*chat.Pending
	for _, p := range fresh {
		if k, ok := before[keyOf(p)]; ok {
			k.repeat(p)
		} else {
			rest = append(rest, p)
		}
	}
	return rest, nil
}

// headsOf counts the messages of each conversation, sorted by id: all nodes
// lock heads in that order, so none waits for another in a circle.
func headsOf(fresh []*chat.Pending, at time.Time) []headRow {
	index := map[chat.ConversationID]int{}
	var heads []headRow
	for _, p := range fresh {
		i, ok := index[p.Conversation]
		if !ok {
			i = len(heads)
			index[p.Conversation] = i
			heads = append(heads, headRow{ID: p.Conversation, LastAt: at, CreatedAt: at})
		}
		heads[i].LastSeq++
	}
	slices.SortFunc(heads, func(a, b headRow) int { return cmp.Compare(a.ID, b.ID) })
	return heads
}
