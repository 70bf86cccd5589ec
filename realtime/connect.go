package realtime

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/phrase"
	"github.com/tieline/tieline/pkg/wire"
	"github.com/tieline/tieline/realtime/cluster"
)

// Hello is what a client says when it connects.
type Hello struct {
	Token    string // an access token, or
	Ticket   string // a one-time ticket
	Platform chat.Platform
	Offset   string // where it wants to go on from; empty: what it reported as received
	Addr     string
	Language string // phrase.Language of the details of errors
}

// connectWithin bounds everything from the upgrade to the welcome.
const connectWithin = 5 * time.Second

// Serve is the whole life of one socket: who is it, claim the device, greet,
// show what was missed, read until it ends, give the device up. It returns when
// every goroutine of the socket has ended.
func (n *Node) Serve(ctx context.Context, sock Socket, h Hello) {
	n.sockets.Add(1)
	defer n.sockets.Done()
	c := newConn(n, sock)
	defer c.end()
	if n.draining() {
		c.handOver(drainSpread / 2)
		return
	}
	hub := false
	err := func() error {
		ctx, cancel := context.WithTimeout(ctx, connectWithin)
		defer cancel()
		if err := n.enter(ctx); err != nil {
			return err
		}
		defer n.leave()
		if err := n.o.Limits.Allow(ctx, chat.Connects, h.Addr); err != nil {
			return err
		}
		if err := n.identify(ctx, c, h); err != nil {
			return err
		}
		// Before it is ready, the node knows neither who was signed out nor how far
		// the lobby is.
		if !n.c.Up() || !n.ready.Load() {
			return &chat.Error{Kind: chat.Unavailable, Op: "realtime.serve", Retry: time.Second}
		}
		// First the hub, then the claim: a kick that follows the claim finds the socket.
		n.hub.add(c)
		hub = true
		return n.claim(ctx, c, h)
	}()
	if hub {
		defer n.part(c)
	}
	if n.draining() { // it began meanwhile, and may have missed this one
		c.handOver(rand.N(drainSpread))
		return
	}
	if err != nil {
		n.metrics.refused.WithLabelValues(string(chat.KindOf(err))).Inc()
		c.refuse(err, phrase.Language(h.Language))
		return
	}
	n.metrics.connects.Inc()
	c.read(ctx, phrase.Language(h.Language))
	sock.Close() // nobody is there any more to read what still waits
}

// enter waits for a place at the door; whoever has waited too long is told to
// come back.
func (n *Node) enter(ctx context.Context) error {
	n.waiting.Add(1)
	defer n.waiting.Add(-1)
	select {
	case n.door <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &chat.Error{Kind: chat.Unavailable, Op: "realtime.enter", Retry: time.Second}
	}
}

func (n *Node) leave() { <-n.door }

// identify finds out who connects.
func (n *Node) identify(ctx context.Context, c *conn, h Hello) error {
	var id chat.Identity
	var err error
	switch {
	case h.Token != "":
		id, err = n.o.Gate.Verify(h.Token)
	case h.Ticket != "":
		id, err = n.o.Gate.Redeem(ctx, h.Ticket)
	default:
		err = chat.E("realtime.identify", chat.Unauthorized, nil)
	}
	if err != nil {
		return err
	}
	if !h.Platform.Valid() {
		h.Platform = chat.Web
	}
	c.login = id.Login
	c.session = chat.Session{ID: n.c.NewSession(), User: id.User, Device: id.Device, Node: n.o.ID, Platform: h.Platform}
	return nil
}

// endedError says that the device was signed out, and why.
type endedError struct{ reason chat.Reason }

func (e *endedError) Error() string { return "signed out: " + string(e.reason) }

// endedBy recognises the end of a session among the errors of Authorise.
func endedBy(err error) error {
	var e *chat.Error
	if errors.As(err, &e) && e.Kind == chat.SessionEnded {
		return &endedError{e.Reason}
	}
	return err
}

