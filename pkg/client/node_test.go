package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// patience bounds every wait of these tests; a passing test comes nowhere near.
const patience = 10 * time.Second

// node is a server that does what the test says, socket by socket.
type node struct {
	t       *testing.T
	URL     string
	sockets chan *peer
}

func newNode(t *testing.T) *node {
	n := &node{t: t, sockets: make(chan *peer, 16)}
	up := websocket.Upgrader{Subprotocols: []string{wire.Subprotocol}}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		p := &peer{t: t, conn: conn, req: r, frames: make(chan wire.ClientFrame, 1024), ended: make(chan error, 1)}
		n.sockets <- p
		p.read()
	}))
	t.Cleanup(srv.Close)
	n.URL = srv.URL
	return n
}

// accept waits for the next socket.
func (n *node) accept() *peer {
	n.t.Helper()
	return receive(n.t, n.sockets, "a socket")
}

// welcomed accepts a socket and greets it.
func (n *node) welcomed(offset string) *peer {
	n.t.Helper()
	p := n.accept()
	p.welcome(offset)
	return p
}

// peer is the server's end of one socket.
type peer struct {
	t      *testing.T
	conn   *websocket.Conn
	req    *http.Request
	frames chan wire.ClientFrame
	ended  chan error
}

func (p *peer) read() {
	defer p.conn.Close()
	for {
		_, b, err := p.conn.ReadMessage()
		if err != nil {
			p.ended <- err
			return
		}
		var f wire.ClientFrame
		json.Unmarshal(b, &f)
		p.frames <- f
	}
}

func (p *peer) write(format string, args ...any) {
	p.t.Helper()
	if err := p.conn.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, format, args...)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) welcome(offset string) {
	p.t.Helper()
	p.write(`{"type":"welcome","session":"s","user":"u","device":"d","node":"n","offset":%q,"heartbeat_ms":25000,"time":"2026-01-02T03:04:05.678Z"}`, offset)
}

func (p *peer) message(offset string, in chat.ConversationID, seq int64) {
	p.t.Helper()
	p.write(`{"type":"message","offset":%q,"conversation":%q,"seq":%d,"id":"m","kind":"text","text":"text %d","at":"2026-01-02T03:04:05.678Z"}`, offset, in, seq, seq)
}

func (p *peer) ack(f wire.ClientFrame, seq int64) {
	p.t.Helper()
	p.write(`{"type":"ack","re":%q,"conversation":"c","seq":%d,"at":"2026-01-02T03:04:05.678Z","live":true}`, f.ID, seq)
}

// expect waits for the client's next frame, which must be of this type.
func (p *peer) expect(typ string) wire.ClientFrame {
	p.t.Helper()
	f := receive(p.t, p.frames, typ)
	if f.Type != typ {
		p.t.Fatalf("the client sent %+v, want %s", f, typ)
	}
	return f
}

func (p *peer) close(code int) {
	p.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, "text"), time.Now().Add(patience))
}

func receive[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("no %s came", what)
		panic("unreachable")
	}
}

// recorder is a handler that puts what it is told into a channel.
type recorder chan any

func (r recorder) handler() Handler {
	return Handler{
		Welcome:  func(f wire.WelcomeFrame) { r <- f },
		Message:  func(m Message) { r <- m },
		Event:    func(e Event) { r <- e },
		Gap:      func(f wire.GapFrame) { r <- f },
		Synced:   func(f wire.SyncedFrame) { r <- f },
		Presence: func(f wire.PresenceFrame) { r <- f },
		Kicked:   func(f wire.KickedFrame) { r <- f },
		Refused:  func(e *Error) { r <- e },
		Unknown:  func(f Frame) { r <- f },
		Lost:     func(err error) { r <- fmt.Errorf("lost: %w", err) },
		Ended:    func(err error) { r <- fmt.Errorf("ended: %w", err) },
	}
}

// next waits for the next event, which must be a T.
func next[T any](t *testing.T, r recorder) T {
	t.Helper()
	v := receive(t, r, "event")
	got, ok := v.(T)
	if !ok {
		t.Fatalf("the handler was told %T %+v, want %T", v, v, got)
	}
	return got
}

// connect dials while the test plays the server's part of the welcome.
func connect(t *testing.T, n *node, o Options) (*Client, *peer) {
	t.Helper()
	if o.URLs == nil {
		o.URLs = []string{n.URL}
	}
	if o.Token == nil {
		o.AccessToken = "token"
	}
	if o.Backoff == (Backoff{}) {
		o.Backoff = Backoff{Min: time.Millisecond, Max: 10 * time.Millisecond}
	}
	dialed := make(chan func() (*Client, error), 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		c, err := Dial(ctx, o)
		dialed <- func() (*Client, error) { return c, err }
	}()
	p := n.welcomed("o0")
	c, err := receive(t, dialed, "client")()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, p
}

func text(s string) chat.Draft { return chat.Draft{Kind: chat.Text, Text: s} }
