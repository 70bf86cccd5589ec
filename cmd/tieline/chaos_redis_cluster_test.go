//go:build chaos

package main_test

import (
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/testserver"
)

// What happens to a Redis Cluster.

// allStopped is how long all servers of a form hang.
const allStopped = 8 * time.Second

// Slots move to another server while they are used: those of somebody's queue,
// of a node's channel, of the lobby's log, and of the generation.
func TestChaosRedisSlotsMove(t *testing.T) {
	r := newTrial(t, "4 slots moved", asCluster)
	r.Happens(func() {
		for _, key := range []string{"tl:{u:" + string(r.who[0].user) + "}:queue", "tl:to:n1", "tl:{r:" + string(chat.Lobby) + "}:log", "tl:generation"} {
			from, slot := r.Redis.Cluster.Serving(key)
			to := r.Redis.masters()[0]
			if to == from {
				to = r.Redis.masters()[1]
			}
			r.Redis.Cluster.Move(slot, from, to, func() { r.goesOn(30) })
		}
	})
	r.Ends()
}

// A master is killed and its replica takes its place.
func TestChaosRedisMasterKilled(t *testing.T) {
	r := newTrial(t, "master killed, replica promoted", asCluster)
	master, _ := r.Redis.Cluster.Serving("tl:generation")
	replica := r.Redis.Cluster.AddReplica(master)
	r.goesOn(60)
	r.LosesData(func() { master.Kill(); r.Redis.Cluster.AwaitPromoted(replica) })
	r.Ends()
}

// A master is killed that has no replica, and is back, empty, after a while.
func TestChaosRedisMasterErased(t *testing.T) {
	r := newTrial(t, "1 of 3 masters killed, back empty after 6 s", asCluster)
	master, _ := r.Redis.Cluster.Serving("tl:{u:" + string(r.who[0].user) + "}:queue")
	r.LosesData(func() {
		master.Kill()
		r.lasts(6 * time.Second)
		master.Erase()
		master.Start()
		r.Redis.Cluster.AwaitWell()
	})
	r.Ends()
}

// Somebody empties one of the masters, and the others, one of which knows the
// generation, know of nothing.
func TestChaosRedisOneMasterFlushed(t *testing.T) {
	r := newTrial(t, "FLUSHALL on 1 of 3 masters", asCluster)
	knows, _ := r.Redis.Cluster.Serving("tl:generation")
	var holds *testserver.RedisServer
	for _, m := range r.who {
		if s, _ := r.Redis.Cluster.Serving("tl:{u:" + string(m.user) + "}:queue"); s != knows {
			holds = s
		}
	}
	r.LosesData(holds.Flush)
	r.Ends()
}
