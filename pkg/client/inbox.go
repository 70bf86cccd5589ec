package client

import "sync"

// relief is how many times Buffer may be exceeded while somebody waits for a
// reply: a handler that asks something would otherwise wait for what stands
// behind the frames that it does not take.
const relief = 8

// item is something for the goroutine that calls the handler.
// Exactly one of its fields is set.
type item struct {
	frame Frame
	own   *seat  // where a message of this device was put
	note  func() // to be run in its turn
}

// inbox holds what was read and is not handled yet. The reader waits when it is
// full; that is the back-pressure to the socket.
type inbox struct {
	limit   int
	waiting func() bool   // whether somebody waits for a reply
	wake    chan struct{} // something was put, or the inbox was finished
	quit    chan struct{} // closed when the inbox was stopped

	mu       sync.Mutex
	space    *sync.Cond // something was taken, or the limit may have changed
	items    []item
	finished bool // nothing more will be put
	stopped  bool // nothing more will be taken
}

func newInbox(limit int, waiting func() bool) *inbox {
	b := &inbox{limit: limit, waiting: waiting, wake: make(chan struct{}, 1), quit: make(chan struct{})}
	b.space = sync.NewCond(&b.mu)
	return b
}

// put adds an item, waiting for room; false: it was stopped and the item is not
// in.
func (b *inbox) put(it item) bool {
	b.mu.Lock()
	for !b.stopped && !b.roomLocked() {
		b.space.Wait()
	}
	if b.stopped {
		b.mu.Unlock()
		return false
	}
	b.items = append(b.items, it)
	b.mu.Unlock()
	signal(b.wake)
	return true
}

func (b *inbox) roomLocked() bool {
	n := len(b.items)
	return n < b.limit || n < b.limit*relief && b.waiting()
}

// nudge has a waiting put look again whether somebody waits for a reply.
func (b *inbox) nudge() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.space.Broadcast()
}

// take returns what was put, a part at a time, and whether that is the last.
func (b *inbox) take(into []item) (items []item, last bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	// Half of the bound at most, so that a reader that waits may go on while
	// these are handled.
	n := min(len(b.items), max(1, b.limit/2))
	into = append(into[:0], b.items[:n]...)
	rest := copy(b.items, b.items[n:])
	clear(b.items[rest:])
	b.items = b.items[:rest]
	b.space.Broadcast()
	return into, b.finished && rest == 0
}

// finish says that nothing more comes.
func (b *inbox) finish() {
	b.mu.Lock()
	b.finished = true
	b.mu.Unlock()
	signal(b.wake)
}

// stop says that nothing more is wanted.
func (b *inbox) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.stopped {
		b.stopped, b.items = true, nil
		close(b.quit)
		b.space.Broadcast()
	}
}

// signal sets a one-place channel.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
