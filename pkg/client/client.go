package client

import (
	"context"
	"errors"
	"sync"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// Client is one device of one user, connected to whichever node it can reach. It
// may be used by many goroutines. See the package comment for what it promises.
type Client struct {
	// Set at construction.
	o       Options
	ctx     context.Context
	cancel  context.CancelFunc
	in      *inbox
	out     *outbox
	first   chan struct{} // closed at the first welcome
	done    chan struct{} // closed when everything has ended
	running sync.WaitGroup

	welcomed sync.Once // closes first

	mu      sync.Mutex
	hello   wire.WelcomeFrame
	online  bool
	offset  string // everything up to here has been handled
	watched map[chat.UserID]struct{}
	lost    error // why the latest attempt failed
	err     error // why the client has ended

	// Owned by run.
	url     int    // of the URL to try next
	attempt int    // since a socket last stood for a while
	resume  string // offset of the newest frame read
	refused string // the token that was answered with "expired"
}

// Dial connects and returns once a node has said welcome, or when ctx ends, or
// when the server's answer is final. From then on the client lives until Close,
// or until the server ends it (Done, Err); ctx has no more say.
func Dial(ctx context.Context, o Options) (*Client, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	c := &Client{
		o: o, first: make(chan struct{}), done: make(chan struct{}), watched: map[chat.UserID]struct{}{},
		offset: o.Offset, resume: o.Offset, out: newOutbox(o.MaxPending),
	}
	c.in = newInbox(o.Buffer, c.out.waiting)
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.running.Go(c.run)
	c.running.Go(c.deliver)
	select {
	case <-c.first:
		return c, nil
	case <-c.done:
		err := c.Err()
		c.Close()
		return nil, err
	case <-ctx.Done():
		err := c.lastError()
		c.Close()
		return nil, errors.Join(ctx.Err(), err)
	}
}

// Close says goodbye and returns when nothing of the client runs any more. What
// was read but not handled is dropped: it comes again to whoever resumes from
// Offset. A handler must not call Close; it may start a goroutine that does.
func (c *Client) Close() error {
	c.end(ErrClosed) // a handler that waits for a reply waits no longer
	c.in.stop()
	<-c.done
	c.cancel()
	c.running.Wait()
	return nil
}

// Done is closed when the client has ended and its last event was handled.
func (c *Client) Done() <-chan struct{} { return c.done }

// Err says why the client has ended: ErrClosed, or a *CloseError when the server
// closed it for good, or what the TokenFunc said; nil while it lives.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Offset is how far the handler has got: a later Client of the same device that
// is given it sees everything after it, and nothing twice.
func (c *Client) Offset() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset
}

// Session is the newest welcome, and whether its socket is open now. User,
// Device and Node tell who and where one is.
func (c *Client) Session() (hello wire.WelcomeFrame, online bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hello, c.online
}

func (c *Client) lastError() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lost
}

// end records why the client ends, unless that is known already, and fails
// whatever waits.
func (c *Client) end(err error) {
	c.mu.Lock()
	if c.err == nil {
		c.err = err
	}
	err = c.err
	c.mu.Unlock()
	c.out.close(err)
}
