package verify

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// socket is one connection of a handset, from its welcome or refusal to its end.
type socket struct {
	h       *handset
	n       int // its number in the history
	raw     *client.Raw
	line    *line
	greeted chan struct{} // closed at the welcome
	level   chan struct{} // closed at synced
	gone    chan struct{} // closed when nothing more comes
	heard   atomic.Int64  // when the newest frame came, on the history's clock

	pong chan struct{} // has something in it after a pong

	wmu sync.Mutex // around noting and writing, so that both have one order

	// Guarded by h.mu.
	stale  bool            // it was left, and what it brings counts no more
	comeIn time.Duration   // a draining node said so
	asked  map[string]bool // ids that await an answer here
}

// openWithin bounds the TCP connection and the upgrade.
const openWithin = 5 * time.Second

// open connects, with an offset or, if that is empty, without. Who is let in is
// told by greeted and gone.
func (h *handset) open(ctx context.Context, url, offset string) (*socket, error) {
	token, grant, err := h.credential(ctx)
	if err != nil {
		return nil, err
	}
	s := &socket{
		h: h, n: h.r.rec.conn(), greeted: make(chan struct{}), level: make(chan struct{}), gone: make(chan struct{}),
		pong: make(chan struct{}, 1), asked: map[string]bool{},
	}
	h.note(Event{What: Connect, Conn: s.n, Node: url, Grant: grant, Offset: offset})
	s.raw, err = client.DialRaw(ctx, client.RawOptions{
		URL: url, Token: token, Device: h.id, Platform: h.platform, Offset: offset, Timeout: openWithin,
		NetDial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			s.line = newLine(c)
			return s.line, nil
		},
	})
	if err != nil {
		h.note(Event{What: Closed, Conn: s.n, Detail: "did not come about"})
		return nil, err
	}
	s.heard.Store(int64(h.r.rec.now()))
	h.take(s)
	h.r.readers.Go(s.read)
	return s, nil
}

// read takes frames until the socket ends.
func (s *socket) read() {
	defer close(s.gone)
	defer s.raw.Close()
	var buf []byte
	for {
		p, err := s.raw.NextInto(buf)
		if err != nil {
			s.ended(err)
			return
		}
		s.heard.Store(int64(s.h.r.rec.now()))
		s.h.frame(s, client.ParseFrame(p))
		buf = p
	}
}

// ended notes how the socket ended.
func (s *socket) ended(err error) {
	e := Event{What: Closed, Conn: s.n, Close: closeBroken}
	var closed *client.CloseError
	if errors.As(err, &closed) {
		e.Close, e.Reason = closed.Code, closed.Reason
	}
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	s.h.noteLocked(e)
	if e.Close >= wire.CloseKicked && e.Close < wire.CloseReplaced && e.Close != wire.CloseExpired {
		s.h.in = s.h.in && s != s.h.at
	}
}

// leave ends the socket from this side; what comes afterwards does not count,
// but for what comes before the server's own goodbye.
func (s *socket) leave(how string) {
	s.h.mu.Lock()
	s.h.noteLocked(Event{What: Leave, Conn: s.n, How: how})
	s.stale = how != HowBye
	s.h.mu.Unlock()
	switch how {
	case HowBye:
		_ = s.raw.Bye(openWithin) // where that fails the socket has ended
		<-s.gone
	case HowDrop:
		s.raw.Close()
		<-s.gone
	case HowFreeze:
		s.line.freeze()
	}
}

// write notes what a frame says, and writes it. A failure also ends the reader.
func (s *socket) write(e Event, f wire.ClientFrame) {
	s.wmu.Lock()
	defer s.wmu.Unlock()
	e.Conn = s.n
	s.h.note(e)
	_ = s.raw.Send(f)
}

func (s *socket) isGone() bool {
	select {
	case <-s.gone:
		return true
	default:
		return false
	}
}

// await waits for something on the socket, but not longer than it lives.
func (s *socket) await(ctx context.Context, what <-chan struct{}, within time.Duration) bool {
	late := time.NewTimer(within)
	defer late.Stop()
	select {
	case <-what:
		return true
	case <-s.gone:
	case <-late.C:
	case <-ctx.Done():
	}
	select {
	case <-what: // it came together with the end
		return true
	default:
		return false
	}
}

// ping asks for an answer, which shows that what was reported before was read.
func (s *socket) ping() {
	id := chat.NewID()
	s.write(Event{What: Ping, ID: id}, wire.ClientFrame{Type: wire.Ping, ID: id})
}

// pingAndWait is ping, and waits a moment for the answer.
func (s *socket) pingAndWait(ctx context.Context) {
	select {
	case <-s.pong:
	default:
	}
	s.ping()
	s.await(ctx, s.pong, 2*time.Second)
}

// report says that everything up to the newest offset was received.
func (s *socket) report() {
	if offset := s.h.newest(); offset != "" {
		s.write(Event{What: Received, Offset: offset}, wire.ClientFrame{Type: wire.Received, Offset: offset})
	}
}
