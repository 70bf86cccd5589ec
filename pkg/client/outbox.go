package client

import (
	"context"
	"slices"
	"sync"
	"time"
)

// maxLoose bounds the frames that await no reply.
const maxLoose = 256

// call is a frame that awaits its reply. It is written again on each new socket
// until one came.
type call struct {
	id    string
	frame []byte
	done  chan struct{} // closed when the two below are set
	reply Frame
	err   error

	// Guarded by outbox.mu.
	written bool // on this socket
	tries   int  // refused with "retry" so often
	users   int  // who waits for it
}

// outbox holds what is to be written, in order. Calls outlive sockets, loose
// frames do not.
type outbox struct {
	slots chan struct{} // one a call that is under way
	wake  chan struct{} // there is something to write

	mu       sync.Mutex
	up       bool
	calls    []*call // unanswered, in the order they were made
	first    int     // calls[:first] are written
	byID     map[string]*call
	loose    [][]byte
	received string    // the newest offset to report; older ones are not worth a frame
	pause    time.Time // no call is written before this
	closed   error
}

func newOutbox(pending int) *outbox {
	return &outbox{slots: make(chan struct{}, pending), wake: make(chan struct{}, 1), byID: map[string]*call{}}
}

// add puts a call in its place. A call of the same id that is under way is
// shared if it says the same; if not, the answer is nil.
func (o *outbox) add(ctx context.Context, id string, frame []byte) (*call, error) {
	select {
	case o.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed != nil {
		<-o.slots
		return nil, o.closed
	}
	if c := o.byID[id]; c != nil {
		<-o.slots
		if string(c.frame) != string(frame) {
			return nil, errSameID
		}
		c.users++
		return c, nil
	}
	c := &call{id: id, frame: frame, done: make(chan struct{}), users: 1}
	o.calls = append(o.calls, c)
	o.byID[id] = c
	signal(o.wake)
	return c, nil
}

// answer gives a call its reply or its error; false: nobody waits for it.
func (o *outbox) answer(id string, reply Frame, err error) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.byID[id]
	if c == nil {
		return false
	}
	o.finishLocked(c, reply, err)
	return true
}

// postpone has a call that was refused for the moment written again after a
// while; false: nobody waits for it.
func (o *outbox) postpone(id string, b Backoff) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.byID[id]
	if c == nil {
		return false
	}
	c.written = false
	o.first = min(o.first, slices.Index(o.calls, c))
	o.pause = time.Now().Add(b.delay(c.tries))
	c.tries++
	signal(o.wake)
	return true
}

// abandon is called by who no longer waits for a call.
func (o *outbox) abandon(c *call, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if c.users--; c.users == 0 && o.byID[c.id] == c {
		o.finishLocked(c, Frame{}, err)
	}
}

func (o *outbox) finishLocked(c *call, reply Frame, err error) {
	i := slices.Index(o.calls, c)
	o.calls = slices.Delete(o.calls, i, i+1)
	if i < o.first {
		o.first--
	}
	delete(o.byID, c.id)
	c.reply, c.err = reply, err
	close(c.done)
	<-o.slots
}

// push adds a frame that awaits no reply.
func (o *outbox) push(frame []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.closed != nil:
		return o.closed
	case !o.up:
		return ErrOffline
	case len(o.loose) >= maxLoose:
		return ErrBusy
	}
	o.loose = append(o.loose, frame)
	signal(o.wake)
	return nil
}

// report has the newest offset reported as received; also while closing.
func (o *outbox) report(offset string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.up {
		return ErrOffline
	}
	o.received = offset
	signal(o.wake)
	return nil
}

// connected starts a new socket: first what the client itself has to say on it,
// then every call again.
func (o *outbox) connected(first [][]byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.up, o.loose, o.received = true, first, ""
	for _, c := range o.calls {
		c.written = false
	}
	o.first, o.pause = 0, time.Time{}
	signal(o.wake)
}

func (o *outbox) disconnected() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.up, o.loose, o.received = false, nil, ""
}

// close fails everything under way and to come.
func (o *outbox) close(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed, o.loose = err, nil
	for len(o.calls) > 0 {
		o.finishLocked(o.calls[0], Frame{}, err)
	}
}

// waiting reports whether somebody waits for a reply.
func (o *outbox) waiting() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.calls) > 0
}

// next returns the next frame to write. Without one, it says how long the calls
// that are there are to wait; 0: nothing is there.
func (o *outbox) next() (frame []byte, wait time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.loose) > 0 {
		frame = o.loose[0]
		o.loose = o.loose[1:]
		return frame, 0
	}
	if o.received != "" {
		frame = receivedFrame(o.received)
		o.received = ""
		return frame, 0
	}
	for o.first < len(o.calls) && o.calls[o.first].written {
		o.first++
	}
	if o.first == len(o.calls) {
		return nil, 0
	}
	if wait = time.Until(o.pause); wait > 0 {
		return nil, wait
	}
	c := o.calls[o.first]
	c.written = true
	o.first++
	return c.frame, 0
}
