// Package notify tells people on all their devices of what happened besides
// messages, now or when they come back.
//
// An event is committed with the change that it tells of, marked as pending.
// Here it is taken to the queue of its person, and the mark is removed a while
// later: a node that dies before, or that reached a Redis which others had given
// up, leaves it to be taken again. Taking it twice changes nothing.
package notify

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"golang.org/x/sync/errgroup"
)

// Events is where events are kept.
type Events interface {
	Pending(ctx context.Context, before time.Time, limit int) ([]chat.Event, error)
	Delivered(ctx context.Context, ids []string) error
	Forget(ctx context.Context, before time.Time) (more bool, err error)
}

// Courier takes events to the queues of those they are for. Search says how far
// back repeats are looked for: 0 for a first delivery.
type Courier interface {
	DeliverEvents(ctx context.Context, events []chat.Event, search int) error
	// Up reports whether it makes sense to try.
	Up() bool
}

// Options tune a Notifier.
type Options struct {
	Keep time.Duration // how long events are kept; as long as queues are
	Log  *slog.Logger
}

// Timing and bounds of deliveries.
const (
	maxWaiting  = 4096             // events that wait in memory; later ones are found in the database
	maxBatch    = 200              // events taken together
	forgetEvery = time.Second      // delivered events lose their mark
	forgetAfter = 4 * time.Second  // that long after
	leftAfter   = 10 * time.Second // an event still marked this long after was left by its node
	leftEvery   = 3 * time.Second  // such are looked for
	pruneEvery  = 10 * time.Minute // old ones are deleted
	askWithin   = 5 * time.Second
	searchAll   = 1 << 20 // queue entries searched for repeats
)

// Notifier takes events to their people. Run must be running.
type Notifier struct {
	db      Events
	courier Courier
	o       Options
	in      chan chat.Event

	again atomic.Bool // what was delivered lately is to be delivered again

	mu   sync.Mutex
	sent []sent // delivered, and marked still
}

type sent struct {
	chat.Event
	at time.Time
}

// New returns a Notifier.
func New(db Events, courier Courier, o Options) *Notifier {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Notifier{db: db, courier: courier, o: o, in: make(chan chat.Event, maxWaiting)}
}

// Tell takes committed events to their people soon. It does not wait; what finds
// no room is found in the database.
func (n *Notifier) Tell(events []chat.Event) {
	for _, e := range events {
		select {
		case n.in <- e:
		default:
			return
		}
	}
}

// Redeliver says that what was delivered lately may be lost, with a Redis that
// others had given up: it is delivered again.
func (n *Notifier) Redeliver() { n.again.Store(true) }

// Run delivers until ctx ends; what then waits is left to other nodes.
func (n *Notifier) Run(ctx context.Context) error {
	var g errgroup.Group
	g.Go(func() error { n.deliver(ctx); return nil })
	g.Go(func() error { n.tidy(ctx); return nil })
	return g.Wait()
}

func (n *Notifier) deliver(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-n.in:
			n.take(ctx, n.gather(e), 0)
		}
	}
}

func (n *Notifier) gather(first chat.Event) []chat.Event {
	batch := []chat.Event{first}
	for len(batch) < maxBatch {
		select {
		case e := <-n.in:
			batch = append(batch, e)
		default:
			return batch
		}
	}
	return batch
}

// take delivers a batch; what does not work is found in the database later.
func (n *Notifier) take(ctx context.Context, batch []chat.Event, search int) bool {
	if !n.courier.Up() {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	if err := n.courier.DeliverEvents(ctx, batch, search); err != nil {
		n.o.Log.Debug("events wait", "events", len(batch), "error", err)
		return false
	}
	at := time.Now()
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, e := range batch {
		n.sent = append(n.sent, sent{e, at})
	}
	return true
}

// tidy removes marks, takes what was left, by this node or another, and deletes
// what is old.
func (n *Notifier) tidy(ctx context.Context) {
	forget, left, prune := time.NewTicker(forgetEvery), time.NewTicker(leftEvery), time.NewTicker(pruneEvery)
	defer forget.Stop()
	defer left.Stop()
	defer prune.Stop()
	for {
		select {
		case <-ctx.Done():
			n.unmark(context.WithoutCancel(ctx), time.Now())
			return
		case <-forget.C:
			if n.again.Swap(false) {
				n.takeAgain(ctx)
			}
			n.unmark(ctx, time.Now().Add(-forgetAfter))
		case <-left.C:
			for n.courier.Up() && n.takeLeft(ctx) {
			}
		case <-prune.C:
			n.prune(ctx)
		}
	}
}

// unmark notes in the database what was delivered by a time.
func (n *Notifier) unmark(ctx context.Context, by time.Time) {
	n.mu.Lock()
	var ids []string
	for _, s := range n.sent {
		if !s.at.After(by) {
			ids = append(ids, s.ID)
		}
	}
	n.mu.Unlock()
	if len(ids) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	if err := n.db.Delivered(ctx, ids); err != nil {
		return // next time
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	kept := n.sent[:0]
	for _, s := range n.sent {
		if s.at.After(by) {
			kept = append(kept, s)
		}
	}
	n.sent = kept
}

// takeAgain delivers again what is marked still.
func (n *Notifier) takeAgain(ctx context.Context) {
	n.mu.Lock()
	lately := n.sent
	n.sent = nil
	n.mu.Unlock()
	for len(lately) > 0 {
		some := lately[:min(len(lately), maxBatch)]
		lately = lately[len(some):]
		batch := make([]chat.Event, len(some))
		for i, s := range some {
			batch[i] = s.Event
		}
		n.take(ctx, batch, searchAll)
	}
}

// takeLeft delivers what was left, and reports whether there may be more.
func (n *Notifier) takeLeft(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	left, err := n.db.Pending(ctx, time.Now().Add(-leftAfter), maxBatch)
	if err != nil || len(left) == 0 || !n.take(ctx, left, searchAll) {
		return false
	}
	n.unmark(ctx, time.Now())
	return len(left) == maxBatch
}

func (n *Notifier) prune(ctx context.Context) {
	for ctx.Err() == nil {
		within, cancel := context.WithTimeout(ctx, askWithin)
		more, err := n.db.Forget(within, time.Now().Add(-n.o.Keep))
		cancel()
		if err != nil || !more {
			return
		}
	}
}
