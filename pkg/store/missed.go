package store

import (
	"context"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/uptrace/bun"
)

// missedPage is how many messages are read at a time, going back.
const missedPage = 200

// Missed returns what a person's conversations with queues got since a time, at most
// a number of messages of each, the newest ones. It is what fills in for a
// queue that does not reach back.
func (s *Messages) Missed(ctx context.Context, u chat.UserID, since time.Time, most int) ([]chat.Missed, error) {
	var rows []conversationRow
	err := s.db.query(ctx, "store.missed", func(ctx context.Context, q bun.IDB) error {
		return q.NewSelect().Model(&rows).Join("JOIN members AS mb ON mb.conversation_id = c.id").
			Where("mb.user_id = ? AND c.id <> ? AND c.last_at >= ? AND c.last_seq > 0", u, chat.Lobby, since.UTC()).
			OrderExpr("c.last_at ASC").Scan(ctx)
	})
	if err != nil {
		return nil, err
	}
	var out []chat.Missed
	for i := range rows {
		m, err := s.missedOf(ctx, rows[i].conversation(), since, most)
		if err != nil {
			return nil, err
		}
		if len(m.Messages) > 0 {
			out = append(out, m)
		}
	}
	return out, nil
}

// missedOf walks back from the newest message, a page at a time: the messages
// are in the order of their commits but for the skew of the nodes' clocks, so
// the walk ends at the first page that is older throughout.
func (s *Messages) missedOf(ctx context.Context, c chat.Conversation, since time.Time, most int) (chat.Missed, error) {
	out := chat.Missed{Conversation: c.ID}
	before := c.LastSeq + 1
	for {
		page, err := s.History(ctx, c, before, 0, missedPage)
		if err != nil || len(page) == 0 {
			return out, err
		}
		from := len(page)
		for i := len(page) - 1; i >= 0; i-- {
			if !page[i].At.Before(since) {
				from = i
			}
		}
		out.Messages = append(page[from:len(page):len(page)], out.Messages...)
		if n := len(out.Messages); n > most {
			out.Messages, out.Gap = out.Messages[n-most:], true
			out.After, err = s.lastBefore(ctx, c.ID, out.Messages[0].Seq, since)
			return out, err
		}
		if from > 0 || page[0].Seq == 1 {
			return out, nil
		}
		before = page[0].Seq
	}
}

// lastBefore returns the newest seq below another that is older than a time.
func (s *Messages) lastBefore(ctx context.Context, id chat.ConversationID, below int64, since time.Time) (int64, error) {
	var rows []messageRow
	err := s.db.query(ctx, "store.gap", func(ctx context.Context, q bun.IDB) error {
		return q.NewSelect().Model(&rows).Column("seq").Where("conversation_id = ? AND seq < ? AND at < ?", id, below, since.UTC()).
			Order("seq DESC").Limit(1).Scan(ctx)
	})
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	return rows[0].Seq, nil
}