// claim makes the socket its device's, tells the one it takes over from, and
// greets.
func (n *Node) claim(ctx context.Context, c *conn, h Hello) error {
	got, err := n.claimDevice(ctx, c)
	if err != nil {
		return err
	}
	if got.Previous != nil { // it has lost the device, whatever becomes of this socket
		if err := n.c.Kick(ctx, []cluster.Kick{*got.Previous}); err != nil {
			n.log.Debug("the replaced socket was not told", "error", err) // its node's sweep finds out
		}
	}
	cursor, resumed, err := n.startOf(ctx, c, h, got)
	if err != nil {
		return err
	}
	c.greet(cursor, &got, resumed)
	if h.Offset != "" && !resumed {
		c.sendFrame(errorFrame("", chat.InvalidField("offset", "format", ""), phrase.Language(h.Language)))
	}
	n.hub.touch(c.session.User)
	if err := n.c.TellWatchers(ctx, c.session.User, got.Watchers); err != nil {
		n.log.Debug("watchers were not told", "error", err) // they look again by themselves
	}
	return nil
}

// claimDevice claims in Redis; what Redis does not know of the device it is
// told from the database.
func (n *Node) claimDevice(ctx context.Context, c *conn) (cluster.Claimed, error) {
	for range 2 {
		got, err := n.c.Claim(ctx, c.session, c.login)
		if err != nil {
			return got, err
		}
		if got.Ended != "" {
			return got, &endedError{got.Ended}
		}
		if !got.Unknown {
			return got, nil
		}
		id := chat.Identity{User: c.session.User, Device: c.session.Device, Login: c.login}
		if _, err := n.o.Gate.Authorise(ctx, id); err != nil {
			return got, endedBy(err)
		}
	}
	return cluster.Claimed{}, &chat.Error{Kind: chat.Unavailable, Op: "realtime.claim", Retry: time.Second}
}

// startOf decides where a socket goes on from: the later of the offset that the
// client brought and the one that the device reported as received.
func (n *Node) startOf(ctx context.Context, c *conn, h Hello, got cluster.Claimed) (cluster.Offset, bool, error) {
	at, resumed := readOffset(h.Offset)
	if resumed {
		at = n.ours(ctx, at, got.Lobby)
	}
	received, known := readOffset(got.Received)
	if !known && !resumed {
		rec, err := n.o.Devices.Device(ctx, c.session.User, c.session.Device)
		if err != nil {
			return at, false, err
		}
		if received, known = readOffset(rec.Received); !known {
			received, known = cluster.Offset{At: rec.CreatedAt.UnixMilli()}, true
			received.SetRoom(chat.Lobby, rec.LobbySeq)
		}
	}
	if known && resumed {
		at = laterOf(at, received)
	} else if known {
		at = received
	}
	if at.Generation == n.c.Generation() && at.Position > got.Head {
		at.Generation = 0 // not a position that this queue ever had
	}
	return at, resumed, nil
}

// readOffset reads an offset as nodes give them out: with a place in the lobby.
func readOffset(s string) (cluster.Offset, bool) {
	o, ok := cluster.ParseOffset(s)
	_, placed := o.Room(chat.Lobby)
	return o, ok && placed
}

// ours leaves of an offset that a client brought what this cluster can have given
// out: nothing of the future, and no room but those with a log.
func (n *Node) ours(ctx context.Context, o cluster.Offset, newest int64) cluster.Offset {
	if o.Generation > n.c.Generation() {
		o.Generation = 0
	}
	o.At = min(o.At, time.Now().Add(fillMargin).UnixMilli()) // clocks differ
	seq, _ := o.Room(chat.Lobby)
	o.Rooms = nil
	if seq > max(n.lobby.head(), newest) {
		if lobby, err := n.h.Conversation(ctx, chat.Lobby); err == nil {
			seq = min(seq, lobby.LastSeq)
		}
	}
	o.SetRoom(chat.Lobby, seq)
	return o
}

