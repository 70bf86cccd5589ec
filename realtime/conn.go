package realtime

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
	"github.com/tieline/tieline/realtime/cluster"
)

// conn is one socket. Its reader is the goroutine in Serve; a writer and a
// catcher-up run only while there is something to do.
type conn struct {
	// Set at construction.
	node    *Node
	sock    Socket
	session chat.Session
	login   int64
	done    chan struct{} // closed when the conn is over
	tenure  chan struct{} // a turn: Redis is told of the session by one at a time
	work    sync.WaitGroup

	mu sync.Mutex // guards all below

	greeted bool // welcome is queued; before it nothing but a refusal is
	over    bool // nothing more is queued; the writer sends what there is, then closes
	out     [][]byte
	size    int // bytes in out
	writing bool
	pong    []byte        // the answer to the newest ping; nil: none is due
	bye     []byte        // the close message to send at the end
	room    chan struct{} // closed when out has room again; nil: nobody waits

	cursor   cluster.Offset // how far this device has come
	behind   bool           // pushes are not taken; catchUp reads what was missed
	catching bool           // catchUp is running
	seen     int64          // the newest position heard of while behind
	lobby    int64          // the newest seq of the lobby heard of at the claim
	recent   recent

	synced bool // the first catching up after the welcome is over
	count  int  // frames with an offset until then
	source string

	unreported    int            // frames with an offset since the device last reported one
	reported      chan struct{}  // closed when it does; nil: nobody waits
	received      cluster.Offset // reported by the device
	receivedDirty bool           // and not yet noted in Redis
	unsaved       bool           // and not yet saved in the database
}

// newConn returns the conn of a socket that has just been accepted: nobody's
// yet, and behind, since it has been shown nothing.
func newConn(n *Node, sock Socket) *conn {
	return &conn{
		node: n, sock: sock, done: make(chan struct{}), tenure: make(chan struct{}, 1),
		behind: true, catching: true, source: wire.SourceQueue,
	}
}

// Budgets of one socket.
const (
	outBudget    = 256 << 10        // bytes that wait; beyond it the socket is behind
	outLow       = 64 << 10         // bytes at which catching up goes on
	writeWithin  = 30 * time.Second // without any progress
	lingerWithin = time.Second      // how long a closed socket may take to answer the close

	writeTogether = 16 << 10 // bytes of frames that are written at once
)

// send queues a finished frame that is an answer: there are never more of those
// than requests.
func (c *conn) send(frame []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sendLocked(frame)
}

func (c *conn) sendFrame(frame any) { c.send(wire.Encode(frame)) }

// offer queues a frame that somebody else caused and that nothing keeps, unless
// more than a budget waits already, or the welcome is still to come; it reports
// whether it did.
func (c *conn) offer(frame []byte, budget int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.greeted {
		return false
	}
	if c.size > budget {
		c.node.metrics.drops.WithLabelValues("ephemeral").Inc()
		return false
	}
	c.sendLocked(frame)
	return true
}

func (c *conn) sendLocked(frame []byte) {
	if c.over {
		return
	}
	c.out = append(c.out, frame)
	c.size += len(frame)
	c.startWriterLocked()
}

func (c *conn) startWriterLocked() {
	if !c.writing {
		c.writing = true
		c.work.Go(c.write)
	}
}

// write sends what is queued until nothing is.
func (c *conn) write() {
	for {
		c.mu.Lock()
		batch, bye := c.out, c.bye
		c.out = nil
		if len(batch) == 0 {
			c.writing = false
			c.mu.Unlock()
			if bye != nil {
				c.part(bye)
			}
			return
		}
		c.mu.Unlock()
		for len(batch) > 0 {
			n, size := portion(batch)
			if err := c.writeSome(batch[:n]); err != nil {
				c.giveUp(err)
				return
			}
			c.wrote(size)
			batch = batch[n:]
		}
	}
}

