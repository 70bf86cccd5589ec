package store

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/uptrace/bun"
)

// Events keeps what people are told of beside messages. Repositories put them
// in with the change that they tell of; whoever takes them to their people reads
// them here, and so does whoever fills in for a queue that was lost.
type Events struct{ db *DB }

// NewEvents returns the repository of events.
func NewEvents(db *DB) *Events { return &Events{db} }

type eventRow struct {
	bun.BaseModel `bun:"table:events,alias:ev"`

	UserID  chat.UserID    `bun:"user_id"`
	ID      string         `bun:"id,pk"`
	At      time.Time      `bun:"at"`
	Name    chat.EventName `bun:"name"`
	Data    string         `bun:"data"`    // chat.EventData, in JSON of our own
	Pending *bool          `bun:"pending"` // true until it is in the queue, then nothing
}

func (r *eventRow) event() chat.Event {
	e := chat.Event{ID: r.ID, To: r.UserID, At: r.At.UTC(), Name: r.Name}
	// What we wrote ourselves parses; a row damaged by hand loses what it is about.
	_ = json.Unmarshal([]byte(r.Data), &e.Data)
	return e
}

// eventsChunk is how many events one statement handles.
const eventsChunk = 500

// putEvents adds events to the transaction of what they tell of.
func putEvents(ctx context.Context, tx bun.Tx, events []chat.Event) error {
	pending := true
	for some := range slices.Chunk(events, eventsChunk) {
		rows := make([]eventRow, len(some))
		for i, e := range some {
			data, err := json.Marshal(e.Data)
			if err != nil {
				return err
			}
			rows[i] = eventRow{UserID: e.To, ID: e.ID, At: micro(e.At), Name: e.Name, Data: string(data), Pending: &pending}
		}
		if _, err := tx.NewInsert().Model(&rows).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Pending returns events that were committed before a time and are not known to
// be in their queues, the oldest first.
func (s *Events) Pending(ctx context.Context, before time.Time, limit int) ([]chat.Event, error) {
	return s.events(ctx, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("pending = ?", true).Where("id < ?", chat.IDAt(before)).Order("id ASC").Limit(int64(limit))
	})
}

// EventsSince returns a person's newest events since a time, at most a number
// of them, the oldest first.
func (s *Events) EventsSince(ctx context.Context, u chat.UserID, since time.Time, most int) ([]chat.Event, error) {
	events, err := s.events(ctx, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("user_id = ?", u).Where("id >= ?", chat.IDAt(since)).Order("id DESC").Limit(int64(most))
	})
	reverse(events)
	return events, err
}

func (s *Events) events(ctx context.Context, which func(*bun.SelectQuery) *bun.SelectQuery) ([]chat.Event, error) {
	var rows []eventRow
	err := s.db.query(ctx, "store.events", func(ctx context.Context, q bun.IDB) error {
		return which(q.NewSelect().Model(&rows)).Scan(ctx)
	})
	events := make([]chat.Event, len(rows))
	for i := range rows {
		events[i] = rows[i].event()
	}
	return events, err
}

// Delivered notes that events are in their queues.
func (s *Events) Delivered(ctx context.Context, ids []string) error {
	for some := range slices.Chunk(ids, eventsChunk) {
		err := s.db.query(ctx, "store.events_delivered", func(ctx context.Context, q bun.IDB) error {
			_, err := q.NewUpdate().Table("events").Set("pending = NULL").Where("id IN (?)", bun.List(some)).Exec(ctx)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Forget deletes some of the events of before a time; false when none are left.
func (s *Events) Forget(ctx context.Context, before time.Time) (more bool, err error) {
	old, err := s.events(ctx, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Column("id").Where("id < ?", chat.IDAt(before)).Order("id ASC").Limit(eventsChunk)
	})
	if err != nil || len(old) == 0 {
		return false, err
	}
	err = s.db.query(ctx, "store.forget_events", func(ctx context.Context, q bun.IDB) error {
		_, err := q.NewDelete().Table("events").Where("id <= ?", old[len(old)-1].ID).Exec(ctx)
		return err
	})
	return len(old) == eventsChunk, err
}
