package handlers

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/tieline/tieline/pkg/wire"
	"github.com/tieline/tieline/realtime"
)

// patience bounds waiting for what should happen at once.
const patience = 10 * time.Second

// greeted answers each hello with itself and ends the socket.
func greeted(_ context.Context, s realtime.Socket, h realtime.Hello) {
	b, _ := json.Marshal(h)
	s.WriteTexts([][]byte{b}, patience)
	s.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(4001, "bye"), time.Now().Add(patience))
}

// dial opens a socket, or returns the answer to the handshake.
func dial(t *testing.T, addr, query string, header http.Header, protocols ...string) (*websocket.Conn, *http.Response) {
	t.Helper()
	d := websocket.Dialer{Subprotocols: protocols, HandshakeTimeout: patience}
	conn, resp, err := d.Dial("ws://"+addr+"/ws"+query, header)
	if err != nil && resp == nil {
		t.Fatal(err)
	}
	if conn != nil {
		conn.SetReadDeadline(time.Now().Add(patience))
		t.Cleanup(func() { conn.Close() })
	}
	return conn, resp
}

func hello(t *testing.T, conn *websocket.Conn) (h realtime.Hello) {
	t.Helper()
	if err := conn.ReadJSON(&h); err != nil {
		t.Fatal(err)
	}
	return h
}

// S2.7, S4.6
func TestCredentialsAreLookedForInOrder(t *testing.T) {
	b := newBench(t)
	b.node.serve = greeted
	addr := b.serve()
	authorized := http.Header{"Authorization": {"Bearer from-header"}}
	for _, test := range []struct {
		name, query   string
		header        http.Header
		protocols     []string
		token, ticket string
		selected      string
	}{
		{"all of them", "?ticket=x&token=y", authorized, []string{"tieline.v1", "bearer.from-list"}, "from-list", "", "tieline.v1"},
		{"in the other order", "", nil, []string{"bearer.from-list", "tieline.v1"}, "from-list", "", "tieline.v1"},
		{"header before ticket", "?ticket=x&token=y", authorized, nil, "from-header", "", ""},
		{"protocol without a token", "?token=y", authorized, []string{"tieline.v1"}, "from-header", "", "tieline.v1"},
		{"ticket before token", "?token=y&ticket=x", nil, nil, "", "x", ""},
		{"token", "?token=y", nil, nil, "y", "", ""},
		{"another protocol", "?token=y", nil, []string{"chat"}, "y", "", ""},
		{"nothing at all", "", nil, nil, "", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			conn, resp := dial(t, addr, test.query, test.header, test.protocols...)
			if conn == nil {
				t.Fatalf("refused: %s", resp.Status)
			}
			if h := hello(t, conn); h.Token != test.token || h.Ticket != test.ticket || conn.Subprotocol() != test.selected {
				t.Errorf("token %q, ticket %q, protocol %q", h.Token, h.Ticket, conn.Subprotocol())
			}
			if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, 4001) {
				t.Errorf("ended with %v", err)
			}
		})
	}
}

func TestHelloSaysWhoConnectsAndFromWhere(t *testing.T) {
	b := newBench(t)
	b.node.serve = greeted
	conn, _ := dial(t, b.serve(), "?platform=ios&offset=g1-2.a%2Bb", http.Header{"Accept-Language": {"zh-CN,zh;q=0.9"}})
	want := realtime.Hello{Platform: "ios", Offset: "g1-2.a+b", Addr: "127.0.0.1", Language: "zh"}
	if h := hello(t, conn); h != want {
		t.Errorf("hello %+v, want %+v", h, want)
	}
}

func TestForeignPagesGetNoSocket(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Origins = []string{"https://chat.example"} })
	b.node.serve = greeted
	addr := b.serve()
	for origin, want := range map[string]int{
		"https://evil.example": 403, "null": 403, "http://" + addr: 101, "https://chat.example": 101,
	} {
		_, resp := dial(t, addr, "", http.Header{"Origin": {origin}})
		if resp.StatusCode != want {
			t.Errorf("%s: %s, want %d", origin, resp.Status, want)
		}
		if text, _ := io.ReadAll(resp.Body); want == 403 && !strings.Contains(string(text), `"code":"forbidden"`) {
			t.Errorf("%s: %s", origin, text)
		}
	}
	b.refused(426, "malformed", "", "GET", "/ws", "")
}

