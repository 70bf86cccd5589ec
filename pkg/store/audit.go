package store

import (
	"context"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/uptrace/bun"
)

// Audit keeps what administrators do. It only ever adds: SQLite refuses anything
// else by triggers, MySQL by a grant (see sql/README.md).
type Audit struct{ db *DB }

// NewAudit returns the log of deeds.
func NewAudit(db *DB) *Audit { return &Audit{db} }

type deedRow struct {
	bun.BaseModel `bun:"table:audit,alias:au"`

	ID     string    `bun:"id,pk"`
	At     time.Time `bun:"at"`
	Actor  string    `bun:"actor"`
	Action string    `bun:"action"`
	Target string    `bun:"target"`
	Detail string    `bun:"detail"`
}

// Add writes a deed down.
func (s *Audit) Add(ctx context.Context, d chat.Deed) error {
	row := deedRow{ID: d.ID, At: micro(d.At), Actor: d.Actor, Action: d.Action, Target: d.Target, Detail: d.Detail}
	return s.db.query(ctx, "store.audit", func(ctx context.Context, q bun.IDB) error {
		_, err := q.NewInsert().Model(&row).Exec(ctx)
		return err
	})
}

// List returns deeds with an id less than before ("": all), newest first.
func (s *Audit) List(ctx context.Context, before string, limit int) ([]chat.Deed, error) {
	var rows []deedRow
	err := s.db.query(ctx, "store.deeds", func(ctx context.Context, q bun.IDB) error {
		sel := q.NewSelect().Model(&rows).Order("id DESC").Limit(int64(limit))
		if before != "" {
			sel.Where("id < ?", before)
		}
		return sel.Scan(ctx)
	})
	out := make([]chat.Deed, len(rows))
	for i, r := range rows {
		out[i] = chat.Deed{ID: r.ID, At: r.At.UTC(), Actor: r.Actor, Action: r.Action, Target: r.Target, Detail: r.Detail}
	}
	return out, err
}
