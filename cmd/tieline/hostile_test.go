package main_test

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// Promise 7: more connections than a node has file descriptors for. It turns the
// rest away, keeps what it needs to go on, and lets people in again afterwards.
func TestMoreConnectionsThanDescriptors(t *testing.T) {
	t.Parallel()
	const limit = 300
	s := newStory(t, nodes(1), files(limit), setting("TIELINE_LOG_LEVEL", "info"))
	alice, bob, n := s.User("alice"), s.User("bob"), s.Node("n1")
	alice.On("n1")
	bob.On("n1")
	var open []net.Conn
	for range 2 * limit {
		c, err := dialElsewhere(context.Background(), "tcp", n.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		open = append(open, c)
	}
	for range 20 { // over new connections to the database, too
		alice.Says(bob, "hi")
		bob.Hears("hi")
	}
	alice.Watches(bob).SeesOnline(bob)
	for _, c := range open {
		c.Close()
	}
	phone := bob.Device("phone", chat.IOS)
	phone.On("n1")
	if n.metric("tieline_turned_away_total") == 0 {
		t.Error("nobody was turned away")
	}
	alice.StaysOn()
}

// Section 3: a frame may come in as many parts as its sender likes, and all of
// them together have one limit.
func TestFramesInParts(t *testing.T) {
	t.Parallel()
	s := newStory(t, nodes(1))
	alice, n := s.User("alice"), s.Node("n1")
	m := &member{token: alice.grant.AccessToken, device: alice.id}
	closes := n.metric(`tieline_closes_total{code="1009"}`)
	for _, part := range []int{16, 4096} {
		conn, err := m.opens(n, part)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		writeInParts(t, conn, `{"type":"ping","id":"p","pad":"`+strings.Repeat("x", 60_000)+`"}`)
		for {
			f, text, err := first(conn)
			if err != nil {
				t.Fatalf("in parts of %d: %s, %v", part, text, err)
			}
			if f.Type == wire.Pong {
				break
			}
		}
		writeInParts(t, conn, `{"type":"ping","pad":"`+strings.Repeat("x", wire.MaxFrame)+`"}`)
		for err == nil {
			_, _, err = conn.ReadMessage()
		}
		if !websocket.IsCloseError(err, wire.CloseTooBig) {
			t.Errorf("too much in parts of %d: %v", part, err)
		}
	}
	if now := n.metric(`tieline_closes_total{code="1009"}`); now != closes+2 {
		t.Errorf("%v sockets are said to have been closed for that", now-closes)
	}
}

// writeInParts writes one frame in parts as large as the connection's buffer.
func writeInParts(t *testing.T, conn *websocket.Conn, text string) {
	t.Helper()
	w, err := conn.NextWriter(websocket.TextMessage)
	for len(text) > 0 && err == nil {
		n := min(len(text), 1000)
		_, err = w.Write([]byte(text[:n]))
		text = text[n:]
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// atOnce does something so many times together.
func atOnce(n int, do func()) {
	var all sync.WaitGroup
	for range n {
		all.Go(do)
	}
	all.Wait()
}

// Promise 7: what is over a limit is counted by the name of the limit.
func TestLimitsAreCounted(t *testing.T) {
	t.Parallel()
	s := newStory(t, nodes(1), setting("TIELINE_LIMIT_SENDS", "1"), setting("TIELINE_LIMIT_SIGNALS", "1"),
		setting("TIELINE_LIMIT_REQUESTS", "1"), setting("TIELINE_LIMIT_CONNECTS", "1"), setting("TIELINE_LIMIT_LOGINS", "2"))
	alice, n := s.User("alice"), s.Node("n1")
	alice.On("n1")
	floods := map[string]func(){
		"sends": func() { alice.line.ask(Said{ID: chat.NewID(), Text: "x", To: alice.target()}.frame(), soon) },
		"signals": func() {
			to := alice.target()
			alice.line.raw.Send(wire.ClientFrame{Type: wire.Typing, To: &to})
		},
		"requests": func() {
			alice.line.ask(wire.ClientFrame{Type: wire.History, ID: chat.NewID(), Conversation: chat.Lobby}, soon)
		},
		"connects": func() {
			atOnce(10, func() {
				if c, _, err := n.Knock().Header("Authorization", "Bearer "+alice.grant.AccessToken).Query("device", "other").try(); err == nil {
					c.Close()
				}
			})
		},
		"logins": func() { // one after the other, their hashes alone would keep to the limit
			atOnce(10, func() { n.Asks("POST", "/api/v1/auth/login", "", `{"login":"nobody","password":"x"}`) })
		},
	}
	for _, limit := range []string{"sends", "signals", "requests", "logins", "connects"} {
		name := `tieline_limited_total{limit="` + limit + `"}`
		eventually(t, soon, "a refusal is counted: "+name, func() bool { floods[limit](); return n.metric(name) > 0 })
	}
	if a := n.Asks("GET", "/api/v1/me", alice.grant.AccessToken, ""); a.Status == 429 && a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}
