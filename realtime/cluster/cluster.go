package cluster

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/trace"
	"golang.org/x/sync/errgroup"
)

// Ledger is where generations are minted: the database.
type Ledger interface {
	// Generation returns the current generation and the identity of the Redis it
	// was minted for; 0 and "" before the first.
	Generation(ctx context.Context) (number int64, identity string, err error)
	// Mint replaces generation from with a later one, for the Redis of that
	// identity. It does nothing when from is no longer current.
	Mint(ctx context.Context, from, to int64, identity string) error
}

// Receiver is the node: what the cluster tells it. It must not wait for a socket.
type Receiver interface {
	// Deliver hands over what another node (or this one) published, one envelope
	// after the other.
	Deliver(*Envelope)
	// Restored says that something may have been missed: Redis was away, the
	// subscription was interrupted, the generation is a new one, or another node
	// died that may not have told all. Since is when all was last known to be
	// well. It is called from several goroutines.
	Restored(since time.Time)
}

// Options are what a node tells the cluster of itself.
type Options struct {
	Node        chat.NodeID
	Boot        string // tells this run of the node from an earlier one
	Addr        string // where it listens, for people to read
	QueueLength int64  // entries a user's queue keeps
	QueueAge    time.Duration
	Grace       time.Duration // how long a closed socket may take to come back
	Ledger      Ledger
	Log         *slog.Logger
	Trace       *trace.Ring // what became of messages here; nil: nothing is remembered
	Absences    bool        // Deliver says who has no open socket
	// Orphaned, unless it is nil, is told of the people whom a node held that died;
	// one node is.
	Orphaned func([]chat.UserID)
	// Describe returns the figures that the lease carries.
	Describe func() (connections, sessions int, draining bool)
}

// Timing of leases and checks.
const (
	leaseTime     = 10 * time.Second
	leaseEvery    = 3 * time.Second
	leaseGrace    = leaseEvery + callTimeout // for the others, when all leases are over at once
	checkEvery    = 500 * time.Millisecond
	canaryOverdue = 3 * time.Second
	silentMost    = 2 * time.Second  // a subscription on which no canary comes is dead
	sessionTTL    = 90 * time.Second // renewed by the node's sweep, three times as often
	logLength     = 1000             // messages a room's log keeps
)

// Cluster is one node's view of Redis.
type Cluster struct {
	// Set at construction.
	r    *Redis
	o    Options
	ears []*ear
	tag  string // of o.Boot, in the ids of this node's sessions

	// Safe for all.
	generation atomic.Int64
	up         atomic.Bool
	wellAt     atomic.Int64  // Unix nanoseconds: when a check last succeeded
	upAt       atomic.Int64  // Unix nanoseconds: since when up is true
	suspect    atomic.Bool   // a call was not answered in time
	wake       chan struct{} // has the keeper look
	leaseDue   chan struct{} // has the lease renewed

	delivering sync.Mutex // held while the receiver takes an envelope

	mu        sync.Mutex
	nodes     map[chat.NodeID]NodeInfo // of the last lease renewal
	over      []chat.NodeID            // whose lease had run out then
	renewed   time.Time                // when that was
	renewedIn int64                    // and in which generation

	// Owned by keep.
	lastIdentity string // of the Redis that the generation was verified against

	online  onlineCache
	inquiry inquiry
}

// New prepares a node's view of Redis; Run makes it live.
func New(r *Redis, o Options) *Cluster {
	if o.Describe == nil {
		o.Describe = func() (int, int, bool) { return 0, 0, false }
	}
	return &Cluster{r: r, o: o, tag: bootTag(o.Boot), ears: earsOf(r, o.Node), wake: make(chan struct{}, 1), leaseDue: make(chan struct{}, 1), inquiry: newInquiry()}
}

// Run keeps the lease, the subscription and the generation until ctx ends, then
// gives the lease up.
func (c *Cluster) Run(ctx context.Context, to Receiver) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return c.keep(ctx, to) })
	for _, e := range c.ears {
		g.Go(func() error { return c.listen(ctx, e, to) })
	}
	g.Go(func() error { return c.holdLease(ctx, to) })
	g.Go(func() error { return c.answerAsks(ctx) })
	return g.Wait()
}

// Generation returns the generation that this node works in; 0 before the first
// check.
func (c *Cluster) Generation() int64 { return c.generation.Load() }

// Up reports whether Redis answered and belonged to the current generation when
// last checked.
func (c *Cluster) Up() bool { return c.up.Load() }

// unwell turns a failed call into chat.Unavailable and has the keeper look.
func (c *Cluster) unwell(op string, err error) error {
	if err == nil {
		return nil
	}
	var ce *chat.Error
	if errors.As(err, &ce) {
		return err
	}
	var late net.Error
	if errors.As(err, &late) && late.Timeout() {
		c.suspect.Store(true)
	}
	poke(c.wake)
	return &chat.Error{Kind: chat.Unavailable, Op: "cluster." + op, Err: err, Retry: time.Second}
}

// poke wakes whoever waits for a channel, now or when it next looks.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// errStale says that a script met a newer generation than this node's.
var errStale = errors.New("cluster: this node's generation is over")

// run runs one script, with plain commands beside it, and follows a generation
// that moved on: at most twice.
func (c *Cluster) run(ctx context.Context, op string, build func(generation string) *call, also ...func(redis.Pipeliner)) ([]any, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	for range 2 {
		k := build(c.gen())
		if err := pipeline(ctx, c.r.c, []*call{k}, also...); err != nil {
			return nil, c.unwell(op, err)
		}
		reply, _ := k.cmd.Val().([]any)
		if !stale(reply) {
			return reply, nil
		}
		if err := c.followGeneration(ctx); err != nil {
			return nil, c.unwell(op, err)
		}
	}
	return nil, c.unwell(op, errStale)
}

func (c *Cluster) gen() string { return strconv.FormatInt(c.generation.Load(), 10) }

func stale(reply []any) bool { return len(reply) == 2 && text(reply[0]) == "stale" }

// text reads one value of a script's reply.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	}
	return ""
}

func number(v any) int64 {
	n, _ := strconv.ParseInt(text(v), 10, 64)
	return n
}

func isNil(err error) bool { return errors.Is(err, redis.Nil) }
