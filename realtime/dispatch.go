package realtime

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"sync"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/messaging"
	"github.com/tieline/tieline/pkg/phrase"
	"github.com/tieline/tieline/pkg/wire"
	"github.com/tieline/tieline/realtime/cluster"
)

// reading is what the reader of one socket keeps for itself.
type reading struct {
	*conn
	ctx       context.Context
	language  phrase.Language
	malformed []time.Time // of the last minute
	watching  map[chat.UserID]struct{}
	second    time.Time // when free was last 0
	free      int       // frames since then that fall under no limit
}

// frames lends buffers for incoming frames.
var frames = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// answerWithin bounds what one frame may take to be answered.
const answerWithin = 10 * time.Second

// read takes frames until the socket ends. Whatever comes, a pong included,
// shows that the client lives.
func (c *conn) read(ctx context.Context, language phrase.Language) {
	r := &reading{conn: c, ctx: ctx, language: language}
	defer r.unwatchAll()
	c.sock.SetPongHandler(func(string) error { c.alive(); return nil })
	c.sock.SetPingHandler(func(payload string) error {
		c.alive()
		r.spend()
		c.answerPing(payload)
		return nil
	})
	for {
		c.alive() // from now on, however long the last frame took to answer
		_, from, err := c.sock.NextReader()
		if err != nil {
			return
		}
		if c.isOver() {
			continue // parting: until the client's close, or the deadline
		}
		if !r.take(from) {
			return
		}
	}
}

// alive lets the client be silent for three heartbeats from now, unless it is
// parting: then its time is set.
func (c *conn) alive() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		c.sock.SetReadDeadline(time.Now().Add(3 * c.node.o.Heartbeat))
	}
}

func (c *conn) isOver() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// take reads and handles one frame; false when the socket has failed. A client
// that asks faster than it reads the answers is not read from meanwhile.
func (r *reading) take(from io.Reader) bool {
	b := frames.Get().(*bytes.Buffer)
	b.Reset()
	defer frames.Put(b)
	switch n, err := b.ReadFrom(io.LimitReader(from, wire.MaxFrame+1)); {
	case err != nil:
		return false
	case n > wire.MaxFrame:
		r.tooBig()
		return true // until the client's close, or the deadline
	}
	r.node.metrics.received.Inc()
	f, err := wire.Decode(b.Bytes())
	if err == nil {
		err = r.dispatch(&f)
	} else {
		r.spend()
	}
	if err != nil {
		r.refuseFrame(f.ID, err)
		if d := holdFor(err); d > 0 {
			r.hold(d)
		}
	}
	r.mu.Lock()
	full := r.size > outBudget
	r.mu.Unlock()
	if full {
		r.waitForRoom()
	}
	return true
}

// refuseFrame answers a frame that cannot be done. Too many that make no sense
// end the connection.
func (r *reading) refuseFrame(id string, err error) {
	if chat.KindOf(err) == chat.Internal {
		r.node.log.Error("a frame failed", "error", err)
	}
	r.sendFrame(errorFrame(id, err, r.language))
	if chat.KindOf(err) != chat.Malformed {
		return
	}
	now := time.Now()
	for len(r.malformed) > 0 && now.Sub(r.malformed[0]) > time.Minute {
		r.malformed = r.malformed[1:]
	}
	if r.malformed = append(r.malformed, now); len(r.malformed) >= wire.MaxMalformed {
		r.close(wire.CloseMalformed, "too many malformed frames", nil)
	}
}

// dispatch does what a frame asks for. Its error is the answer.
func (r *reading) dispatch(f *wire.ClientFrame) error {
	op := operationOf(f.Type)
	if op == "" {
		r.spend()
	} else if err := r.node.o.Limits.Allow(r.ctx, op, string(r.session.User)); err != nil {
		return err
	}
	switch f.Type {
	case wire.Send:
		return r.say(f)
	case wire.Received:
		return r.noteReceived(f.Offset)
	case wire.Read:
		ctx, cancel := r.within()
		defer cancel()
		return r.node.m.MarkRead(ctx, r.identity(), r.session.ID, f.Conversation, f.Seq)
	case wire.Typing:
		return r.typing(f)
	case wire.Signal:
		return r.signal(f)
	case wire.Watch:
		return r.watch(f.Users)
	case wire.Unwatch:
		r.unwatch(f.Users)
		return nil
	case wire.History:
		return r.history(f)
	}
	r.sendFrame(wire.PongFrame{Type: wire.Pong, Re: f.ID}) // ping, the only type left
	return nil
}

// operationOf returns under which limit a frame falls; none for those that cost
// next to nothing.
func operationOf(frame string) chat.Operation {
	switch frame {
	case wire.Send:
		return chat.Sends
	case wire.Signal, wire.Typing:
		return chat.Signals
	case wire.History, wire.Read, wire.Watch:
		return chat.Requests
	}
	return ""
}

func (r *reading) within() (context.Context, context.CancelFunc) {
	return context.WithTimeout(r.ctx, answerWithin)
}

