package client

import (
	"context"
	"sync"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// tenancy is the life of one socket: the reader is the client's run goroutine,
// the writer runs from the welcome until the reader ends.
type tenancy struct {
	c      *Client
	raw    *Raw
	writer sync.WaitGroup

	// Owned by the reader.
	welcomed bool
	since    time.Time     // of the welcome
	drain    time.Duration // after which the node asked us to come back; negative: it did not
}

// read takes frames off the socket until it ends and says how.
func (s *tenancy) read() error {
	s.raw.SetIdle(s.c.o.Timeout)
	ctx, end := context.WithCancel(s.c.ctx)
	hurry := context.AfterFunc(s.c.ctx, func() { s.raw.hurry(2 * goodbye) })
	defer func() {
		end()
		hurry()
		s.raw.Close()
		s.writer.Wait()
		s.c.disconnected()
	}()
	for {
		f, err := s.raw.Next(context.Background())
		if err == nil {
			err = s.frame(ctx, f)
		}
		if err != nil {
			return err
		}
	}
}

// frame sorts one frame: replies to who waits for them, the rest to the handler.
func (s *tenancy) frame(ctx context.Context, f Frame) error {
	switch f.Type {
	case wire.Welcome:
		return s.welcome(ctx, f)
	case wire.Ack:
		return s.ack(f)
	case wire.History, wire.Pong:
		var re struct{ Re string }
		err := f.Into(&re)
		s.c.out.answer(re.Re, f, nil)
		return err
	case wire.Error:
		return s.refusal(f)
	case wire.Drain:
		var d wire.DrainFrame
		if err := f.Into(&d); err != nil {
			return err
		}
		s.drain = time.Duration(d.ReconnectInMS) * time.Millisecond
	}
	s.hand(f)
	return nil
}

// hand passes a frame on to the handler, and moves the point to resume from
// behind it when that has worked.
func (s *tenancy) hand(f Frame) {
	if !s.c.in.put(item{frame: f}) {
		return
	}
	switch f.Type {
	case wire.Message, wire.Event, wire.Synced, wire.Welcome:
		if offset := f.Offset(); offset != "" {
			s.c.resume = offset
		}
	}
}

func (s *tenancy) welcome(ctx context.Context, f Frame) error {
	var w wire.WelcomeFrame
	if err := f.Into(&w); err != nil {
		return err
	}
	s.hand(f)
	if s.welcomed {
		return nil
	}
	s.welcomed, s.since = true, time.Now()
	s.raw.SetIdle(3 * time.Duration(w.HeartbeatMS) * time.Millisecond)
	s.c.connected(w)
	s.writer.Go(func() { s.write(ctx) })
	return nil
}

func (s *tenancy) ack(f Frame) error {
	var a wire.AckFrame
	if err := f.Into(&a); err != nil {
		return err
	}
	s.c.out.answer(a.Re, f, nil)
	// This device is not sent its own message: whoever keeps the order has to
	// know that this seq does not come.
	s.c.in.put(item{own: &seat{a.Conversation, a.Seq}})
	return nil
}

// refusal answers who waits, or, when trying again may help, has it tried again.
// A refusal of what nobody waits for goes to the handler.
func (s *tenancy) refusal(f Frame) error {
	var e wire.ErrorFrame
	if err := f.Into(&e); err != nil {
		return err
	}
	if e.Re != "" && e.Retry && s.c.out.postpone(e.Re, s.c.o.Backoff) {
		return nil
	}
	if e.Re != "" && s.c.out.answer(e.Re, f, refusal(e)) {
		return nil
	}
	s.hand(f)
	return nil
}

// write sends what is there to send until ctx ends. When that is because the
// client is being closed, it says what is left to say, and goodbye.
func (s *tenancy) write(ctx context.Context) {
	for {
		frame, wait := s.c.out.next()
		if frame != nil {
			if s.raw.Write(frame) != nil {
				s.raw.Close() // the reader sees it and decides
				return
			}
			continue
		}
		var later <-chan time.Time
		if wait > 0 {
			later = time.After(wait)
		}
		select {
		case <-s.c.out.wake:
		case <-later:
		case <-ctx.Done():
			if s.c.ctx.Err() != nil {
				s.farewell()
			}
			return
		}
	}
}

func (s *tenancy) farewell() {
	if frame, _ := s.c.out.next(); frame != nil && s.raw.Write(frame) != nil {
		return
	}
	_ = s.raw.Bye(goodbye) // politeness; the socket ends either way
}

// connected tells everybody about a new socket.
func (c *Client) connected(w wire.WelcomeFrame) {
	c.mu.Lock()
	c.hello, c.online, c.lost = w, true, nil
	watched := make([]chat.UserID, 0, len(c.watched))
	for u := range c.watched {
		watched = append(watched, u)
	}
	c.mu.Unlock()
	c.out.connected(usersFrames(wire.Watch, watched))
	c.welcomed.Do(func() { close(c.first) })
}

func (c *Client) disconnected() {
	c.mu.Lock()
	c.online = false
	c.mu.Unlock()
	c.out.disconnected()
}

// seat is the place of a message.
type seat struct {
	conversation chat.ConversationID
	seq          int64
}
