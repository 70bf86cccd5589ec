package store

import (
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

func TestCursorsOfOverviews(t *testing.T) {
	for _, c := range []chat.Conversation{
		{ID: chat.Lobby, LastAt: time.Date(2026, 11, 21, 7, 46, 1, 123456000, time.UTC)},
		{ID: "a.b", LastAt: time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC)},
		{ID: "", LastAt: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)},
	} {
		at, id, ok := readCursor(writeCursor(c))
		if !ok || !at.Equal(c.LastAt) || id != string(c.ID) {
			t.Errorf("%+v became %v %q %v", c, at, id, ok)
		}
	}
	// Years that no database takes are not asked for: MySQL 8 refuses the whole query.
	for _, s := range []string{"", "x", "-.x", "1y2p0ij32e8e7.x", "-1y2p0ij32e8e8.x", "5yc1z7ep2goko0.x"} {
		if at, id, ok := readCursor(s); ok {
			t.Errorf("%q: %v %q", s, at, id)
		}
	}
}
