package messaging

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// absent takes those who were away to whoever wants to know, after the senders
// have their answers and in the way of none. Until somebody knows, the batch of
// their message stays in the outbox: should this node die, another delivers it
// again, and tells.
type absent struct {
	m     *Messenger
	wake  chan struct{}
	ended chan struct{} // closed when run has ended

	mu      sync.Mutex
	batches []awayIn // in the order of their numbers
	size    int      // absences in them
	lost    int64    // the first batch whose absences found no room; 0: all did
}

// awayIn is who was away when a batch was delivered.
type awayIn struct {
	n    int64
	list []chat.Absence
}

// Bounds of what waits to be told. What finds no room stays in the outbox with
// its batch, and is delivered again once the rest is told.
const (
	absentMost  = 10_000
	absentAgain = 500 * time.Millisecond
)

func newAbsent(m *Messenger) *absent {
	return &absent{m: m, wake: make(chan struct{}, 1), ended: make(chan struct{})}
}

// absences pairs the messages of a batch with those of their recipients who were
// absent; senders do not miss their own. Rooms are not told of.
func absences(batch []chat.Delivery, absent []chat.UserID) (all []chat.Absence) {
	if len(absent) == 0 {
		return nil
	}
	away := make(map[chat.UserID]bool, len(absent))
	for _, u := range absent {
		away[u] = true
	}
	for i := range batch {
		d := &batch[i]
		for _, u := range d.Recipients {
			if d.To.User != "" && u != d.From.ID && away[u] {
				all = append(all, chat.Absence{User: u, Message: &d.Message})
			}
		}
	}
	return all
}

// add has the absences of a batch told soon; of several together, n is the first.
func (a *absent) add(n int64, list []chat.Absence) {
	if len(list) == 0 || a.m.o.Absences == nil {
		return
	}
	a.mu.Lock()
	if a.lost == 0 && a.size+len(list) <= absentMost {
		a.batches = append(a.batches, awayIn{n, list})
		a.size += len(list)
	} else if a.lost == 0 {
		a.lost = n
	}
	a.mu.Unlock()
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// told returns the newest batch up to which all is told.
func (a *absent) told() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case len(a.batches) > 0:
		return a.batches[0].n - 1
	case a.lost > 0:
		return a.lost - 1
	}
	return math.MaxInt64
}

// forget drops what waits: all of it is about to be delivered, and added, again.
func (a *absent) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.batches, a.size, a.lost = nil, 0, 0
}

// run tells until ctx ends, and what does not work again a little later.
func (a *absent) run(ctx context.Context) {
	defer close(a.ended)
	again := time.NewTicker(absentAgain)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.wake:
		case <-again.C:
		}
		for ctx.Err() == nil && a.tellOne() {
		}
	}
}

// finish tells once what run has left, before the node ends.
func (a *absent) finish() {
	<-a.ended
	for a.tellOne() {
	}
}

// tellOne reports whether it told of a batch.
func (a *absent) tellOne() bool {
	a.mu.Lock()
	if len(a.batches) == 0 {
		again := a.lost > 0
		a.mu.Unlock()
		if again {
			a.m.Redeliver()
		}
		return false
	}
	first := a.batches[0]
	a.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), commitWithin)
	defer cancel()
	if err := a.m.o.Absences.Absent(ctx, first.list); err != nil {
		a.m.o.Log.Debug("who was away is told later", "batch", first.n, "error", err)
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.batches) > 0 && a.batches[0].n == first.n { // else forgotten meanwhile
		a.batches = a.batches[1:]
		a.size -= len(first.list)
	}
	return true
}
