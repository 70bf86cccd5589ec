package cluster

import (
	"testing"
	"time"
)

// A node may learn of a new generation from a script that refused it, before it
// looks for itself. Its sockets must be put right all the same.
func TestAFollowedGenerationIsRestored(t *testing.T) {
	onEachRedis(t, func(t *testing.T, url string) {
		l := &ledger{}
		c := join(t, url, l, "n1")
		in := run(t, c)
		in.awaitRestored(t) // Redis is there
		in.awaitRestored(t) // and heard
		l.mu.Lock()         // another node begins the next generation, and a script says so
		l.number++
		err := c.r.c.Set(t.Context(), keyGeneration, l.number, 0).Err()
		c.generation.Store(l.number)
		l.mu.Unlock()
		if err != nil {
			t.Fatal(err)
		}
		in.awaitRestored(t)
	})
}

// What was published before a node's first subscription was missed: it is told
// when Redis is there, and again when it is subscribed.
func TestTheFirstSubscriptionRestores(t *testing.T) {
	onEachRedis(t, func(t *testing.T, url string) {
		in := run(t, join(t, url, &ledger{}, "n1"))
		in.awaitRestored(t)
		in.awaitRestored(t)
	})
}

func (i *inbox) awaitRestored(t *testing.T) {
	t.Helper()
	select {
	case <-i.restored:
	case <-time.After(20 * time.Second):
		t.Fatal("nobody was told")
	}
}
