package realtime

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/tieline/tieline/pkg/wire"
)

// Ready reports whether clients may be sent here, what is away, and whether all
// is well. A part that is away makes no node unready, since it is away for all
// nodes alike; a node that does not hear its own publications, although Redis
// answers, does not deliver, and is not ready.
func (n *Node) Ready(ctx context.Context) (ready bool, degraded []string, strict bool) {
	redis := n.c.Up()
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_, _, err := n.o.Ledger.Generation(ctx)
	database := err == nil
	degraded = []string{}
	if !redis {
		degraded = append(degraded, "redis")
	}
	if !database {
		degraded = append(degraded, "database")
	}
	hears := !redis || n.c.Hears()
	ready = n.ready.Load() && !n.draining() && hears && (redis || database)
	return ready, degraded, ready && redis && database
}

// drainSpread is over how long clients of a stopping node are told to come back.
const drainSpread = 2 * time.Second

// Drain hands the sockets over: the node takes no more, and tells each at a
// steady pace to come back elsewhere. It returns when all are gone, or when ctx
// ends.
func (n *Node) Drain(ctx context.Context) {
	n.drain.Store(true)
	conns := n.hub.all()
	n.log.Info("draining", "sockets", len(conns))
	spread := drainPace * time.Duration(len(conns))
	if deadline, ok := ctx.Deadline(); ok {
		spread = min(spread, time.Until(deadline)/2)
	}
	n.handOver(ctx, conns, spread, nil)
	gone := make(chan struct{})
	go func() { n.sockets.Wait(); close(gone) }()
	select {
	case <-gone:
	case <-ctx.Done():
		for _, c := range n.hub.all() {
			c.sock.Close()
		}
		<-gone
	}
}

// handOver tells sockets one after the other to come back elsewhere, evenly over
// a time, until ctx ends or further says no (nil: it never does).
func (n *Node) handOver(ctx context.Context, conns []*conn, spread time.Duration, further func() bool) {
	began := time.Now()
	for i, c := range conns {
		if further != nil && !further() {
			return
		}
		c.handOver(rand.N(drainSpread))
		// By the clock: so many short pauses would each be a little too long.
		due := spread * time.Duration(i+1) / time.Duration(len(conns))
		if ahead := due - time.Since(began); ahead > drainStep && !sleep(ctx.Done(), ahead) {
			return
		}
	}
}

// handOver asks a client to come back, to another node, in a while.
func (c *conn) handOver(in time.Duration) {
	c.close(wire.CloseGoingAway, "", wire.DrainFrame{Type: wire.Drain, ReconnectInMS: in.Milliseconds()})
}

// drainPace is the time that one socket may take to be handed over when there is
// enough of it, and drainStep the shortest pause.
const (
	drainPace = 2 * time.Millisecond
	drainStep = 10 * time.Millisecond
)
