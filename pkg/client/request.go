package client

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// Ack says that a message is kept, and as what.
type Ack struct {
	ID           string // as it was sent
	Conversation chat.ConversationID
	Seq          int64
	At           time.Time
	Live         bool // false: kept, but its delivery waits for a part that is away
}

var errSameID = &Error{Code: chat.Conflict, Detail: "another message with this id is under way"}

// Send sends a message under a new id and waits until it is kept. When ctx ends
// first, the message may still have been kept; who wants to be able to ask again
// uses SendWithID.
func (c *Client) Send(ctx context.Context, to chat.Target, d chat.Draft) (Ack, error) {
	return c.SendWithID(ctx, chat.NewID(), to, d)
}

// SendWithID is Send under an id of the caller's, of 1 to 64 characters. Sending
// the same again, now or years later, on any device, is answered with the first
// one's seq and delivers nothing twice; something else under the same id is
// refused as chat.Conflict.
func (c *Client) SendWithID(ctx context.Context, id string, to chat.Target, d chat.Draft) (Ack, error) {
	s, err := c.Queue(ctx, id, to, d)
	if err != nil {
		return Ack{}, err
	}
	return s.Wait(ctx)
}

// Sending is a message on its way.
type Sending struct {
	c    *Client
	call *call
}

// Queue puts a message in line and returns; it waits only while MaxPending
// others are under way. Messages queued one after the other are sent in that
// order, also over a reconnect. See SendWithID for the id.
func (c *Client) Queue(ctx context.Context, id string, to chat.Target, d chat.Draft) (*Sending, error) {
	t := wireTarget(to)
	k, err := c.call(ctx, wire.ClientFrame{Type: wire.Send, ID: id, To: &t, Message: wireDraft(d)})
	if err != nil {
		return nil, err
	}
	return &Sending{c, k}, nil
}

// Done is closed when the message is kept or refused for good.
func (s *Sending) Done() <-chan struct{} { return s.call.done }

// Wait waits for the message to be kept. When ctx ends it is no longer repeated,
// but may have been kept. Wait is called once.
func (s *Sending) Wait(ctx context.Context) (Ack, error) {
	f, err := s.c.wait(ctx, s.call)
	if err != nil {
		return Ack{}, err
	}
	var a wire.AckFrame
	err = f.Into(&a)
	return ackOf(s.call.id, a), err
}

// History asks for a page of a conversation, ascending by seq.
func (c *Client) History(ctx context.Context, in chat.ConversationID, h History) ([]wire.MessageBody, error) {
	f, err := c.ask(ctx, wire.ClientFrame{
		Type: wire.History, ID: chat.NewID(), Conversation: in, BeforeSeq: h.BeforeSeq, AfterSeq: h.AfterSeq, Limit: h.Limit,
	})
	if err != nil {
		return nil, err
	}
	var page struct{ Items []wire.MessageBody }
	err = f.Into(&page)
	return page.Items, err
}

// Ping waits for the node to answer and says how long that took. Everything the
// node had written before the answer has been read by then, though not
// necessarily handled.
func (c *Client) Ping(ctx context.Context) (time.Duration, error) {
	start := time.Now()
	_, err := c.ask(ctx, wire.ClientFrame{Type: wire.Ping, ID: chat.NewID()})
	return time.Since(start), err
}

// Watch has the handler told the presence of these people, now and at each
// change, until Unwatch. It is said again on each new socket.
func (c *Client) Watch(users ...chat.UserID) error {
	c.mu.Lock()
	for _, u := range users {
		c.watched[u] = struct{}{}
	}
	c.mu.Unlock()
	return c.tellUsers(wire.Watch, users)
}

// Unwatch ends Watch.
func (c *Client) Unwatch(users ...chat.UserID) error {
	c.mu.Lock()
	for _, u := range users {
		delete(c.watched, u)
	}
	c.mu.Unlock()
	return c.tellUsers(wire.Unwatch, users)
}