func (r *reading) identity() chat.Identity {
	return chat.Identity{User: r.session.User, Device: r.session.Device, Login: r.login}
}

// say sends a message; the ack follows when it is committed.
func (r *reading) say(f *wire.ClientFrame) error {
	ctx, cancel := r.within()
	defer cancel()
	from, err := r.node.people.of(ctx, r.session.User)
	if err != nil {
		return err
	}
	id := f.ID
	r.node.m.Submit(ctx, messaging.Outgoing{
		From: from, Device: r.session.Device, Session: r.session.ID, ClientID: id, To: chat.Target(*f.To),
		Draft: chat.Draft{Kind: f.Message.Kind, Text: f.Message.Text, Media: f.Message.Media, ReplyTo: f.Message.ReplyTo, Mentions: f.Message.Mentions},
	}, func(s messaging.Sent, err error) {
		if err != nil {
			r.sendFrame(errorFrame(id, err, r.language))
			return
		}
		r.ack(id, s)
	})
	return nil
}

// noteReceived takes the client's word that it has everything up to an offset.
func (r *reading) noteReceived(s string) error {
	o, ok := readOffset(s)
	if !ok {
		return chat.InvalidField("offset", "format", "")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if beyond(&o, &r.cursor) {
		return chat.InvalidField("offset", "format", "beyond what was sent")
	}
	r.unreported = 0
	if r.reported != nil {
		close(r.reported)
		r.reported = nil
	}
	later := laterOf(r.received, o)
	if later.String() == r.received.String() {
		return nil
	}
	r.received = later
	r.node.mu.Lock()
	defer r.node.mu.Unlock()
	if !r.receivedDirty {
		r.receivedDirty = true
		r.node.reported = append(r.node.reported, r.conn)
	}
	if !r.unsaved {
		r.unsaved = true
		r.node.unsaved = append(r.node.unsaved, r.conn)
	}
	return nil
}

func (r *reading) typing(f *wire.ClientFrame) error {
	frame := wire.TypingFrame{Type: wire.Typing, From: r.session.User, To: *f.To, On: f.On}
	return r.pass(f.To, func(to wire.Target) []byte { frame.To = to; return wire.Encode(frame) }, true)
}

func (r *reading) signal(f *wire.ClientFrame) error {
	var data bytes.Buffer
	if err := json.Compact(&data, f.Data); err != nil {
		return chat.InvalidField("data", "format", "")
	}
	frame := wire.SignalFrame{Type: wire.Signal, From: r.session.User, Data: data.Bytes()}
	return r.pass(f.To, func(to wire.Target) []byte { frame.To = to; return wire.Encode(frame) }, false)
}

// pass sends a finished frame to whom a target means: neither stored nor queued.
func (r *reading) pass(to *wire.Target, encode func(wire.Target) []byte, droppable bool) error {
	if !r.node.c.Up() {
		return &chat.Error{Kind: chat.Unavailable, Op: "realtime.pass", Retry: time.Second}
	}
	ctx, cancel := r.within()
	defer cancel()
	c, users, err := r.node.m.Reachable(ctx, r.session.User, chat.Target(*to))
	if kind := chat.KindOf(err); droppable && (kind == chat.Blocked || kind == chat.NotFriends) {
		return nil // withheld, and not told
	}
	if err != nil {
		return err
	}
	f := cluster.Frame{Users: users, Except: r.session.ID, Droppable: droppable}
	if c.Direct {
		f.Data = encode(wire.Target{User: users[0]})
	} else {
		f.Data = encode(wire.Target{Room: c.ID})
	}
	select {
	case r.node.tells <- f:
		return nil
	default:
	}
	r.node.metrics.drops.WithLabelValues("tell").Inc()
	if droppable {
		return nil
	}
	return &chat.Error{Kind: chat.Unavailable, Op: "realtime.pass", Retry: time.Second}
}

func (r *reading) history(f *wire.ClientFrame) error {
	ctx, cancel := r.within()
	defer cancel()
	messages, err := r.node.m.History(ctx, r.session.User, f.Conversation, messaging.Page{Before: f.BeforeSeq, After: f.AfterSeq, Limit: f.Limit})
	if err != nil {
		return err
	}
	reply := wire.HistoryFrame{Type: wire.History, Re: f.ID, Items: fitting(messages, r.session.User, f.AfterSeq > 0)}
	r.sendFrame(reply)
	return nil
}

// fitting encodes as many messages as one frame holds, from the end that the
// client asks on from: the oldest when it goes forward, else the newest.
func fitting(messages []chat.Message, reader chat.UserID, forward bool) []json.RawMessage {
	items := make([]json.RawMessage, len(messages))
	for i := range messages {
		items[i] = wire.EncodeMessage(&messages[i], reader)
	}
	size, n := 256, 0
	for ; n < len(items); n++ {
		i := n
		if !forward {
			i = len(items) - 1 - n
		}
		if size += len(items[i]) + 1; size > wire.MaxFrame && n > 0 {
			break
		}
	}
	if forward {
		return items[:n]
	}
	return items[len(items)-n:]
}