// portion returns how many of the frames that wait are written together, and
// their bytes: texts up to a limit, so that the budget is given back as the
// client reads, or one ping or pong, which have no bytes here.
func portion(batch [][]byte) (n, size int) {
	for n < len(batch) && len(batch[n]) > 0 && (n == 0 || size+len(batch[n]) <= writeTogether) {
		size += len(batch[n])
		n++
	}
	return max(n, 1), size
}

func (c *conn) writeSome(frames [][]byte) error {
	switch {
	case frames[0] == nil:
		return c.sock.WriteControl(pingMessage, nil, time.Now().Add(writeWithin))
	case len(frames[0]) == 0:
		return c.sock.WriteControl(pongMessage, c.takePong(), time.Now().Add(writeWithin))
	}
	return c.sock.WriteTexts(frames, writeWithin)
}

// ping has the writer send a WebSocket ping in its turn: one that came between
// and found no room would end the socket.
func (c *conn) ping() { c.send(nil) }

func (c *conn) wrote(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.size -= n
	if c.room != nil && c.size <= outLow {
		close(c.room)
		c.room = nil
	}
}

// giveUp ends a socket that could not be written to: it is gone, or has read
// nothing for so long that nobody can wait for it. Either may resume.
func (c *conn) giveUp(err error) {
	if isTimeout(err) {
		c.node.metrics.drops.WithLabelValues("slow_reader").Inc()
		c.node.metrics.closes.WithLabelValues(closeName(wire.CloseSlow)).Inc()
		c.sock.WriteControl(closeMessage, closePayload(wire.CloseSlow, "read nothing for too long"), time.Now().Add(lingerWithin))
	}
	c.mu.Lock()
	c.overLocked()
	c.writing = false
	c.mu.Unlock()
	c.sock.Close()
}

// close queues a last frame (which may be nil) and the close code behind what
// waits already, and takes nothing more. A client that does not read all of it
// at once is not waited for.
func (c *conn) close(code int, reason string, last any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	if last != nil {
		c.sendLocked(wire.Encode(last))
	}
	c.bye = closePayload(code, reason)
	c.overLocked()
	c.sock.SetReadDeadline(time.Now().Add(lingerWithin))
	c.startWriterLocked()
	c.node.metrics.closes.WithLabelValues(closeName(code)).Inc()
}

// overLocked ends the conn for all who look: nothing is queued after this, and
// no goroutine is started.
func (c *conn) overLocked() {
	if c.over {
		return
	}
	c.over = true
	close(c.done)
	if c.room != nil {
		close(c.room)
		c.room = nil
	}
}

// part says goodbye and gives the client a moment to answer, so that unread
// data does not turn the close into a reset.
func (c *conn) part(bye []byte) {
	c.sock.WriteControl(closeMessage, bye, time.Now().Add(lingerWithin))
	c.sock.SetReadDeadline(time.Now().Add(lingerWithin))
}

// kick tells a device that it is signed out, or that another socket is it now.
func (c *conn) kick(reason chat.Reason) {
	code := wire.CloseKicked
	switch reason {
	case chat.Replaced:
		code = wire.CloseReplaced
	case chat.Disabled:
		code = wire.CloseDisabled
	case chat.AccountRemoved:
		gone := errorFrame("", chat.E("realtime.kick", chat.Unauthorized, nil), "")
		c.close(wire.CloseUnknownUser, string(chat.Unauthorized), gone)
		return
	}
	c.close(code, string(reason), wire.KickedFrame{Type: wire.Kicked, Reason: reason, Device: c.session.Device})
}

// waitForRoom waits until the reader has taken most of what is queued; false
// when the conn is over.
func (c *conn) waitForRoom() bool {
	c.mu.Lock()
	if c.size <= outLow || c.over {
		defer c.mu.Unlock()
		return !c.over
	}
	if c.room == nil {
		c.room = make(chan struct{})
	}
	room := c.room
	c.mu.Unlock()
	<-room
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.over
}

// closePayload is the body of a close message: the code and a reason of at most
// 123 bytes (RFC 6455, section 5.5.1).
func closePayload(code int, reason string) []byte {
	if len(reason) > 123 {
		reason = reason[:123]
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...)
}
