package client

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

func TestSpansAreASet(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var s spans
		set := map[int64]bool{}
		for range 60 {
			from := rng.Int64N(100)
			to := from + rng.Int64N(3)
			s.add(from, to)
			for i := from; i <= to; i++ {
				set[i] = true
			}
			for i := int64(-1); i < 105; i++ {
				if s.has(i) != set[i] {
					t.Fatalf("%v has %d: %v", s, i, s.has(i))
				}
				after := i + 1
				for set[after] {
					after++
				}
				if got := s.after(i); got != after {
					t.Fatalf("%v after %d: %d, want %d", s, i, got, after)
				}
			}
			if !slices.IsSortedFunc(s, func(a, b span) int { return int(a.to + 1 - b.from) }) {
				t.Fatalf("not in order, or touching: %v", s)
			}
		}
	}
}

func TestSpansForgetTheOldest(t *testing.T) {
	var s spans
	for i := range int64(maxSpans + 1) {
		s.add(2*i, 2*i)
	}
	if len(s) != maxSpans || s.has(0) || !s.has(2*maxSpans) {
		t.Errorf("%d spans, from %v", len(s), s[0])
	}
}

// Whatever the order of arrival, everything comes out once and, given patience,
// in order.
func TestSequencerAnyOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		q := newSequencer(time.Hour)
		var got []int64
		out := func(ready []arrival) {
			for _, a := range ready {
				got = append(got, a.msg.Seq)
			}
		}
		in := []int64{2, 3, 4, 5, 6, 7, 8, 8, 5, 3}
		rng.Shuffle(len(in), func(i, j int) { in[i], in[j] = in[j], in[i] })
		for _, seq := range append([]int64{1}, in...) {
			ready, _ := q.admit(arriving("c", seq))
			out(ready)
		}
		if !slices.Equal(got, []int64{1, 2, 3, 4, 5, 6, 7, 8}) || q.waiting != 0 {
			t.Fatalf("%v came out as %v, %d waiting", in, got, q.waiting)
		}
	}
}

func TestSequencerIsBounded(t *testing.T) {
	q := newSequencer(time.Hour)
	q.admit(arriving("c", 1))
	out := 0
	for i := range int64(maxHeld + 1) {
		ready, _ := q.admit(arriving("c", 3+i))
		out += len(ready)
	}
	if out != maxHeld+1 || q.waiting != 0 {
		t.Errorf("%d came out, %d wait", out, q.waiting)
	}
	for i := range maxTracks + 10 {
		q.admit(arriving(chat.NewID(), int64(i+1)))
	}
	if len(q.tracks) > maxTracks {
		t.Errorf("%d conversations remembered", len(q.tracks))
	}
}

func TestSequencerDue(t *testing.T) {
	q := newSequencer(time.Second)
	start := time.Unix(1000, 0)
	for i, seq := range []int64{1, 4, 6} {
		a := arriving("c", seq)
		a.at = start.Add(time.Duration(i) * 600 * time.Millisecond)
		q.admit(a)
	}
	if ready, again := q.due(start.Add(time.Second)); len(ready) != 0 || !again.Equal(start.Add(1600*time.Millisecond)) {
		t.Errorf("early: %d ready, again at %v", len(ready), again)
	}
	if ready, _ := q.due(start.Add(1600 * time.Millisecond)); len(ready) != 1 || ready[0].msg.Seq != 4 {
		t.Errorf("at the time: %+v", ready)
	}
	if ready, again := q.due(start.Add(time.Minute)); len(ready) != 1 || !again.IsZero() {
		t.Errorf("later: %d ready, again at %v", len(ready), again)
	}
}

func arriving(in string, seq int64) arrival {
	return arrival{msg: Message{MessageBody: wire.MessageBody{Conversation: chat.ConversationID(in), Seq: seq}}, mark: &mark{}}
}