// A browser sends about a kilobyte of its own, and the token may stand in both
// places.
func TestABrowsersHandshakeFits(t *testing.T) {
	b := newBench(t)
	b.node.serve = greeted
	token := strings.Repeat("t", 1024)
	header := http.Header{
		"Authorization": {"Bearer " + token}, "User-Agent": {strings.Repeat("Mozilla/5.0 ", 20)},
		"Cookie": {strings.Repeat("name=value; ", 100)}, "Accept-Language": {"zh-CN,zh;q=0.9,en;q=0.8"},
	}
	conn, resp := dial(t, b.serve(), "", header, wire.Subprotocol, "bearer."+token)
	if conn == nil {
		t.Fatalf("refused: %s", resp.Status)
	}
	if h := hello(t, conn); h.Token != token {
		t.Errorf("%d bytes of the token arrived", len(h.Token))
	}
}

// A node kicks by closing from another goroutine than the one that reads.
func TestClosingASocketClosesItsConnection(t *testing.T) {
	b := newBench(t)
	ended := make(chan error, 1)
	b.node.serve = func(_ context.Context, s realtime.Socket, _ realtime.Hello) {
		go s.Close()
		_, _, err := s.NextReader()
		ended <- err
	}
	conn, _ := dial(t, b.serve(), "", nil)
	select {
	case err := <-ended:
		if err == nil {
			t.Error("something was read from a closed socket")
		}
	case <-time.After(patience):
		t.Fatal("the reader still waits")
	}
	if _, _, err := conn.ReadMessage(); err == nil {
		t.Error("the client reads on")
	}
}

// Whoever kept a socket too long must not reach the next client with it.
func TestASocketThatIsOverReachesNobody(t *testing.T) {
	b := newBench(t)
	sockets := make(chan realtime.Socket, 2)
	over := make(chan struct{})
	b.node.serve = func(_ context.Context, s realtime.Socket, h realtime.Hello) {
		sockets <- s
		if h.Token == "first" {
			return
		}
		<-over
	}
	addr := b.serve()
	first, _ := dial(t, addr, "?token=first", nil)
	if _, _, err := first.ReadMessage(); err == nil {
		t.Fatal("the first socket is open")
	}
	second, _ := dial(t, addr, "?token=second", nil)
	old, current := <-sockets, <-sockets
	if err := old.WriteTexts([][]byte{[]byte("for the first")}, patience); err == nil {
		t.Error("a socket that is over takes a message")
	}
	old.Close()
	if err := current.WriteTexts([][]byte{[]byte("for the second")}, patience); err != nil {
		t.Error(err)
	}
	if _, text, err := second.ReadMessage(); err != nil || string(text) != "for the second" {
		t.Errorf("the second client got %q, %v", text, err)
	}
	close(over)
}

func TestAPanicEndsOneSocketAndIsToldToNobody(t *testing.T) {
	b := newBench(t)
	b.node.serve = func(_ context.Context, _ realtime.Socket, h realtime.Hello) { panic("secret of " + h.Platform) }
	addr := b.serve()
	for range 3 {
		conn, _ := dial(t, addr, "?token=hush&platform=web", nil)
		if _, text, err := conn.ReadMessage(); err == nil {
			t.Errorf("the client was told %s", text)
		}
	}
	b.log.await(t, "secret of web", 3)
	if log := b.log.String(); strings.Contains(log, "hush") {
		t.Errorf("log: %s", log)
	}
}

func TestTheEndOfTheContextReachesSockets(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	b := newBench(t, func(o *Options) { o.Context = ctx })
	began, ended := make(chan struct{}), make(chan struct{})
	b.node.serve = func(ctx context.Context, _ realtime.Socket, _ realtime.Hello) {
		close(began)
		<-ctx.Done()
		close(ended)
	}
	dial(t, b.serve(), "", nil)
	<-began
	cancel()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatal("the socket knows nothing of it")
	}
}

func TestASocketsCredentialsAreNotLogged(t *testing.T) {
	b := newBench(t)
	b.node.serve = greeted
	addr := b.serve()
	conn, _ := dial(t, addr, "?ticket=secret&token=secret&offset=secret", http.Header{"Authorization": {"Bearer secret"}}, "tieline.v1", "bearer.secret")
	hello(t, conn)
	if log := b.log.String(); strings.Contains(log, "secret") || !strings.Contains(log, "path=/ws status=101") {
		t.Errorf("log: %s", log)
	}
}
