package realtime

import (
	"errors"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// A client that asks for too much is not read from for a moment, so that it is
// slowed down by its own socket instead of keeping a processor busy with
// refusals. Nothing that it has sent is lost by that.
const (
	freeMost = 500                    // frames a second that fall under no other limit
	holdMost = 100 * time.Millisecond // after a frame over a limit
)

// spend counts a frame that falls under no limit of its own: pings, reports of
// what was received, and what is not understood.
func (r *reading) spend() {
	now := time.Now()
	if now.Sub(r.second) >= time.Second {
		r.second, r.free = now, 0
	}
	if r.free++; r.free > freeMost {
		r.hold(time.Second - now.Sub(r.second))
	}
}

// hold reads nothing for a while.
func (r *reading) hold(d time.Duration) {
	r.node.metrics.held.Inc()
	sleep(r.done, d)
}

// holdFor is how long the client of a refused frame is not read from.
func holdFor(err error) time.Duration {
	var e *chat.Error
	if errors.As(err, &e) && e.Kind == chat.RateLimited {
		return min(e.Retry, holdMost)
	}
	return 0
}

// answerPing has the writer answer a WebSocket ping in its turn: an answer that
// came between and found no room would end the socket of a slow reader. Only the
// newest ping is answered that has not been (RFC 6455, section 5.5.3), so
// however many come, one answer waits.
func (c *conn) answerPing(payload string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pong == nil {
		c.sendLocked(pongDue)
	}
	c.pong = append(make([]byte, 0, len(payload)), payload...)
}

// pongDue stands in the queue for the answer to a ping, nil for a ping.
var pongDue = []byte{}

// takePong returns what the newest ping carried.
func (c *conn) takePong() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	payload := c.pong
	c.pong = nil
	return payload
}

// tooBig closes the socket of a client whose frame is over the limit, in however
// many parts it comes.
func (c *conn) tooBig() { c.close(wire.CloseTooBig, string(chat.TooLarge), nil) }
