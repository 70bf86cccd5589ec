//go:build chaos

package main_test

import (
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/testserver"
)

// What happens to a Redis of one server.

func TestChaosRedisKilledAndEmpty(t *testing.T) {
	r := newTrial(t, "killed, back empty after 5 s", alone)
	r.lossy.Store(true)
	r.IsAway(r.nodes, r.Redis.RedisServer.Kill, func() { r.lasts(5 * time.Second) }, func() { r.Redis.Erase(); r.Redis.Start() })
	r.Ends()
}

func TestChaosRedisRolledBack(t *testing.T) {
	r := newTrial(t, "started with an older copy", alone)
	restore := r.Redis.Copy()
	r.goesOn(200)
	r.LosesData(func() { r.Redis.RedisServer.Kill(); restore(); r.Redis.Start() })
	r.Ends()
}

func TestChaosRedisFlushed(t *testing.T) {
	t.Parallel()
	for _, form := range redisForms {
		t.Run(form.String(), func(t *testing.T) {
			r := newTrial(t, "FLUSHALL", form)
			r.LosesData(func() {
				for _, m := range r.Redis.masters() {
					m.Flush()
				}
			})
			r.Ends()
		})
	}
}

// The subscriptions alone are cut, by the server.
func TestChaosRedisSubscribersKilled(t *testing.T) {
	t.Parallel()
	for _, form := range redisForms {
		t.Run(form.String(), func(t *testing.T) {
			r := newTrial(t, "CLIENT KILL TYPE pubsub, 5 times", form)
			kill := func() {
				for _, m := range r.Redis.masters() {
					m.KillClients("pubsub")
				}
			}
			for range 4 {
				kill()
				r.goesOn(15)
			}
			r.Happens(kill)
			r.Ends()
		})
	}
}

// Connections on which nothing comes any more, and nobody is told.
func TestChaosRedisHalfOpen(t *testing.T) {
	r := newTrial(t, "all connections half-open", alone, throughProxies())
	r.deaf = true
	r.Happens(r.ways((*testserver.ProxyServer).Silence))
	r.Ends()
}

func TestChaosRedisPartition(t *testing.T) {
	r := newTrial(t, "network gone for 8 s", alone, throughProxies())
	r.IsAway(r.nodes, r.ways((*testserver.ProxyServer).Partition), func() { r.lasts(8 * time.Second) }, r.ways((*testserver.ProxyServer).Heal))
	r.Ends()
}

// One of three nodes does not reach Redis: for longer than its lease lives, so
// that the others deliver what it left.
func TestChaosRedisPartitionOfOneNode(t *testing.T) {
	r := newTrial(t, "network of one node gone for 15 s", alone, throughProxies())
	n := r.nodes[1]
	r.IsAway(r.nodes[1:2], n.way.Partition, func() { r.lasts(15 * time.Second) }, n.way.Heal)
	r.Ends()
}

// What was asked is done, and nobody hears the answer.
func TestChaosRedisRepliesLost(t *testing.T) {
	r := newTrial(t, "30 replies lost", alone, throughProxies())
	r.Happens(func() {
		for range 10 {
			for _, n := range r.nodes {
				select {
				case <-n.way.LoseReply(":queue"):
				case <-time.After(soon):
					t.Fatalf("%s has nothing to do with queues", n.id)
				}
			}
		}
	})
	r.Ends()
}

// ways does something to the way of every node.
func (r *trial) ways(do func(*testserver.ProxyServer)) func() {
	return func() {
		for _, n := range r.nodes {
			do(n.way)
		}
	}
}
