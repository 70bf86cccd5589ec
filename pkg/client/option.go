package client

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// Options says where to connect, as whom, and what to do with what arrives.
// Only URLs and one of Token and AccessToken are needed.
type Options struct {
	URLs        []string  // of the nodes; any will do, the next is tried when one fails
	Token       TokenFunc // asked at each connect; nil: AccessToken
	AccessToken string
	Device      chat.DeviceID // empty: the one the token names
	Platform    chat.Platform
	Offset      string // where an earlier Client got to; empty: where the device reported to be
	Language    string // of refusals
	Handler     Handler

	// Buffer is how many frames may wait for the Handler before the socket is
	// no longer read; 0: 1024.
	Buffer int
	// ReceivedEvery is after how many handled frames the server is told how far
	// this device has got; 0: 64; negative: never, see Client.Received.
	ReceivedEvery int
	// ReceivedAfter is how long it may take for fewer frames; 0: 1 s.
	ReceivedAfter time.Duration
	// Reorder is how long a message waits for an earlier one of its
	// conversation that has been overtaken; 0: 250 ms; negative: not at all.
	Reorder time.Duration
	// MaxPending is how many sends and questions may be unanswered at once;
	// further ones wait; 0: 1024.
	MaxPending int
	// Timeout is for connecting up to the welcome, and for each write; 0: 10 s.
	Timeout time.Duration
	// Backoff paces attempts to reconnect.
	Backoff Backoff
	// NetDial opens TCP connections; nil: the default.
	NetDial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Backoff paces attempts by full jitter: the nth waits a random time up to
// Min·2ⁿ, but no longer than Max.
type Backoff struct {
	Min time.Duration // 0: 200 ms
	Max time.Duration // 0: 20 s
}

// Handler is called for each thing that arrives, in order, by one goroutine of
// the client's, so the functions need no lock among themselves. Functions may be
// nil. While one runs nothing else is handed on, and when Buffer is full nothing
// is read: slowness here is felt by the server, which waits, and in the end
// makes this device catch up later. A function may wait for Send and the other
// requests, but must not call Close.
type Handler struct {
	Welcome  func(wire.WelcomeFrame) // a socket is open, the first or a later one
	Message  func(Message)
	Event    func(Event)
	Gap      func(wire.GapFrame)    // an older part that has to be asked for by History
	Synced   func(wire.SyncedFrame) // all else that was missed has been handed on
	Receipt  func(wire.ReceiptFrame)
	Presence func(wire.PresenceFrame)
	Typing   func(wire.TypingFrame)
	Signal   func(wire.SignalFrame)
	Kicked   func(wire.KickedFrame) // Ended follows
	Drain    func(wire.DrainFrame)  // the client moves to another node by itself
	Refused  func(*Error)           // something that nobody waits for was refused
	Unknown  func(Frame)            // a frame type that this version does not know
	Lost     func(error)            // the socket was lost; the client is coming back
	Ended    func(error)            // the client has given up, for good; nothing follows
}

// Message is a message as it arrived.
type Message struct {
	wire.MessageBody
	Offset string
	// Late is set when a later message of the conversation was handed on
	// before, because this one took longer than Reorder: sort by Seq.
	Late bool
}

// Event is something else that was queued like a message.
type Event struct {
	Offset string          `json:"offset"`
	Name   string          `json:"name"` // "friend.requested", "message.recalled", …
	Data   json.RawMessage `json:"data"`
}

func (o *Options) complete() error {
	if len(o.URLs) == 0 {
		return errors.New("client: no URL of a node")
	}
	for _, u := range o.URLs {
		if _, err := baseURL(u); err != nil {
			return err
		}
	}
	if o.Token == nil && o.AccessToken == "" {
		return errors.New("client: no access token")
	}
	if o.Buffer < 0 || o.MaxPending < 0 {
		return errors.New("client: Buffer and MaxPending cannot be negative")
	}
	fallback(&o.Buffer, 1024)
	fallback(&o.ReceivedEvery, 64)
	fallback(&o.ReceivedAfter, time.Second)
	fallback(&o.Reorder, 250*time.Millisecond)
	fallback(&o.MaxPending, 1024)
	fallback(&o.Timeout, 10*time.Second)
	fallback(&o.Backoff.Min, 200*time.Millisecond)
	fallback(&o.Backoff.Max, 20*time.Second)
	return nil
}

func fallback[T int | time.Duration](v *T, d T) {
	if *v == 0 {
		*v = d
	}
}

func (o *Options) token(ctx context.Context) (string, error) {
	if o.Token == nil {
		return o.AccessToken, nil
	}
	return o.Token(ctx)
}
