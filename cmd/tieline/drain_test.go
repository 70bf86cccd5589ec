package main_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// Promise 1 and S2.10: one node after the other is restarted under traffic.
// Nobody loses a message, or is shown one twice.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	rollingRestart(t, 100, 20, 100*time.Millisecond)
}

// rollingRestart has a crowd connected to three nodes, some of whom speak, each
// once every so often, and restarts the nodes one after the other.
func rollingRestart(t *testing.T, people, speakers int, every time.Duration) {
	const drain = 5 * time.Second
	s := newStory(t, nodes(3), setting("TIELINE_DRAIN", drain.String()), setting("TIELINE_LOG_LEVEL", "info"))
	c := s.Crowd("roll", people)
	present, leave := context.WithCancel(context.Background())
	talking, hush := context.WithCancel(context.Background())
	var there, talk sync.WaitGroup
	for i, m := range c.members {
		there.Go(func() { m.attend(present, s.urls(), i) })
	}
	t.Cleanup(func() { hush(); leave(); talk.Wait(); there.Wait() })
	eventually(t, startup, "all are connected", c.allOnline)
	for i, m := range c.members[:speakers] {
		talk.Go(func() { m.chatter(talking, c, i, every) })
	}
	eventually(t, soon, "the speakers are heard", func() bool { return c.count() >= 2*speakers })
	for _, n := range s.nodes {
		restartOne(t, s, c, n, drain)
	}
	hush()
	talk.Wait()
	eventually(t, startup, "all are connected", c.allOnline)
	c.AllHeard(soon)
	for e, n := range c.endings {
		switch {
		case e.last == wire.Drain && e.code == wire.CloseGoingAway:
		case !e.in && e.code == wire.CloseUnavailable:
			t.Logf("%d connects were asked to come back later", n)
		default:
			t.Errorf("%d sockets ended with %d after %q, none was to end but by a drain", n, e.code, e.last)
		}
	}
	t.Logf("%d sockets handed over; longest interruption %v, half of them under %v; at most %d accepts a second",
		len(c.pauses), slices.Max(c.pauses).Round(time.Millisecond), c.middlePause(), c.peak())
	leave()
	there.Wait()
}

// Promise 1: an administrator drains a node, asked on another: its sockets come
// back elsewhere and lose nothing, it stays up and takes none, until it resumes;
// and it can still be stopped.
func TestANodeStandsAside(t *testing.T) {
	t.Parallel()
	s := newStory(t, setting("TIELINE_DRAIN", "2s"))
	root, alice, bob := s.Admin("root"), s.User("alice"), s.User("bob")
	n1, n2 := s.Node("n1"), s.Node("n2")
	order := func(asked *node, verb string, of *node) {
		t.Helper()
		if a := root.asks(asked, "POST", "/admin/nodes/"+of.id+"/"+verb, ""); a.Status != 204 {
			t.Fatalf("%s %s: %d %s", verb, of.id, a.Status, a.Body)
		}
	}
	alice.On("n1")
	bob.On("n2")
	said := bob.Says(alice, "are you there?")
	alice.Hears("are you there?")
	order(n2, "drain", n1)
	alice.IsDrained().ClosedWith(wire.CloseGoingAway)
	bob.Says(alice, "where are you?")
	alice.Tries("n1").IsDrained().ClosedWith(wire.CloseGoingAway)
	if _, err := get(n1.URL() + "/readyz"); err == nil {
		t.Error("n1 is ready")
	}
	if _, err := get(n1.URL() + "/healthz"); err != nil {
		t.Error("n1 does not live:", err)
	}
	alice.Returns("n2").Hears("where are you?")
	bob.SaysAgain(said)
	order(n1, "drain", n1) // it is
	s.eventuallyDraining(root, n1, true)
	root.asks(n2, "POST", "/admin/nodes/n7/drain", "").is(s, 404, chat.NotFound)

	order(n2, "resume", n1)
	n1.awaitReady()
	s.eventuallyDraining(root, n1, false)
	alice.Leaves()
	alice.Returns("n1").StaysOn()
	alice.Says(bob, "back again")
	bob.Hears("back again")
	order(n1, "drain", n2)
	bob.IsDrained().ClosedWith(wire.CloseGoingAway)
	n2.Stop()
	alice.HearsNothing()
}

// eventuallyDraining waits until every list of the nodes says so.
func (s *story) eventuallyDraining(root *User, n *node, draining bool) {
	s.t.Helper()
	for _, asked := range s.running() {
		eventually(s.t, soon, asked.id+" knows of the drain", func() bool {
			var list struct {
				Items []struct {
					ID       string
					Draining bool
				}
			}
			root.asks(asked, "GET", "/admin/nodes", "").into(s, &list)
			for _, i := range list.Items {
				if i.ID == n.id {
					return i.Draining == draining
				}
			}
			return false
		})
	}
	for line := range strings.Lines(s.Tieline("", "nodes")) {
		if strings.HasPrefix(line, n.id+" ") && !strings.Contains(line, fmt.Sprint(draining)) {
			s.t.Errorf("tieline nodes says %s", line)
		}
	}
}

// restartOne stops a node properly and starts it again.
func restartOne(t *testing.T, s *story, c *crowd, n *node, drain time.Duration) {
	t.Helper()
	held := c.on(n.id)
	start := time.Now()
	n.Drain()
	n.Gone()
	took := time.Since(start)
	if lease := s.lease(n.id); lease != "" {
		t.Errorf("%s is gone and its lease is still there: %s", n.id, lease)
	}
	if took > drain+10*time.Second {
		t.Errorf("%s took %v to end, TIELINE_DRAIN is %v", n.id, took, drain)
	}
	t.Logf("%s handed %d sockets over and ended within %v", n.id, held, took.Round(time.Millisecond))
	eventually(t, startup, "everybody is elsewhere", c.allOnline)
	n.Start()
}

// chatter says something to somebody, again and again, until ctx ends.
func (m *member) chatter(ctx context.Context, c *crowd, i int, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			to := c.members[(i+1+n*7)%len(c.members)]
			if to != m {
				m.say(ctx, to, fmt.Sprintf("%s says %d", m.name, n))
			}
		}
	}
}

func (c *crowd) allOnline() bool {
	return !slices.ContainsFunc(c.members, func(m *member) bool { return !m.online() })
}

// on counts the members whose socket is on a node.
func (c *crowd) on(node string) (n int) {
	for _, m := range c.members {
		m.mu.Lock()
		if string(m.node) == node {
			n++
		}
		m.mu.Unlock()
	}
	return n
}

// count is how much was acknowledged.
func (c *crowd) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.said)
}

func (c *crowd) middlePause() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	slices.Sort(c.pauses)
	return c.pauses[len(c.pauses)/2].Round(time.Millisecond)
}
