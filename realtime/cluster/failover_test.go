package cluster

import (
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/testserver"
)

// A master is killed, and its replica lacks the newest of what it had. What was
// acknowledged is in the database; here it counts that no position is given
// twice within a generation, and that all goes on.
func TestSentinelFailoverToALaggingReplica(t *testing.T) {
	t.Parallel()
	s := testserver.Sentinel(t)
	l := &ledger{}
	c, other := join(t, s.URL(), l, "n1"), join(t, s.URL(), l, "n2")
	in, in2 := run(t, c), run(t, other)
	signIn(t, c, "bob", "phone", 1)
	claim(t, c, session("bob", "phone", "n1"), 1)
	deliver(t, c, 1)
	s.CutReplication()
	deliver(t, c, 2, 3)
	given := positions{}
	given.note(t, c)
	before := c.Generation()
	master, replica := s.Master()
	in.drain()
	in2.drain()
	master.Kill()
	seq := int64(4)
	for up := false; !up; seq++ { // all the while somebody sends
		up = delivers(t, c, searchRecent, []chat.Delivery{message("bob", seq, "x")}) && c.Up()
	}
	s.AwaitMaster(replica)
	within(t, recovery, "both nodes are on", func() bool {
		return c.Up() && other.Up() && c.Generation() > before && c.Generation() == other.Generation()
	})
	within(t, recovery, "both hear themselves", func() bool { return c.Hears() && other.Hears() })
	in.awaitRestored(t)
	in2.awaitRestored(t)
	deliver(t, other, seq, seq+1)
	given.note(t, c)
}

// positions are those that were given, and to which message: generation and
// position → seq.
type positions map[[2]int64]int64

// note reads bob's queue, and fails when a position is another message's.
func (p positions) note(t *testing.T, c *Cluster) {
	t.Helper()
	page, err := c.ReadQueue(t.Context(), "bob", 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range page.Entries {
		at := [2]int64{page.Generation, q.Position}
		if had, ok := p[at]; ok && had != q.Seq {
			t.Errorf("position %d of generation %d is seq %d, it was seq %d", q.Position, page.Generation, q.Seq, had)
		}
		p[at] = q.Seq
	}
}

// Neither a sentinel that hangs nor one that is dead keeps a node from finding
// the new master.
func TestSentinelsThatHang(t *testing.T) {
	t.Parallel()
	s := testserver.Sentinel(t)
	c := join(t, s.URL(), &ledger{}, "n1")
	run(t, c)
	master, replica := s.Master()
	s.Sentinels()[1].Pause()
	t.Cleanup(s.Sentinels()[1].Resume)
	master.Kill()
	eventually(t, "a new master", func() bool { return at(t, replica.Addr()).Set(t.Context(), "x", 1, 0).Err() == nil })
	within(t, recovery, "Redis is back", func() bool { return c.Up() && c.Hears() && c.CanaryAge() < time.Second })
}

// A master of a Redis Cluster is killed, and its replica takes its place: the
// node looks there as soon as it has.
func TestClusterFailover(t *testing.T) {
	t.Parallel()
	s := testserver.RedisCluster(t)
	c := join(t, s.URL(), &ledger{}, "n1")
	in := run(t, c)
	master, _ := s.Serving(keyGeneration)
	replica := s.AddReplica(master)
	before := c.Generation()
	in.drain()
	master.Kill()
	s.AwaitPromoted(replica)
	within(t, recovery, "Redis is back", func() bool { return c.Up() && c.Generation() > before })
	within(t, recovery, "the node hears itself", func() bool { return c.Hears() && c.CanaryAge() < time.Second })
	in.awaitRestored(t)
	within(t, recovery, "messages pass", func() bool {
		return delivers(t, c, searchRecent, []chat.Delivery{message("bob", 1, "x")})
	})
}
