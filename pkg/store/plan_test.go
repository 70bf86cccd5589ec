package store

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/testserver"
)

// The statement that saves many devices' progress finds each by the primary
// key: a type or collation that does not fit would make it read the table.
func TestProgressUsesTheIndex(t *testing.T) {
	db := openFor(t, testserver.Database(t))
	ctx := context.Background()
	if err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	rows := make([]deviceRow, 1000)
	for i := range rows {
		rows[i] = newDeviceRow(chat.Device{User: chat.UserID(fmt.Sprint("u", i)), ID: "d", Platform: chat.Web, Login: 1}, chat.Refresh{}, now())
	}
	if _, err := db.bun.NewInsert().Model(&rows).Exec(ctx); err != nil {
		t.Fatal(err)
	}
	query, args := NewAccounts(db).progressQuery([]chat.Progress{{User: "u1", Device: "d", Offset: "1", Seen: time.Now()}, {User: "u2", Device: "d", Seen: time.Now()}})
	var plan []map[string]any
	if err := db.bun.NewRaw("EXPLAIN "+query, args...).Scan(ctx, &plan); err != nil {
		t.Fatal(err)
	}
	for _, p := range plan {
		if fmt.Sprint(p["table"], p["key"]) == "{devices true} {PRIMARY true}" {
			return
		}
	}
	t.Errorf("no index: %+v", plan)
}
