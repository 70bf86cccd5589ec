package store

import (
	"context"
	"errors"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/uptrace/bun"
)

// Ledger keeps the generation that Redis is to be of.
type Ledger struct{ db *DB }

// NewLedger returns the repository of generations.
func NewLedger(db *DB) *Ledger { return &Ledger{db} }

type generationRow struct {
	bun.BaseModel `bun:"table:cluster"`

	ID         int64     `bun:"id,pk"`
	Generation int64     `bun:"generation"`
	Identity   string    `bun:"identity"`
	MintedAt   time.Time `bun:"minted_at"`
}

// Generation returns the current generation and the identity of the Redis that
// it was minted for; 0 and "" before the first.
func (l *Ledger) Generation(ctx context.Context) (int64, string, error) {
	var r generationRow
	err := l.db.query(ctx, "store.generation", func(ctx context.Context, q bun.IDB) error {
		return q.NewSelect().Model(&r).Where("id = 1").Scan(ctx)
	})
	if chat.KindOf(err) == chat.NotFound {
		return 0, "", nil
	}
	return r.Generation, r.Identity, err
}

// Mint replaces generation from with another, for the Redis of that identity. It
// does nothing when from is no longer current.
func (l *Ledger) Mint(ctx context.Context, from, to int64, identity string) error {
	r := generationRow{ID: 1, Generation: to, Identity: identity, MintedAt: now()}
	return l.db.query(ctx, "store.mint", func(ctx context.Context, q bun.IDB) error {
		if from > 0 {
			_, err := q.NewUpdate().Model(&r).Where("id = 1 AND generation = ?", from).Exec(ctx)
			return err
		}
		_, err := q.NewInsert().Model(&r).Exec(ctx)
		var known *chat.Error
		if duplicate(err) != "" && !errors.As(err, &known) {
			return nil
		}
		return err
	})
}
