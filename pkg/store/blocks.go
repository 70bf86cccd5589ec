package store

import (
	"context"
	"slices"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/uptrace/bun"
)

type blockRow struct {
	bun.BaseModel `bun:"table:blocks,alias:b"`

	UserID    chat.UserID `bun:"user_id,pk"`
	BlockedID chat.UserID `bun:"blocked_id,pk"`
	CreatedAt time.Time   `bun:"created_at"`
}

// SetBlocked has a person block another, or no longer; doing so twice changes
// nothing. It returns the events that tell of it. NotFound when the other is
// not there.
func (s *People) SetBlocked(ctx context.Context, user, other chat.UserID, blocked bool) ([]chat.Event, error) {
	var events []chat.Event
	err := s.db.change(ctx, "store.block", func(ctx context.Context, tx bun.Tx) error {
		events = nil
		if err := s.db.lockPair(ctx, tx, user, other); err != nil {
			return err
		}
		before, err := tx.NewSelect().Model((*blockRow)(nil)).Where("user_id = ?", user).Where("blocked_id = ?", other).Exists(ctx)
		if err != nil || before == blocked {
			return err
		}
		name := chat.BlockAdded
		if blocked {
			_, err = tx.NewInsert().Model(&blockRow{UserID: user, BlockedID: other, CreatedAt: now()}).Exec(ctx)
		} else {
			name = chat.BlockRemoved
			_, err = tx.NewDelete().Table("blocks").Where("user_id = ?", user).Where("blocked_id = ?", other).Exec(ctx)
		}
		if err != nil {
			return err
		}
		if err := setGate(ctx, tx, user, other); err != nil {
			return err
		}
		people, err := cards(ctx, tx, other)
		if err != nil {
			return err
		}
		about := people[other]
		events = []chat.Event{chat.NewEvent(user, name, chat.EventData{User: &about})}
		return putEvents(ctx, tx, events)
	})
	return events, err
}

// Blockers returns who of some users has blocked one.
func (s *People) Blockers(ctx context.Context, of chat.UserID, among []chat.UserID) ([]chat.UserID, error) {
	var out []chat.UserID
	for some := range slices.Chunk(among, 1000) {
		var found []chat.UserID
		err := s.db.query(ctx, "store.blockers", func(ctx context.Context, q bun.IDB) error {
			return q.NewSelect().Table("blocks").Column("user_id").Where("blocked_id = ?", of).Where("user_id IN (?)", bun.List(some)).Scan(ctx, &found)
		})
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}