// beyond reports whether an offset has anything that a cursor has not come to.
func beyond(o, cursor *cluster.Offset) bool {
	if o.Generation > cursor.Generation || o.At > cursor.At || o.Generation == cursor.Generation && o.Position > cursor.Position {
		return true
	}
	for _, r := range o.Rooms {
		if seq, ok := cursor.Room(r.Room); !ok || r.Seq > seq {
			return true
		}
	}
	return false
}

// laterOf merges two offsets of one device: all that either of them has seen.
func laterOf(a, b cluster.Offset) cluster.Offset {
	later := a
	if b.Generation > a.Generation || b.Generation == a.Generation && b.Position > a.Position {
		later = b
	}
	later = later.Clone()
	for _, o := range []cluster.Offset{a, b} {
		for _, r := range o.Rooms {
			if had, ok := later.Room(r.Room); !ok || had < r.Seq {
				later.SetRoom(r.Room, r.Seq)
			}
		}
	}
	return later
}

// greet sends the welcome and then whatever was missed: all that was there at
// the claim, even if this node has not heard of it yet.
func (c *conn) greet(cursor cluster.Offset, got *cluster.Claimed, resumed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.greeted = true
	c.cursor, c.seen, c.lobby = cursor, max(c.seen, got.Head), got.Lobby
	queued := int64(0)
	if cursor.Generation == c.node.c.Generation() {
		queued = got.Head - cursor.Position
	}
	c.sendLocked(wire.Encode(wire.WelcomeFrame{
		Type: wire.Welcome, Session: c.session.ID, User: c.session.User, Device: c.session.Device, Node: c.session.Node,
		Offset: cursor.String(), Resumed: resumed, Queued: queued,
		HeartbeatMS: c.node.o.Heartbeat.Milliseconds(), Time: wire.Time{Time: time.Now()},
	}))
	c.catching = false
	c.lagLocked(got.Head)
}

// refuse tells a client why it is not let in, and closes.
func (c *conn) refuse(err error, language phrase.Language) {
	var ended *endedError
	if errors.As(err, &ended) {
		if ended.reason != chat.Disabled {
			c.kick(ended.reason)
			return
		}
		err = chat.E("realtime.refuse", chat.AccountDisabled, nil)
	}
	code := wire.CloseUnavailable
	switch chat.KindOf(err) {
	case chat.TokenExpired:
		code = wire.CloseExpired
	case chat.TokenInvalid:
		code = wire.CloseInvalid
	case chat.AccountDisabled:
		code = wire.CloseDisabled
	case chat.Unauthorized:
		code = wire.CloseUnknownUser
		if c.session.User == "" {
			code = wire.CloseInvalid // no credential at all, or a ticket that is none
		}
	case chat.RateLimited:
		code = wire.CloseRateLimited
	case chat.Internal:
		c.node.log.Error("a connect failed", "error", err)
	}
	c.close(code, string(chat.KindOf(err)), errorFrame("", err, language))
}

// errorFrame shows an error to a client.
func errorFrame(re string, err error, language phrase.Language) wire.ErrorFrame {
	kind := chat.KindOf(err)
	f := wire.ErrorFrame{Type: wire.Error, Re: re, Code: kind, Retry: kind.Retryable(), Detail: language.Detail(err)}
	var e *chat.Error
	if errors.As(err, &e) {
		f.Reason = e.Reason
	}
	return f
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// finish ends the conn for all who look; what is queued is still written.
func (c *conn) finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.overLocked()
}

// end waits for the socket's goroutines and closes it.
func (c *conn) end() {
	c.finish()
	c.work.Wait()
	if c.bye != nil {
		c.drainReads()
	}
	c.sock.Close()
}

// drainReads gives a client that was told goodbye a moment to answer.
func (c *conn) drainReads() {
	c.sock.SetReadDeadline(time.Now().Add(lingerWithin))
	for {
		if _, _, err := c.sock.NextReader(); err != nil {
			return
		}
	}
}
