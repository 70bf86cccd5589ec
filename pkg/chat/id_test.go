package chat

import (
	"slices"
	"testing"
	"time"
)

// The same of the same, another of anything else; sorted by time, then number.
func TestSameIDs(t *testing.T) {
	at := time.Now()
	ids := []string{
		SameID(at.Add(-time.Millisecond), 300, "c", "u"), SameID(at, 1, "c", "u"), SameID(at, 2, "c", "u"), SameID(at, 300, "c", "u"),
		SameID(at.Add(time.Millisecond), 1, "c", "u"), IDAt(at.Add(2 * time.Millisecond)),
	}
	if !slices.IsSorted(ids) {
		t.Errorf("not sorted: %q", ids)
	}
	if SameID(at, 1, "c", "u") != ids[1] || SameID(at, 1, "c", "v") == ids[1] || SameID(at, 1, "cu") == ids[1] || len(ids[1]) != len(NewID()) {
		t.Errorf("%q is not the same of the same", ids[1])
	}
}
