package store

import (
	"testing"
	"time"
)

func TestCursorsOfOverviews(t *testing.T) {
	for _, place := range []struct {
		id string
		at time.Time
	}{
		{"lobby", time.Date(2026, 11, 21, 7, 46, 1, 123456000, time.UTC)},
		{"a.b", time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC)},
		{"", time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)},
	} {
		at, id, ok := readCursor(writeCursor(place.at, place.id))
		if !ok || !at.Equal(place.at) || id != place.id {
			t.Errorf("%+v became %v %q %v", place, at, id, ok)
		}
	}
	// Years that no database takes are not asked for: MySQL 8 refuses the whole query.
	for _, s := range []string{"", "x", "-.x", "1y2p0ij32e8e7.x", "-1y2p0ij32e8e8.x", "5yc1z7ep2goko0.x"} {
		if at, id, ok := readCursor(s); ok {
			t.Errorf("%q: %v %q", s, at, id)
		}
	}
}
