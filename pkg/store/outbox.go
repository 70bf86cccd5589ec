package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/uptrace/bun"
)

// leftoverRow notes a committed batch until it is delivered.
type leftoverRow struct {
	bun.BaseModel `bun:"table:outbox,alias:o"`

	NodeID []byte    `bun:"node_id,pk"`
	N      int64     `bun:"n,pk"`
	At     time.Time `bun:"at"`
	Ranges string    `bun:"ranges"` // "conversation from to\n" each
}

func (r *leftoverRow) add(g chat.Range) {
	r.Ranges += fmt.Sprintf("%s %d %d\n", g.Conversation, g.From, g.To)
}

func (r *leftoverRow) leftover() chat.Leftover {
	l := chat.Leftover{Node: string(r.NodeID), N: r.N, At: r.At.UTC()}
	for line := range strings.Lines(r.Ranges) {
		var g chat.Range
		if _, err := fmt.Sscanf(line, "%s %d %d", &g.Conversation, &g.From, &g.To); err == nil {
			l.Ranges = append(l.Ranges, g)
		}
	}
	return l
}

// Leftovers returns batches of one node that follow batch after, in order.
func (s *Messages) Leftovers(ctx context.Context, node string, after int64, limit int) ([]chat.Leftover, error) {
	return s.leftovers(ctx, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("node_id = ? AND n > ?", []byte(node), after).Order("n ASC").Limit(int64(limit))
	})
}

// OldLeftovers returns batches of nodes other than those alive that were
// committed before a time. Each node's come in order.
func (s *Messages) OldLeftovers(ctx context.Context, alive []string, before time.Time, limit int) ([]chat.Leftover, error) {
	ids := make([][]byte, len(alive))
	for i, n := range alive {
		ids[i] = []byte(n)
	}
	return s.leftovers(ctx, func(q *bun.SelectQuery) *bun.SelectQuery {
		if len(ids) > 0 { // NOT IN () would be NOT IN (NULL), which nothing is
			q.Where("node_id NOT IN (?)", bun.List(ids))
		}
		return q.Where("at < ?", before.UTC()).Order("node_id ASC", "n ASC").Limit(int64(limit))
	})
}

// LeftoverNodes returns the newest batch number of each node that left some.
func (s *Messages) LeftoverNodes(ctx context.Context) (map[string]int64, error) {
	var rows []leftoverRow
	err := s.db.query(ctx, "store.leftovers", func(ctx context.Context, q bun.IDB) error {
		return q.NewSelect().Model(&rows).Column("node_id").ColumnExpr("MAX(n) AS n").Group("node_id").Scan(ctx)
	})
	out := make(map[string]int64, len(rows))
	for _, r := range rows {
		out[string(r.NodeID)] = r.N
	}
	return out, err
}

func (s *Messages) leftovers(ctx context.Context, which func(*bun.SelectQuery) *bun.SelectQuery) ([]chat.Leftover, error) {
	var rows []leftoverRow
	err := s.db.query(ctx, "store.leftovers", func(ctx context.Context, q bun.IDB) error {
		return which(q.NewSelect().Model(&rows)).Scan(ctx)
	})
	out := make([]chat.Leftover, len(rows))
	for i := range rows {
		out[i] = rows[i].leftover()
	}
	return out, err
}

// Delivered forgets a node's batches from one to another, both included.
func (s *Messages) Delivered(ctx context.Context, node string, from, to int64) error {
	return s.db.query(ctx, "store.delivered", func(ctx context.Context, q bun.IDB) error {
		_, err := q.NewDelete().Model((*leftoverRow)(nil)).ModelTableExpr("outbox").
			Where("node_id = ? AND n BETWEEN ? AND ?", []byte(node), from, to).Exec(ctx)
		return err
	})
}

// Load returns what ranges name, ready to be delivered.
func (s *Messages) Load(ctx context.Context, ranges []chat.Range) ([]chat.Delivery, error) {
	var ids []chat.ConversationID
	for _, g := range ranges {
		ids = append(ids, g.Conversation)
	}
	of, err := s.conversations(ctx, ids)
	if err != nil || len(ranges) == 0 {
		return nil, err
	}
	var rows []messageRow
	err = s.db.query(ctx, "store.load", func(ctx context.Context, q bun.IDB) error {
		sel := q.NewSelect().Model(&rows)
		for _, g := range ranges {
			sel.WhereOr("conversation_id = ? AND seq BETWEEN ? AND ?", g.Conversation, g.From, g.To)
		}
		return sel.Order("conversation_id ASC", "seq ASC").Scan(ctx)
	})
	if err != nil {
		return nil, err
	}
	messages, err := s.show(ctx, of, rows)
	if err != nil {
		return nil, err
	}
	rooms, err := s.crowdsOf(ctx, s.db.bun, queuedAmong(of))
	if err != nil {
		return nil, fail("store.load", err)
	}
	out := make([]chat.Delivery, len(messages))
	for i, m := range messages {
		c := of[m.Conversation]
		out[i] = chat.Delivery{Message: m, Recipients: c.Recipients(), Log: c.Log()}
		if k := rooms[c.ID]; k != nil {
			out[i].Recipients = k.all
		}
	}
	return out, nil
}
