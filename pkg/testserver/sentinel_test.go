package testserver

import (
	"testing"
	"time"
)

func TestSentinelPromotesTheReplica(t *testing.T) {
	began := time.Now()
	s := Sentinel(t)
	t.Log("up after", time.Since(began))
	master, replica := s.Master()
	master.Do("SET", "before", "1")
	eventually(t, func() bool { return replica.Do("EXISTS", "before") == int64(1) })
	s.CutReplication()
	master.Do("SET", "after", "1")
	began = time.Now()
	master.Kill()
	s.AwaitMaster(replica)
	t.Log("another master after", time.Since(began))
	if replica.Do("EXISTS", "before") != int64(1) || replica.Do("EXISTS", "after") != int64(0) {
		t.Fatal("the replica has not just what it heard")
	}
	if replica.Do("SET", "now", "1") != "OK" {
		t.Fatal("the new master takes no writes")
	}
}

func TestSharedSentinelsAreEmptied(t *testing.T) {
	began := time.Now()
	url := SentinelURL(t)
	t.Log(url, "up after", time.Since(began))
	ports, _ := sharedSentinels()
	if _, err := ask(localAddr(ports[0]), "SET", "k", "v"); err != nil {
		t.Fatal(err)
	}
	if again := SentinelURL(t); again != url {
		t.Fatalf("%s, then %s", url, again)
	}
	if n, err := ask(localAddr(ports[0]), "DBSIZE"); err != nil || n != int64(0) {
		t.Fatal("it was not emptied:", n, err)
	}
}

// eventually waits for what a server does in its own time.
func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for late := time.After(startWithin); !ok(); {
		select {
		case <-tick.C:
		case <-late:
			t.Fatal("never")
		}
	}
}
