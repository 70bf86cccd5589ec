package store

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// More ends at one instant than fit a page are all handed over, each once.
func TestEndedSinceInPages(t *testing.T) {
	eachDialect(t, func(t *testing.T, db *DB) {
		at := now()
		rows := make([]deviceRow, 2*endedPage+300)
		for i := range rows {
			d := chat.Device{User: chat.UserID(fmt.Sprint("u", i%7)), ID: chat.DeviceID(fmt.Sprint("d", i)), Platform: chat.Web, Login: 1}
			rows[i] = newDeviceRow(d, chat.Refresh{}, at)
			rows[i].EndedAt, rows[i].EndReason = at, chat.ByAdmin
		}
		rows[0].EndedAt = at.Add(-time.Microsecond) // too long ago
		if _, err := db.bun.NewInsert().Model(&rows).Exec(context.Background()); err != nil {
			t.Fatal(err)
		}
		seen, pages := map[chat.DeviceID]int{}, 0
		err := NewAccounts(db).EndedSince(context.Background(), at, func(page []chat.Device) error {
			pages++
			for _, d := range page {
				seen[d.ID]++
			}
			return nil
		})
		if err != nil || len(seen) != len(rows)-1 || seen["d1"] != 1 || pages != 3 {
			t.Errorf("%d of %d in %d pages, %v", len(seen), len(rows)-1, pages, err)
		}
	})
}
