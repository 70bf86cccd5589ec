package store

import (
	"context"
	"database/sql"
	"errors"
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
// nothing. They stay friends if they are; a request of the other one's is ignored
// from then on. It returns the events that tell of it. NotFound when the other is
// not there.
func (s *People) SetBlocked(ctx context.Context, user, other chat.UserID, blocked bool) ([]chat.Event, error) {
	var events []chat.Event
	err := s.db.change(ctx, "store.block", func(ctx context.Context, tx bun.Tx) error {
		events = nil
		if err := s.db.lockPair(ctx, tx, user, other); err != nil {
			return err
		}
		before, err := blockedBy(ctx, tx, user, []chat.UserID{other})
		if err != nil || before[other] == blocked {
			return err
		}
		people, err := cards(ctx, tx, user, other)
		if err != nil {
			return err
		}
		if blocked {
			events, err = block(ctx, tx, user, other, people)
		} else {
			events, err = unblock(ctx, tx, user, other, people)
		}
		if err != nil {
			return err
		}
		return setGate(ctx, tx, user, other)
	})
	return events, err
}

func block(ctx context.Context, tx bun.Tx, user, other chat.UserID, people map[chat.UserID]chat.Person) ([]chat.Event, error) {
	if _, err := tx.NewInsert().Model(&blockRow{UserID: user, BlockedID: other, CreatedAt: now()}).Exec(ctx); err != nil {
		return nil, err
	}
	about := people[other]
	events := []chat.Event{chat.NewEvent(user, chat.BlockAdded, chat.EventData{User: &about})}
	if err := putEvents(ctx, tx, events); err != nil {
		return nil, err
	}
	row, err := openRequest(ctx, tx, user, other)
	if errors.Is(err, sql.ErrNoRows) || err == nil && (row.FromID == user || row.State != chat.RequestPending) {
		return events, nil
	}
	if err != nil {
		return nil, err
	}
	more, err := decline(ctx, tx, row, chat.RequestIgnored, people)
	return append(events, more...), err
}

func unblock(ctx context.Context, tx bun.Tx, user, other chat.UserID, people map[chat.UserID]chat.Person) ([]chat.Event, error) {
	if _, err := tx.NewDelete().Model(&blockRow{UserID: user, BlockedID: other}).WherePK().Exec(ctx); err != nil {
		return nil, err
	}
	about := people[other]
	events := []chat.Event{chat.NewEvent(user, chat.BlockRemoved, chat.EventData{User: &about})}
	return events, putEvents(ctx, tx, events)
}

// blockedBy reads whom of some users a person blocks.
func blockedBy(ctx context.Context, q bun.IDB, user chat.UserID, among []chat.UserID) (map[chat.UserID]bool, error) {
	out := map[chat.UserID]bool{}
	if len(among) == 0 {
		return out, nil
	}
	var found []chat.UserID
	err := q.NewSelect().Table("blocks").Column("blocked_id").Where("user_id = ?", user).Where("blocked_id IN (?)", bun.List(among)).Scan(ctx, &found)
	for _, u := range found {
		out[u] = true
	}
	return out, err
}

// Blocks returns whom somebody blocks, ascending by id; after, unless empty, is
// the id of the last one of the page before.
func (s *People) Blocks(ctx context.Context, user, after chat.UserID, limit int) ([]chat.Block, error) {
	var out []chat.Block
	err := s.db.query(ctx, "store.blocks", func(ctx context.Context, q bun.IDB) error {
		var rows []blockRow
		err := q.NewSelect().Model(&rows).Where("user_id = ?", user).Where("blocked_id > ?", after).Order("blocked_id ASC").Limit(int64(limit)).Scan(ctx)
		if err != nil {
			return err
		}
		ids := make([]chat.UserID, len(rows))
		for i := range rows {
			ids[i] = rows[i].BlockedID
		}
		users, err := usersOf(ctx, q, ids)
		out = make([]chat.Block, len(rows))
		for i := range rows {
			out[i] = chat.Block{User: users[ids[i]], Since: rows[i].CreatedAt.UTC()}
		}
		return err
	})
	return out, err
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

// AllBlockers returns everybody who has blocked one.
func (s *People) AllBlockers(ctx context.Context, of chat.UserID) (out []chat.UserID, err error) {
	err = s.db.query(ctx, "store.all_blockers", func(ctx context.Context, q bun.IDB) error {
		return q.NewSelect().Table("blocks").Column("user_id").Where("blocked_id = ?", of).Scan(ctx, &out)
	})
	return out, err
}
