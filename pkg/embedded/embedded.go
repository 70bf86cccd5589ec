// Package embedded is the Redis that comes in the box, for one node and no
// restarts: a server on a port of its own inside this process, spoken to like
// any other. It keeps nothing on disk.
package embedded

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// tick is how often keys may expire, and so how exact a TTL is. The server has
// a mode that expires by the clock, but that one looks at every key at every
// command: 20,000 keys make it 200 times slower.
const tick = time.Second

// Start starts a server on a free port of the loopback interface and returns
// its host:port. It runs until ctx ends or stop is called, which waits until
// all of it has ended and may be called again. Who stops in an orderly way
// gives it a context that outlives the draining.
func Start(ctx context.Context) (addr string, stop func(), err error) {
	return start(ctx, time.Tick(tick), time.Now())
}

// start is Start with the times at which keys expire, the first of which counts
// from now.
func start(ctx context.Context, ticks <-chan time.Time, now time.Time) (addr string, stop func(), err error) {
	server := miniredis.NewMiniRedis()
	if err := server.StartAddr("127.0.0.1:0"); err != nil {
		return "", nil, fmt.Errorf("embedded redis: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() {
		defer server.Close()
		for {
			select {
			case <-ctx.Done():
				return
			case t := <-ticks:
				server.FastForward(t.Sub(now))
				now = t
			}
		}
	})
	return server.Addr(), func() { cancel(); running.Wait() }, nil
}
