package store

import (
	"context"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/uptrace/bun"
)

// LastSeen returns when users were last seen on any device; who never signed in
// is left out.
func (s *Accounts) LastSeen(ctx context.Context, users []chat.UserID) (map[chat.UserID]time.Time, error) {
	out := make(map[chat.UserID]time.Time, len(users))
	if len(users) == 0 {
		return out, nil
	}
	var rows []struct {
		UserID chat.UserID
		Seen   bun.NullTime // an aggregate has no type of its own on SQLite
	}
	err := s.db.query(ctx, "store.last_seen", func(ctx context.Context, q bun.IDB) error {
		return q.NewSelect().Table("devices").Column("user_id").ColumnExpr("MAX(last_seen) AS seen").
			Where("user_id IN (?)", bun.List(unique(users))).Group("user_id").Scan(ctx, &rows)
	})
	for _, r := range rows {
		out[r.UserID] = r.Seen.UTC()
	}
	return out, err
}
