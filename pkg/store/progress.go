package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/uptrace/bun"
)

// How many rows one statement of these handles.
const (
	progressChunk = 500
	endedPage     = 1000
)

// SaveProgress notes how far devices have got, many in one statement. A time
// only moves forward; devices that there are not are passed over, and of those of
// a removed account nothing more is kept.
func (s *Accounts) SaveProgress(ctx context.Context, all []chat.Progress) error {
	sorted := slices.Clone(all)
	// All nodes lock rows in the same order. The last of several of one device
	// counts, as a stable sort keeps them in their order.
	slices.SortStableFunc(sorted, compareProgress)
	latest := sorted[:0]
	for _, p := range sorted {
		if n := len(latest); n > 0 && compareProgress(latest[n-1], p) == 0 {
			latest[n-1] = mergeProgress(latest[n-1], p)
			continue
		}
		latest = append(latest, p)
	}
	for some := range slices.Chunk(latest, progressChunk) {
		query, args := s.progressQuery(some)
		err := s.db.change(ctx, "store.save_progress", func(ctx context.Context, tx bun.Tx) error {
			_, err := tx.NewRaw(query, args...).Exec(ctx)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func compareProgress(a, b chat.Progress) int {
	return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Device, b.Device))
}

func mergeProgress(earlier, later chat.Progress) chat.Progress {
	later.Offset = cmp.Or(later.Offset, earlier.Offset)
	if later.Seen.Before(earlier.Seen) {
		later.Seen = earlier.Seen
	}
	return later
}

// progressQuery updates devices from a list of values, which the dialects join
// in their own ways. In MySQL the list's columns get the types of the table's,
// or its index would not be used.
func (s *Accounts) progressQuery(some []chat.Progress) (string, []any) {
	const received = "CASE WHEN v.o = '' OR devices.end_reason = '" + string(chat.AccountRemoved) + "' THEN devices.received ELSE v.o END"
	row := "SELECT ? AS u, ? AS i, ? AS o, ? AS s"
	before, after := "UPDATE devices SET received = "+received+", last_seen = MAX(devices.last_seen, v.s) FROM (",
		") AS v WHERE devices.user_id = v.u AND devices.id = v.i"
	if s.db.isMySQL() {
		row = "SELECT CAST(? AS BINARY) AS u, CAST(? AS BINARY) AS i, CAST(? AS BINARY) AS o, CAST(? AS DATETIME(6)) AS s"
		before, after = "UPDATE (", ") AS v STRAIGHT_JOIN devices ON devices.user_id = v.u AND devices.id = v.i"+
			" SET devices.received = "+received+", devices.last_seen = GREATEST(devices.last_seen, v.s)"
	}
	args := make([]any, 0, 4*len(some))
	for _, p := range some {
		args = append(args, p.User, p.Device, p.Offset, micro(p.Seen))
	}
	rows := strings.Repeat(" UNION ALL "+row, len(some))
	return before + strings.TrimPrefix(rows, " UNION ALL ") + after, args
}

// EndedSince hands over the devices that were signed out at or after a time and
// have not signed in again, in pages, the oldest first. Ask for some time before
// the moment of interest: EndedAt is taken a little before the commit.
func (s *Accounts) EndedSince(ctx context.Context, since time.Time, each func([]chat.Device) error) error {
	last := deviceRow{EndedAt: micro(since)}
	for {
		var rows []deviceRow
		err := s.db.query(ctx, "store.ended_since", func(ctx context.Context, q bun.IDB) error {
			return q.NewSelect().Model(&rows).
				Where("ended_at >= ?", last.EndedAt).
				Where("(ended_at > ? OR user_id > ? OR (user_id = ? AND id > ?))", last.EndedAt, last.UserID, last.UserID, last.ID).
				Order("ended_at", "user_id", "id").Limit(endedPage).Scan(ctx)
		})
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := each(devices(rows)); err != nil || len(rows) < endedPage {
			return err
		}
		last = rows[len(rows)-1]
		last.EndedAt = last.EndedAt.UTC()
	}
}
