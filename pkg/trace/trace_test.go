package trace

import (
	"testing"

	"github.com/tieline/tieline/pkg/chat"
)

func TestRingForgetsTheOldest(t *testing.T) {
	r := New("n1", 3)
	for i, stage := range []Stage{Committed, Queued, Published, Pushed} {
		r.Note("d1", 7, Event{Stage: stage, User: chat.UserID(rune('a' + i))})
	}
	r.Note("d1", 8, Event{Stage: Committed})
	got := r.Of("d1", 7)
	if len(got) != 2 || got[0].Stage != Published || got[1].Stage != Pushed || got[0].Node != "n1" || got[0].At.IsZero() {
		t.Fatalf("%+v", got)
	}
	if len(r.Of("d2", 7)) != 0 || len((*Ring)(nil).Of("d1", 7)) != 0 {
		t.Fatal("something of nothing")
	}
	(*Ring)(nil).Note("d1", 1, Event{})
}

func BenchmarkNote(b *testing.B) {
	r := New("n1", 16384)
	for i := range b.N {
		r.Note("d1", int64(i), Event{Stage: Pushed, User: "bob", Device: "phone"})
	}
}
