package bench

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// node is as much of a node as the benchmark needs: it signs people up, takes
// messages and passes them on. What it does with one is the test's to say.
type node struct {
	*httptest.Server
	// treat may set how often a message is delivered, and what its sender is
	// told; n counts messages from 1.
	treat func(n int) treatment

	mu      sync.Mutex
	sockets map[string]*websocket.Conn
	n       int
	busy    int // sign-ups to be refused as too many
	later   int // connects to be answered with "try again later"
}

// treatment is what becomes of one message; the zero one loses it.
type treatment struct {
	copies  int
	refused bool
	waits   bool // live=false
}

func newNode(t *testing.T, treat func(n int) treatment) *node {
	s := &node{treat: treat, sockets: map[string]*websocket.Conn{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/auth/register", s.register)
	mux.HandleFunc("/ws", s.socket)
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func (s *node) register(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy--; s.busy >= 0 {
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(429)
		fmt.Fprint(w, `{"code":"rate_limited"}`)
		return
	}
	var in client.Registration
	json.NewDecoder(r.Body).Decode(&in)
	w.WriteHeader(201)
	json.NewEncoder(w).Encode(client.Grant{AccessToken: in.Username, DeviceID: "d", User: client.User{ID: chat.UserID(in.Username)}})
}

func (s *node) socket(w http.ResponseWriter, r *http.Request) {
	up := websocket.Upgrader{}
	c, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer c.Close()
	s.mu.Lock()
	s.later--
	if s.later >= 0 {
		s.mu.Unlock()
		return
	}
	s.sockets[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")] = c
	c.WriteMessage(websocket.TextMessage, []byte(`{"type":"welcome","heartbeat_ms":1000}`))
	c.WriteMessage(websocket.TextMessage, []byte(`{"type":"synced","offset":"0","count":0,"source":"queue"}`))
	s.mu.Unlock()
	for {
		var f wire.ClientFrame
		if c.ReadJSON(&f) != nil {
			return
		}
		if f.Type == wire.Send {
			s.send(c, f)
		}
	}
}

func (s *node) send(c *websocket.Conn, f wire.ClientFrame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	t := s.treat(s.n)
	if t.refused {
		fmt.Fprintf(text{c}, `{"type":"error","re":%q,"code":"rate_limited","retry":true}`, f.ID)
		return
	}
	fmt.Fprintf(text{c}, `{"type":"ack","re":%q,"conversation":"c","seq":%d,"live":%v}`, f.ID, s.n, !t.waits)
	for range t.copies {
		if to := s.sockets[string(f.To.User)]; to != nil {
			fmt.Fprintf(text{to}, `{"type":"message","offset":"%d","conversation":"c","seq":%d,"text":%q}`, s.n, s.n, f.Message.Text)
		}
	}
}

// text writes whole frames.
type text struct{ c *websocket.Conn }

func (t text) Write(p []byte) (int, error) { return len(p), t.c.WriteMessage(websocket.TextMessage, p) }
