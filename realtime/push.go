package realtime

import (
	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/messaging"
	"github.com/tieline/tieline/pkg/trace"
	"github.com/tieline/tieline/pkg/wire"
	"github.com/tieline/tieline/realtime/cluster"
)

// push takes a queue entry that another node, or this one, has just appended.
// An entry that does not follow the last one, or that the reader is too slow
// for, is not taken: the conn is behind, and reads the queue instead.
func (c *conn) push(generation int64, q *cluster.Queued) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.over:
	case generation == c.cursor.Generation && q.Position <= c.cursor.Position: // seen
	case c.behind, generation != c.cursor.Generation, q.Position != c.cursor.Position+1, c.size > outBudget,
		len(q.Body) == 0 && q.Origin != string(c.session.ID): // a nudge, or what another session is to have said
		if len(q.Body) > 0 {
			c.noteLocked(q.Conversation, q.Seq, trace.Behind)
		}
		c.lagLocked(q.Position)
	default:
		c.takeLocked(q, true)
	}
}

// takeLocked moves the cursor over an entry and shows it, unless this very
// socket has it by its acknowledgement, or has been shown it another way. The
// device that sent a message over HTTP is not pushed it either, but gets it
// with whatever else it missed.
func (c *conn) takeLocked(q *cluster.Queued, live bool) {
	c.cursor.Position = q.Position
	c.cursor.At = max(c.cursor.At, q.At)
	key := recentKey(q.Conversation, q.Seq)
	own := q.Origin == string(c.session.ID) || live && q.Origin == messaging.DeviceOrigin(c.session.Device)
	if own || c.recent.has(key) {
		c.noteLocked(q.Conversation, q.Seq, trace.Acked)
		return
	}
	if q.IsEvent() {
		c.recent.add(key, c.node.recentMost())
		c.frameLocked(wire.Event, q.Body, &c.cursor)
		return
	}
	c.noteLocked(q.Conversation, q.Seq, trace.Pushed)
	c.showLocked(q.Body, key)
}

// noteLocked remembers what became of a message here.
func (c *conn) noteLocked(id chat.ConversationID, seq int64, stage trace.Stage) {
	c.node.o.Trace.Note(id, seq, trace.Event{Stage: stage, User: c.session.User, Device: c.session.Device})
}

// showLocked queues a message frame with the cursor as its offset; frameLocked
// queues one of any type that counts as missed or as received.
func (c *conn) showLocked(body []byte, key uint64) {
	c.recent.add(key, c.node.recentMost())
	c.frameLocked(wire.Message, body, &c.cursor)
}

func (c *conn) frameLocked(typ string, body []byte, at *cluster.Offset) {
	var offset [160]byte
	frame := make([]byte, 0, len(body)+128)
	c.sendLocked(wire.AppendQueued(frame, typ, string(at.Append(offset[:0])), body))
	c.unreported++
	if !c.synced {
		c.count++
	}
	c.node.metrics.pushed.Inc()
}

// pushLogged takes a message of a room with a log. They come in order, so one
// that does not follow the last means that this conn is catching up.
func (c *conn) pushLogged(l *cluster.Logged) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last, _ := c.cursor.Room(l.Conversation)
	switch {
	case c.over, l.Seq <= last:
	case c.behind, l.Seq != last+1, c.size > outBudget:
		c.lagLocked(0)
	default:
		c.takeLoggedLocked(l, true)
	}
}

// takeLoggedLocked moves the cursor over a message of a room with a log, and
// shows it. The time of the cursor is that of the queue, and stays.
func (c *conn) takeLoggedLocked(l *cluster.Logged, live bool) {
	c.cursor.SetRoom(l.Conversation, l.Seq)
	body, own := l.Body, false
	if l.Sender == c.session.User {
		body = l.Own
		own = l.Origin == string(c.session.ID) || live && l.Origin == messaging.DeviceOrigin(c.session.Device)
	}
	key := recentKey(l.Conversation, l.Seq)
	if own || c.recent.has(key) {
		c.noteLocked(l.Conversation, l.Seq, trace.Acked)
		return
	}
	c.noteLocked(l.Conversation, l.Seq, trace.Pushed)
	c.showLocked(body, key)
}

// pushUnqueued shows a message that could not be put into the queue yet. The
// cursor stays: the queue will have it, and it is recognised then.
func (c *conn) pushUnqueued(m *chat.Message, body []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := recentKey(m.Conversation, m.Seq)
	if !c.greeted || c.over || c.size > outBudget || c.recent.has(key) {
		return
	}
	c.noteLocked(m.Conversation, m.Seq, trace.Pushed)
	c.showLocked(body, key)
}

// note shows an event that is in no queue; who is behind, or slow, finds what it
// is about in the log and in the history.
func (c *conn) note(e *cluster.Noted) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.greeted && !c.over && !c.behind && c.size <= outLow && c.session.User != e.But {
		c.frameLocked(wire.Event, e.Body, &c.cursor)
	}
}

// ack answers a send, and remembers that this socket has the message.
func (c *conn) ack(re string, s messaging.Sent) {
	frame := wire.Encode(wire.AckFrame{Type: wire.Ack, Re: re, Conversation: s.Conversation, Seq: s.Seq, At: wire.Time{Time: s.At}, Live: s.Live})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.recent.add(recentKey(s.Conversation, s.Seq), c.node.recentMost())
	c.sendLocked(frame)
}

// lag makes the conn read its queue up to a position at least.
func (c *conn) lag(position int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lagLocked(position)
}

func (c *conn) lagLocked(position int64) {
	c.seen = max(c.seen, position)
	if c.over {
		return
	}
	if !c.behind {
		c.behind, c.unreported = true, 0
		c.node.metrics.lagged.Inc()
	}
	if !c.catching {
		c.catching = true
		c.work.Go(c.catchUp)
	}
}
