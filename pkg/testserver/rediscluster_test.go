package testserver

import (
	"testing"
	"time"
)

func TestRedisClusterMovesASlotAndPromotesAReplica(t *testing.T) {
	began := time.Now()
	c := RedisCluster(t)
	t.Log("up after", time.Since(began))
	from, slot := c.Serving("{tag}")
	to := c.masters[0]
	if to == from {
		to = c.masters[1]
	}
	for _, key := range []string{"{tag}1", "{tag}2"} {
		from.Do("SET", key, "v")
	}
	c.Move(slot, from, to, func() {
		if from.Do("CLUSTER", "COUNTKEYSINSLOT", "0") != int64(0) || from.Do("DBSIZE") != int64(1) || to.Do("DBSIZE") != int64(1) {
			t.Fatal("not half of the keys have moved")
		}
	})
	if now, _ := c.Serving("{tag}"); now != to || to.Do("EXISTS", "{tag}1", "{tag}2") != int64(2) {
		t.Fatal("the slot has not moved")
	}
	began = time.Now()
	r := c.AddReplica(to)
	t.Log("a replica after", time.Since(began))
	began = time.Now()
	to.Kill()
	c.AwaitPromoted(r)
	t.Log("promoted after", time.Since(began))
	to.Start()
	c.AwaitWell()
	if r.Do("EXISTS", "{tag}1", "{tag}2") != int64(2) {
		t.Fatal("the replica has not what its master had")
	}
}

func TestSharedRedisClusterIsEmptied(t *testing.T) {
	url := RedisClusterURL(t)
	ports, _ := sharedCluster()
	for _, p := range ports {
		for _, key := range []string{"a", "b", "c", "d", "e", "f"} {
			ask(localAddr(p), "SET", key, "v") // where it is served
		}
	}
	if again := RedisClusterURL(t); again != url {
		t.Fatalf("%s, then %s", url, again)
	}
	for _, p := range ports {
		if n, err := ask(localAddr(p), "DBSIZE"); err != nil || n != int64(0) {
			t.Fatal("it was not emptied:", n, err)
		}
	}
}
