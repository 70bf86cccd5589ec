//go:build chaos

package main_test

import "testing"

// What happens to a Redis behind sentinels.

// The master is killed, and its replica has not heard what was written lately.
func TestChaosRedisFailoverToALaggingReplica(t *testing.T) {
	r := newTrial(t, "failover to a lagging replica", behindSentinels)
	r.Redis.Sentinels.CutReplication()
	r.goesOn(100)
	master, replica := r.Redis.Sentinels.Master()
	r.LosesData(func() { master.Kill(); r.Redis.Sentinels.AwaitMaster(replica) })
	r.Ends()
}

// The master hangs until another has its place, and then goes on as if it were
// the master still, until the sentinels tell it otherwise.
func TestChaosRedisTwoMasters(t *testing.T) {
	r := newTrial(t, "master hangs, wakes up deposed", behindSentinels)
	master, replica := r.Redis.Sentinels.Master()
	r.LosesData(func() { master.Pause(); r.Redis.Sentinels.AwaitMaster(replica); master.Resume() })
	r.Ends()
}

// The sentinels are told to put the replica in the master's place, while both are
// well: for a moment some nodes speak to the one and some to the other.
func TestChaosRedisMasterSwitched(t *testing.T) {
	r := newTrial(t, "SENTINEL FAILOVER, both servers well", behindSentinels)
	_, replica := r.Redis.Sentinels.Master()
	r.LosesData(func() {
		r.Redis.Sentinels.Sentinels()[0].Do("SENTINEL", "FAILOVER", "main")
		r.Redis.Sentinels.AwaitMaster(replica)
	})
	r.Ends()
}

// All servers of either form hang, and go on where they were.
func TestChaosRedisAllServersStopped(t *testing.T) {
	t.Parallel()
	for _, form := range []redisForm{behindSentinels, asCluster} {
		t.Run(form.String(), func(t *testing.T) {
			r := newTrial(t, "all servers stopped for 8 s", form)
			r.IsAway(r.nodes, r.Redis.PauseAll, func() { r.lasts(allStopped) }, r.Redis.ResumeAll)
			r.Ends()
		})
	}
}
