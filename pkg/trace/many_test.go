package trace

import (
	"sync"
	"testing"
)

// Every socket and every sender notes what it does.
func TestManyNoteAtOnce(t *testing.T) {
	r := New("n1", 64)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				r.Note("c", 1, Event{})
			}
		})
	}
	all.Wait()
	events := r.Of("c", 1)
	if len(events) != 64 {
		t.Fatalf("%d events are remembered, want the newest 64", len(events))
	}
	for i := range events[1:] {
		if events[i+1].At.Before(events[i].At) {
			t.Fatal("events are not in their order")
		}
	}
}
