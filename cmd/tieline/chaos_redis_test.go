//go:build chaos

package main_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// A trial is people on three nodes who talk all the time, to each other and in
// the lobby, while something happens to Redis:
//
//	r := newTrial(t, "emptied", alone)
//	r.LosesData(r.Redis.Flush)
//	r.Ends()
//
// Whatever it was, nothing acknowledged is lost, nothing is numbered twice, the
// history agrees with what everybody heard, no socket is closed, each send is
// acknowledged in time, health is told truly, and all is well again soon after.
type trial struct {
	*story
	fault string
	crowd *crowd
	// who are those who talk; the others of the crowd listen.
	who   []*member
	probe *probe
	hush  func()

	struck, back time.Time // when it began, and when Redis was there again
	returns      time.Time // when it began to be brought back
	recovered    time.Duration
	far          []*node // from which Redis is away altogether in between
	deaf         bool    // nodes may say for a moment that they do not hear themselves
}

// acknowledged is how long a send may take, whatever is away.
const acknowledged = 2 * time.Second

// talkers is how many people talk, and talkEvery how often each.
const (
	talkers   = 6
	talkEvery = 150 * time.Millisecond
)

// newTrial starts the servers and the talking.
func newTrial(t *testing.T, fault string, form redisForm, options ...storyOption) *trial {
	t.Helper()
	return newTrialOf(t, fault, form, talkers, options...)
}

// newTrialOf has more people there than talk.
func newTrialOf(t *testing.T, fault string, form redisForm, people int, options ...storyOption) *trial {
	t.Helper()
	t.Parallel()
	s := newStory(t, append(options, nodes(3), redisIs(form), setting("TIELINE_LOG_LEVEL", "info"))...)
	r := &trial{story: s, fault: fault, crowd: s.Crowd("p", people)}
	r.crowd.Witnessed()
	r.who = r.crowd.members[:talkers]
	present, leave := context.WithCancel(context.Background())
	var there sync.WaitGroup
	for i, m := range r.crowd.members {
		there.Go(func() { m.attend(present, s.urls(), i) })
	}
	r.probe = s.startProbe()
	t.Cleanup(func() { r.probe.stop(); leave(); there.Wait() })
	eventually(t, startup, "all are connected", r.crowd.allOnline)
	r.talk()
	r.goesOn(60)
	return r
}

// talk has people talk until hush.
func (r *trial) talk() {
	ctx, cancel := context.WithCancel(context.Background())
	var talk sync.WaitGroup
	for i, m := range r.who {
		talk.Go(func() { m.talksInTurn(ctx, i) })
	}
	r.hush = func() { cancel(); talk.Wait() }
	r.t.Cleanup(r.hush)
}

// talksInTurn says something to one after the other of the crowd, and every
// eighth time in the lobby.
func (m *member) talksInTurn(ctx context.Context, i int) {
	tick := time.NewTicker(talkEvery)
	defer tick.Stop()
	c := m.crowd
	others := slices.DeleteFunc(slices.Clone(c.members), func(o *member) bool { return o == m })
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		text := fmt.Sprintf("%s %s", m.name, chat.NewID())
		m.must(text, func(ctx context.Context) bool {
			if n%8 == 0 {
				return m.sayTo(ctx, wire.Target{Room: chat.Lobby}, others, text)
			}
			return m.say(ctx, others[(i+n)%len(others)], text)
		})
	}
}

// must says something and waits for the ack, also when everybody falls silent.
func (m *member) must(text string, say func(ctx context.Context) bool) {
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	if !say(ctx) {
		m.crowd.t.Errorf("%q was not acknowledged", text)
	}
}

// goesOn waits until so many more things were said.
func (r *trial) goesOn(more int) {
	r.t.Helper()
	before := r.crowd.count()
	eventually(r.t, startup, fmt.Sprintf("%d more messages are acknowledged", more), func() bool { return r.crowd.count() >= before+more })
}

// lasts lets an outage last until so long after it began. People talk meanwhile.
func (r *trial) lasts(d time.Duration) { <-time.After(time.Until(r.struck.Add(d))) }

// Happens is something after which Redis has all that it had, and is there.
func (r *trial) Happens(fault func()) {
	r.t.Helper()
	r.struck = time.Now()
	fault()
	r.back = time.Now()
	r.recovers()
}

