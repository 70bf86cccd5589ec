package embedded

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// client connects to the server as the rest of the program does.
func client(t *testing.T, addr string) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1, DialerRetries: 1})
	t.Cleanup(func() { c.Close() })
	return c
}

func TestKeysExpireWithTheTicks(t *testing.T) {
	ticks, now := make(chan time.Time), time.Now()
	addr, stop, err := start(t.Context(), ticks, now)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	rdb := client(t, addr)
	if err := rdb.Set(t.Context(), "lease", "n1", 10*time.Second).Err(); err != nil {
		t.Fatal(err)
	}
	for _, at := range []struct {
		seconds int
		there   int64
	}{{9, 1}, {11, 0}} {
		ticks <- now.Add(time.Duration(at.seconds) * time.Second)
		ticks <- now.Add(time.Duration(at.seconds) * time.Second) // taken once the one before is done
		if n, err := rdb.Exists(t.Context(), "lease").Result(); n != at.there || err != nil {
			t.Errorf("after %d s: there %d (%v), want %d", at.seconds, n, err, at.there)
		}
	}
}

func TestRunsUntilStoppedOrItsContextEnds(t *testing.T) {
	addr, stop, err := Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rdb := client(t, addr)
	if err := rdb.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	stop()
	stop()
	if rdb.Ping(t.Context()).Err() == nil {
		t.Error("it answers after stop")
	}

	ctx, cancel := context.WithCancel(t.Context())
	addr, stop, err = Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	stop() // waits for the end that the context asked for
	if client(t, addr).Ping(t.Context()).Err() == nil {
		t.Error("it answers after its context has ended")
	}
}
