package cluster

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/testserver"
)

// recovery is what everything takes at most, after Redis is back, and slack what a
// machine with other work may add to it.
const (
	recovery = 5 * time.Second
	slack    = 10 * time.Second
)

// within is eventually with a promised time; it returns how long it took.
func within(t *testing.T, limit time.Duration, what string, ok func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	eventually(t, what, ok)
	took := time.Since(began)
	if took > limit+slack {
		t.Errorf("%s: after %v, promised within %v", what, took, limit)
	}
	t.Logf("%s: after %v", what, took.Round(time.Millisecond))
	return took
}

// at opens a client of a test's own to one server.
func at(t *testing.T, addr string) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { c.Close() })
	return c
}

// via joins through a proxy before a Redis of the test's own.
func via(t *testing.T, node chat.NodeID) (*Cluster, *testserver.ProxyServer, *testserver.RedisServer) {
	t.Helper()
	server := testserver.Redis(t)
	p := testserver.Proxy(t, server.Addr())
	return join(t, p.URL(), &ledger{}, node), p, server
}

// A server that is reached again after a restart may have less than before: what
// was not in its copy would be numbered a second time, so nothing is written
// before it was looked at.
func TestNothingIsWrittenToAnUnverifiedServer(t *testing.T) {
	t.Parallel()
	server := testserver.Redis(t)
	c := join(t, server.URL(), &ledger{}, "n1")
	signIn(t, c, "bob", "phone", 1)
	restore := server.Copy()
	start := claim(t, c, session("bob", "phone", "n1"), 1).Head
	deliver(t, c, 1, 2)
	server.Kill()
	restore()
	server.Start()
	if _, err := c.Deliver(t.Context(), []chat.Delivery{message("bob", 3, "three")}, 0); err == nil {
		t.Fatal("delivered to a server that was not verified")
	}
	before := c.Generation()
	if err := c.check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c.Generation() == before {
		t.Fatal("it is another generation that was restored")
	}
	if _, err := c.Deliver(t.Context(), []chat.Delivery{message("bob", 3, "three")}, 0); err != nil {
		t.Fatal(err)
	}
	page, err := c.ReadQueue(t.Context(), "bob", 0, 10)
	if err != nil || !slices.Equal(seqs(page), []int64{3}) || page.Entries[0].Position <= start+2 {
		t.Fatalf("queue after position %d: %+v, %v", start+2, page, err)
	}
}

// deliver takes messages to bob, one after the other.
func deliver(t *testing.T, c *Cluster, seqs ...int64) {
	t.Helper()
	for _, seq := range seqs {
		if _, err := c.Deliver(t.Context(), []chat.Delivery{message("bob", seq, "x")}, 0); err != nil {
			t.Fatal(err)
		}
	}
}

// A reply that is lost after the command ran: nothing happens twice.
func TestLostReplies(t *testing.T) {
	t.Parallel()
	c, p, _ := via(t, "n1")
	in := run(t, c)
	signIn(t, c, "bob", "phone", 1)
	s := session("bob", "phone", "n1")
	start := claim(t, c, s, 1).Head
	for seq := range int64(10) {
		lost := p.LoseReply(queueTag("bob"))
		deliver(t, c, seq+1)
		<-lost
	}
	page, err := c.ReadQueue(t.Context(), "bob", start, 100)
	if err != nil || !slices.Equal(seqs(page), []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}) {
		t.Fatalf("queue: %v, %v", seqs(page), err)
	}

	// A signal is at most once; a receipt as well.
	lost := p.LoseReply("signal 1")
	c.Tell(t.Context(), []Frame{{Users: []chat.UserID{"bob"}, Data: []byte("signal 1")}})
	<-lost
	if err := c.Tell(t.Context(), []Frame{{Users: []chat.UserID{"bob"}, Data: []byte("signal 2")}}); err != nil {
		t.Fatal(err)
	}
	var heard []string
	for !slices.Contains(heard, "signal 2") {
		for _, f := range in.next(t, "a signal", func(e *Envelope) bool { return len(e.Frames) > 0 }).Frames {
			heard = append(heard, string(f.Data))
		}
	}
	if strings.Count(strings.Join(heard, " "), "signal 1") > 1 {
		t.Fatalf("heard %q", heard)
	}

	// A session that ends is told so, although it is over in Redis already.
	lost = p.LoseReply("password_changed")
	if err := c.End(t.Context(), []chat.Device{{User: "bob", ID: "phone", Login: 1, EndReason: chat.PasswordChanged}}); err != nil {
		t.Fatal(err)
	}
	<-lost
	e := in.next(t, "a kick", func(e *Envelope) bool { return len(e.Kicks) > 0 })
	if e.Kicks[0].Session != s.ID {
		t.Fatalf("kick: %+v", e.Kicks[0])
	}
}

// queueTag is in every request about a user's queue.
func queueTag(u chat.UserID) string { return keyQueue(u) }