// LosesData is something after which Redis is there, but has not all that it had.
func (r *trial) LosesData(fault func()) {
	r.t.Helper()
	r.lossy.Store(true)
	r.Happens(fault)
}

// IsAway is something that takes Redis away from some nodes until it is brought
// back. What is said on them meanwhile is not live, but arrives.
func (r *trial) IsAway(from []*node, gone func(), during func(), back func()) {
	r.t.Helper()
	r.far = from
	r.Happens(func() {
		gone()
		r.struck = time.Now()
		for _, n := range from {
			eventually(r.t, soon, n.id+" says that Redis is away", func() bool { return r.probe.newest(n).away })
		}
		during()
		r.returns = time.Now()
		back()
	})
}

// recovers watches for as long as all may take to be well again, or takes longer,
// and notes since when it is.
func (r *trial) recovers() {
	r.t.Helper()
	ill := "not looked at"
	if !until(2*startup, func() bool {
		if now := r.ill(); now != ill {
			ill, r.recovered = now, since(r.back)
			r.t.Logf("%6v after Redis is back: %s", r.recovered, cmp.Or(ill, "all is well"))
		}
		return ill == "" && time.Since(r.back) > recovery
	}) {
		r.t.Fatalf("not well %v after Redis is back: %s", since(r.back), ill)
	}
}

// ill is what is not well: a node that is not ready or does not say so, somebody
// whose words are not live, or something that was not heard.
func (r *trial) ill() string {
	for _, n := range r.nodes {
		if s := r.probe.newest(n); !s.well() || s.at.Before(r.back) {
			return n.id + " is not well"
		}
	}
	for _, m := range r.who {
		if !r.crowd.newestOf(m, r.back).live {
			return m.name + " is not live"
		}
	}
	settled := time.Now().Add(-time.Second) // what was said since may be on its way
	if lost, _ := r.crowd.lostOf(func(s *saying) bool { return s.ack.Before(settled) || s.ack.Before(r.back) }); lost > 0 {
		return "not everything was heard"
	}
	return ""
}

// newestOf is what somebody said last, and not before a time.
func (c *crowd) newestOf(m *member, since time.Time) (newest saying) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.said {
		if s.by == m && s.sent.After(since) && s.sent.After(newest.sent) {
			newest = *s
		}
	}
	return newest
}

// Ends has people talk a little longer, and checks everything.
func (r *trial) Ends() {
	r.t.Helper()
	r.goesOn(60)
	r.hush()
	r.crowd.AllHeard(recovery + r.probe.stalled())
	r.crowd.AgreesWithHistory()
	for e, n := range r.crowd.endings {
		r.t.Errorf("%d sockets ended with %d after %q, none was to end", n, e.code, e.last)
	}
	r.probe.stop()
	r.probe.check(r)
	slowest := r.acks()
	if r.recovered > recovery+r.probe.stalled() {
		r.t.Errorf("all is well %v after Redis is back, promised within %v", r.recovered, recovery)
	}
	lost, _ := r.crowd.lost()
	again, _ := r.crowd.repeated()
	r.t.Logf("figures: fault=%q form=%s acknowledged=%d lost=%d repeated=%d slowest_ack=%v away=%v recovered=%v stall=%v",
		r.fault, r.o.redis, r.crowd.count(), lost, again, slowest, r.back.Sub(r.struck).Round(time.Millisecond), r.recovered, r.probe.stalled().Round(time.Millisecond))
}

// acks looks at how long each took, and whether it said that what was said while
// Redis was away would be live.
func (r *trial) acks() (slowest time.Duration) {
	r.t.Helper()
	late, wrong := 0, 0
	for _, s := range r.crowd.said {
		took := s.ack.Sub(s.sent)
		if slowest = max(slowest, took); took > acknowledged+r.probe.stalled() {
			late++
		}
		if s.live && s.sent.After(r.struck) && s.ack.Before(r.returns) && slices.ContainsFunc(r.far, func(n *node) bool { return s.by.on(n) }) {
			wrong++
		}
	}
	if late > 0 || wrong > 0 {
		r.t.Errorf("%d messages took longer than %v to be acknowledged, up to %v; %d were said to be live while Redis was away", late, acknowledged, slowest, wrong)
	}
	return slowest.Round(time.Millisecond)
}

// on says whether a member's socket is on a node.
func (m *member) on(n *node) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return string(m.node) == n.id
}