// tellUsers may fail to reach the node now: the next socket starts with the
// whole list.
func (c *Client) tellUsers(typ string, users []chat.UserID) error {
	for _, p := range usersFrames(typ, users) {
		if err := c.out.push(p); err != nil && err != ErrOffline {
			return err
		}
	}
	return nil
}

// Typing says that one is writing, or no longer is. Nothing is kept or repeated.
func (c *Client) Typing(to chat.Target, on bool) error {
	t := wireTarget(to)
	return c.say(wire.ClientFrame{Type: wire.Typing, To: &t, On: on})
}

// Signal passes data, as JSON of at most 16 KiB, to whoever of the target is
// there now, at most once. A refusal comes to Handler.Refused.
func (c *Client) Signal(to chat.Target, data any) error {
	p, err := encode(data)
	if err != nil {
		return err
	}
	t := wireTarget(to)
	return c.say(wire.ClientFrame{Type: wire.Signal, To: &t, Data: p})
}

// Read says that one has read a conversation up to and including seq. It is not
// repeated: API.MarkRead is the way to be sure.
func (c *Client) Read(in chat.ConversationID, seq int64) error {
	return c.say(wire.ClientFrame{Type: wire.Read, Conversation: in, Seq: seq})
}

// Received tells the server now how far the handler has got, for clients that
// have set ReceivedEvery to -1 because they know better when that is safe.
func (c *Client) Received() error {
	if offset := c.Offset(); offset != "" {
		return c.out.report(offset)
	}
	return nil
}

// ask is a call and its wait.
func (c *Client) ask(ctx context.Context, f wire.ClientFrame) (Frame, error) {
	k, err := c.call(ctx, f)
	if err != nil {
		return Frame{}, err
	}
	return c.wait(ctx, k)
}

func (c *Client) call(ctx context.Context, f wire.ClientFrame) (*call, error) {
	p, err := encodeFrame(f)
	if err != nil {
		return nil, err
	}
	k, err := c.out.add(ctx, f.ID, p)
	if err == nil {
		c.in.nudge()
	}
	return k, err
}

func (c *Client) wait(ctx context.Context, k *call) (Frame, error) {
	select {
	case <-k.done:
	case <-ctx.Done():
		c.out.abandon(k, ctx.Err())
	}
	select {
	case <-k.done: // also when both happened
		return k.reply, k.err
	default: // somebody else still waits for it
		return Frame{}, ctx.Err()
	}
}

func (c *Client) say(f wire.ClientFrame) error {
	p, err := encodeFrame(f)
	if err != nil {
		return err
	}
	return c.out.push(p)
}

// encodeFrame refuses what the server would close the socket for.
func encodeFrame(f wire.ClientFrame) ([]byte, error) {
	p, err := encode(f)
	if err == nil && len(p) > wire.MaxFrame {
		return nil, &Error{Code: chat.TooLarge, Detail: "a frame is limited to 64 KiB"}
	}
	return p, err
}

// encode is json.Marshal without the escapes meant for HTML, which would make
// some texts six times as long.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), err
}

func receivedFrame(offset string) []byte {
	p, _ := encode(wire.ClientFrame{Type: wire.Received, Offset: offset}) // strings always encode
	return p
}

// usersFrames says something about any number of users, as many a frame as are
// allowed.
func usersFrames(typ string, users []chat.UserID) (frames [][]byte) {
	for part := range slices.Chunk(users, wire.MaxUsers) {
		p, _ := encode(wire.ClientFrame{Type: typ, Users: part}) // strings always encode
		frames = append(frames, p)
	}
	return frames
}

func wireTarget(t chat.Target) wire.Target {
	return wire.Target{User: t.User, Room: t.Room, Conversation: t.Conversation}
}

func ackOf(id string, a wire.AckFrame) Ack {
	return Ack{ID: id, Conversation: a.Conversation, Seq: a.Seq, At: a.At.Time, Live: a.Live}
}
