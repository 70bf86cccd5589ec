package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"

	"github.com/gorilla/websocket"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// fakeWorld is as much of a cluster as the tests of the language need, in this
// process. What is said to it decides what goes wrong:
//
//	never      is acknowledged and not delivered
//	twice      is delivered twice
//	ahead      is delivered with a seq far too high
//	uncounted  is not counted in the next "synced"
//	refused    is refused as blocked
//	later      is refused, with retry, the first time
//	leave      has the recipient's sockets closed with 4001, after "kicked"
type fakeWorld struct {
	mu      sync.Mutex
	sockets map[string]*fakeSocket // by access token
	queues  map[chat.UserID][]string
	seq     int64
	short   int // by how much the next "synced" counts too few
	asked   map[string]bool
	logged  string // what nodes write to their logs
}

type fakeSocket struct {
	conn   *websocket.Conn
	user   chat.UserID
	device string
}

func newFakeWorld() *fakeWorld {
	return &fakeWorld{sockets: map[string]*fakeSocket{}, queues: map[chat.UserID][]string{}, asked: map[string]bool{}}
}

// fakeNode is a node of the world.
type fakeNode struct {
	server *httptest.Server
	done   chan struct{}
}

func (w *fakeWorld) launcher() launcher {
	return launcher{start: func(n *node) (process, error) {
		mux := http.NewServeMux()
		mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
		mux.HandleFunc("POST /api/v1/auth/register", w.grant)
		mux.HandleFunc("POST /api/v1/auth/login", w.grant)
		mux.HandleFunc("/ws", w.socket)
		f := &fakeNode{httptest.NewServer(mux), make(chan struct{})}
		n.addr = f.server.Listener.Addr().String()
		return f, os.WriteFile(n.log, []byte(w.logged), 0o600)
	}}
}

func (f *fakeNode) Done() <-chan struct{} { return f.done }

// Signal ends the node, whatever the signal.
func (f *fakeNode) Signal(os.Signal) error {
	f.server.CloseClientConnections()
	f.server.Config.Close()
	close(f.done)
	return nil
}

func (w *fakeWorld) grant(out http.ResponseWriter, r *http.Request) {
	var in struct {
		Username, Login string
		Device          client.Place
	}
	json.NewDecoder(r.Body).Decode(&in)
	name := in.Username + in.Login
	json.NewEncoder(out).Encode(client.Grant{
		AccessToken: "access/" + name + "/" + string(in.Device.ID), DeviceID: in.Device.ID, User: client.User{ID: chat.UserID(name)},
	})
}

func (w *fakeWorld) socket(out http.ResponseWriter, r *http.Request) {
	up := websocket.Upgrader{}
	conn, err := up.Upgrade(out, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	parts := strings.Split(token, "/")
	s := &fakeSocket{conn, chat.UserID(parts[1]), parts[2]}
	w.mu.Lock()
	w.sockets[token] = s
	from := 0
	fmt.Sscan(r.URL.Query().Get("offset"), &from)
	s.write(`{"type":"welcome","offset":"%d"}`, from)
	missed := w.queues[s.user][from:]
	for _, f := range missed {
		s.write("%s", f)
	}
	s.write(`{"type":"synced","offset":"%d","count":%d,"source":"queue"}`, from+len(missed), len(missed)-w.short)
	w.short = 0
	w.mu.Unlock()
	for {
		var f wire.ClientFrame
		if conn.ReadJSON(&f) != nil {
			return
		}
		w.mu.Lock()
		switch f.Type {
		case wire.Ping:
			s.write(`{"type":"pong","re":%q}`, f.ID)
		case wire.Send:
			w.said(s, f)
		}
		w.mu.Unlock()
	}
}

func (s *fakeSocket) write(format string, args ...any) {
	s.conn.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, format, args...))
}

func (w *fakeWorld) said(s *fakeSocket, f wire.ClientFrame) {
	text, to := f.Message.Text, f.To.User
	switch {
	case text == "refused":
		s.write(`{"type":"error","re":%q,"code":"blocked","detail":"no"}`, f.ID)
		return
	case text == "later" && !w.asked[f.ID]:
		w.asked[f.ID] = true
		s.write(`{"type":"error","re":%q,"code":"unavailable","retry":true}`, f.ID)
		return
	}
	w.seq++
	s.write(`{"type":"ack","re":%q,"conversation":"c","seq":%d,"live":true}`, f.ID, w.seq)
	shown := w.seq
	switch text {
	case "never":
		return
	case "uncounted":
		w.short++
	case "ahead":
		shown += 1000
	}
	frame := fmt.Sprintf(`{"type":"message","offset":"%d","conversation":"c","seq":%d,"from":{"id":%q},"text":%q}`,
		len(w.queues[to])+1, shown, s.user, text)
	w.queues[to] = append(w.queues[to], frame)
	for _, peer := range w.sockets {
		if peer.user != to {
			continue
		}
		peer.write("%s", frame)
		switch text {
		case "twice":
			peer.write("%s", frame)
		case "leave":
			peer.write(`{"type":"kicked","reason":"by_admin","device":%q}`, peer.device)
			peer.conn.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(wire.CloseKicked, ""))
		}
	}
}
