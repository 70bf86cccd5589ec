//go:build chaos

package main_test

import (
	"testing"
	"time"
)

// A Redis that hangs for half a minute, with many more people there than talk.
// What is said arrives by way of the database meanwhile, which is asked as often
// as there are nodes and messages, not people.
func TestChaosRedisStopped(t *testing.T) {
	const away = 30 * time.Second
	r := newTrialOf(t, "stopped for 30 s", alone, 60, ownDatabase())
	r.IsAway(r.nodes, r.Redis.RedisServer.Pause, func() {
		spoken := r.asks(10*time.Second, "while people talk")
		if most := r.polls(10*time.Second) + 40*spoken.said; spoken.asked > most {
			t.Errorf("%d statements for %d messages, want at most %d", spoken.asked, spoken.said, most)
		}
		r.hush()
		r.crowd.AllHeard(soon)
		silent := r.asks(5*time.Second, "while nobody talks")
		if most := r.polls(5 * time.Second); silent.asked > most {
			t.Errorf("%d statements for nothing, want at most %d", silent.asked, most)
		}
		r.talk()
		r.lasts(away)
	}, r.Redis.Resume)
	r.Ends()
}

// polls is how often the nodes may ask the database within a time when nothing
// is said.
func (r *trial) polls(within time.Duration) int { return 12 * len(r.nodes) * int(within.Seconds()+1) }

// asking is how much was said and how many statements the database was asked
// meanwhile, but for those of our own probing.
type asking struct{ said, asked int }

// asks counts for a while.
func (r *trial) asks(during time.Duration, when string) asking {
	r.t.Helper()
	said, asked, probed := r.crowd.count(), r.questions(), r.probe.asked.Load()
	<-time.After(during)
	a := asking{r.crowd.count() - said, r.questions() - asked - int(r.probe.asked.Load()-probed)}
	r.t.Logf("%s: %d messages and %d statements in %v", when, a.said, a.asked, during)
	return a
}