// Connections that go nowhere and are never told so are given up together.
func TestHalfOpenConnections(t *testing.T) {
	t.Parallel()
	c, p, _ := via(t, "n1")
	in := run(t, c)
	signIn(t, c, "bob", "phone", 1)
	claim(t, c, session("bob", "phone", "n1"), 1)
	deliver(t, c, 1)
	busy(t, c, 20)
	in.drain()
	p.Silence()
	within(t, recovery, "messages pass again", func() bool {
		return delivers(t, c, searchRecent, []chat.Delivery{message("bob", 2, "x")})
	})
	within(t, recovery, "the node is well", func() bool { return c.Up() && c.Hears() && c.CanaryAge() < time.Second })
	in.awaitRestored(t)
}

// busy makes a node have so many connections.
func busy(t *testing.T, c *Cluster, conns int) {
	t.Helper()
	done := make(chan error, conns)
	for range conns {
		go func() { done <- c.r.c.Do(t.Context(), "BLPOP", "nothing", "0.2").Err() }()
	}
	for range conns {
		<-done
	}
}

// The subscription alone: cut, or silent.
func TestASilentSubscription(t *testing.T) {
	t.Parallel()
	c, p, server := via(t, "n1")
	in := run(t, c)
	signIn(t, c, "bob", "phone", 1)
	claim(t, c, session("bob", "phone", "n1"), 1)
	hears := func(seq int64) {
		t.Helper()
		within(t, recovery, "the node hears", func() bool {
			deliver(t, c, seq)
			select {
			case e := <-in.envelopes:
				return len(e.Queued) > 0
			case <-time.After(100 * time.Millisecond):
				seq += 1000
				return false
			}
		})
	}
	for i, disturb := range []func(){p.CutSubscribers, func() { server.KillClients("pubsub") }, p.SilenceSubscribers} {
		in.drain()
		disturb()
		in.awaitRestored(t)
		if !c.Up() {
			t.Fatal("Redis counts as away although it answers")
		}
		hears(int64(i + 1))
	}
}

// drain forgets what was told so far.
func (i *inbox) drain() {
	for {
		select {
		case <-i.envelopes:
		case <-i.restored:
		default:
			return
		}
	}
}

// A network that does not let anything pass for a while, and then what was on
// its way: late.
func TestPartition(t *testing.T) {
	t.Parallel()
	c, p, _ := via(t, "n1")
	in := run(t, c)
	signIn(t, c, "bob", "phone", 1)
	start := claim(t, c, session("bob", "phone", "n1"), 1).Head
	deliver(t, c, 1)
	p.Partition()
	if delivers(t, c, 0, []chat.Delivery{message("bob", 2, "x")}) {
		t.Fatal("delivered through a partition")
	}
	within(t, recovery, "Redis is away", func() bool { return !c.Up() })
	in.drain()
	p.Heal()
	within(t, recovery, "Redis is back", c.Up)
	in.awaitRestored(t)
	if _, err := c.Deliver(t.Context(), []chat.Delivery{message("bob", 2, "x"), message("bob", 3, "x")}, searchRecent); err != nil {
		t.Fatal(err)
	}
	within(t, recovery, "the node hears itself", func() bool { return c.Hears() && c.CanaryAge() < time.Second })
	page, err := c.ReadQueue(t.Context(), "bob", start, 100)
	if err != nil || !slices.Equal(seqs(page), []int64{1, 2, 3}) {
		t.Fatalf("queue: %v, %v", seqs(page), err)
	}
}

// A server that is a fifth of a second away, and has forgotten the scripts.
func TestADistantServer(t *testing.T) {
	t.Parallel()
	c, p, server := via(t, "n1")
	p.Delay(100 * time.Millisecond)
	in := run(t, c)
	signIn(t, c, "bob", "phone", 1)
	start := claim(t, c, session("bob", "phone", "n1"), 1).Head
	deliver(t, c, 1)
	server.Do("SCRIPT", "FLUSH")
	deliver(t, c, 2, 3)
	page, err := c.ReadQueue(t.Context(), "bob", start, 100)
	if err != nil || !slices.Equal(seqs(page), []int64{1, 2, 3}) {
		t.Fatalf("queue: %v, %v", seqs(page), err)
	}
	in.next(t, "a message", func(e *Envelope) bool { return len(e.Queued) > 0 })
	if !c.Up() || !c.Hears() {
		t.Fatal("it counts as away")
	}
}

// A Redis that answers but takes no writes is of no use, and counts as away.
func TestAServerThatTakesNoWrites(t *testing.T) {
	t.Parallel()
	server := testserver.Redis(t)
	c := join(t, server.URL(), &ledger{}, "n1")
	run(t, c)
	server.Do("CONFIG", "SET", "maxmemory", "1")
	within(t, recovery, "Redis is away", func() bool { return !c.Up() })
	server.Do("CONFIG", "SET", "maxmemory", "0")
	within(t, recovery, "Redis is back", c.Up)
	server.Do("REPLICAOF", "127.0.0.1", "1")
	within(t, recovery, "Redis is away", func() bool { return !c.Up() })
	server.Do("REPLICAOF", "NO", "ONE")
	within(t, recovery, "Redis is back", c.Up)
}
