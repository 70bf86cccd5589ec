package cluster

import (
	"testing"

	"github.com/tieline/tieline/pkg/chat"
)

// All nodes together grant a burst of twice the rate, and then say when.
func TestLimitsAreShared(t *testing.T) {
	onEachRedis(t, func(t *testing.T, url string) {
		l := &ledger{}
		rates := map[chat.Operation]int{chat.Sends: 8}
		counted := 0
		count := func(op chat.Operation) {
			if counted++; op != chat.Sends {
				t.Error("refused:", op)
			}
		}
		nodes := []*Limits{NewLimits(join(t, url, l, "n1"), rates, count), NewLimits(join(t, url, l, "n2"), rates, count)}
		granted := 0
		for i := range 100 {
			err := nodes[i%2].Allow(t.Context(), chat.Sends, "bob")
			if err == nil {
				granted++
				continue
			}
			if e := err.(*chat.Error); e.Kind != chat.RateLimited || e.Retry <= 0 {
				t.Fatalf("refused with %+v", e)
			}
		}
		if granted < 16 || granted > 20 { // a few more as time goes by
			t.Errorf("%d granted of 100 at once, want a burst of 16", granted)
		}
		if counted != 100-granted {
			t.Errorf("%d refusals were counted, there were %d", counted, 100-granted)
		}
		if err := nodes[0].Allow(t.Context(), chat.Sends, "carol"); err != nil {
			t.Errorf("somebody else: %v", err)
		}
		if err := nodes[0].Allow(t.Context(), chat.Connects, "bob"); err != nil {
			t.Errorf("no limit: %v", err)
		}
	})
}

func TestLimitsHoldWithoutRedis(t *testing.T) {
	c := &Cluster{}
	l := NewLimits(c, map[chat.Operation]int{chat.Logins: 5}, nil)
	granted := 0
	for range 100 {
		if l.Allow(t.Context(), chat.Logins, "127.0.0.1") == nil {
			granted++
		}
	}
	if granted < 10 || granted > 12 {
		t.Errorf("%d granted, want a burst of 10", granted)
	}
}
