package client

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

func dialRaw(t *testing.T, n *node, o RawOptions) (*Raw, *peer) {
	t.Helper()
	o.URL = n.URL
	r, err := DialRaw(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r, n.accept()
}

func TestRawShowsWhatTheServerSent(t *testing.T) {
	r, p := dialRaw(t, newNode(t), RawOptions{Token: "x"})
	p.message("a", "c", 1)
	p.message("a", "c", 1)
	p.write(`{ "offset":"b", "type":"odd" }`)
	for _, want := range []string{wire.Message, wire.Message, "odd"} {
		f, err := r.Next(t.Context())
		if err != nil || f.Type != want {
			t.Fatalf("%+v, %v; want %s", f, err, want)
		}
	}
	if err := r.Send(wire.ClientFrame{Type: wire.Ping, ID: "7"}); err != nil {
		t.Fatal(err)
	}
	if f := p.expect(wire.Ping); f.ID != "7" {
		t.Errorf("the server got %+v", f)
	}
}

func TestRawSaysHowItEnded(t *testing.T) {
	r, p := dialRaw(t, newNode(t), RawOptions{})
	p.write(`{"type":"error","code":"session_ended","reason":"signed_out","detail":"d","retry":false}`)
	p.write(`{"type":"kicked","reason":"signed_out","device":"d"}`)
	p.close(wire.CloseKicked)
	r.Next(t.Context())
	r.Next(t.Context())
	for range 2 {
		_, err := r.Next(t.Context())
		var c *CloseError
		if !errors.As(err, &c) || c.Code != wire.CloseKicked || c.Reason != chat.SignedOut || !c.Final() || c.Refusal.Code != chat.SessionEnded {
			t.Fatalf("ended with %v", err)
		}
	}
}

func TestRawCredentials(t *testing.T) {
	n := newNode(t)
	for _, c := range []struct {
		o                     RawOptions
		header, proto, ticket string
		query                 string
	}{
		{RawOptions{Token: "t"}, "Bearer t", "", "", ""},
		{RawOptions{Token: "t", Via: ViaSubprotocol}, "", "tieline.v1, bearer.t", "", ""},
		{RawOptions{Token: "t", Via: ViaQuery}, "", "", "", "t"},
		{RawOptions{Ticket: "k"}, "", "", "k", ""},
	} {
		_, p := dialRaw(t, n, c.o)
		q := p.req.URL.Query()
		if p.req.Header.Get("Authorization") != c.header || p.req.Header.Get("Sec-Websocket-Protocol") != c.proto ||
			q.Get("ticket") != c.ticket || q.Get("token") != c.query || p.req.URL.Path != "/ws" {
			t.Errorf("%+v: %v %v", c.o, p.req.URL, p.req.Header)
		}
	}
}

func TestRawReadEndsWithItsContext(t *testing.T) {
	r, _ := dialRaw(t, newNode(t), RawOptions{})
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := r.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Next: %v", err)
	}
}

func TestRawIdle(t *testing.T) {
	r, _ := dialRaw(t, newNode(t), RawOptions{})
	r.SetIdle(time.Millisecond)
	var c *CloseError
	if _, err := r.Next(t.Context()); !errors.As(err, &c) || c.Code != closeBroken {
		t.Errorf("Next: %v", err)
	}
}

func TestNextIntoReusesItsBuffer(t *testing.T) {
	r, p := dialRaw(t, newNode(t), RawOptions{})
	buf := make([]byte, 0, 16)
	for _, s := range []string{strings.Repeat("x", 5000), "y"} {
		p.write(`{"type":"odd","x":%q}`, s)
		var err error
		if buf, err = r.NextInto(buf); err != nil || !strings.Contains(string(buf), `"`+s+`"`) {
			t.Fatalf("%q, %v", buf, err)
		}
	}
	if cap(buf) < 5000 {
		t.Error("the buffer was given up")
	}
}

func TestBadURLs(t *testing.T) {
	for _, u := range []string{"ftp://x", "http://", "http://%zz"} {
		if _, err := DialRaw(t.Context(), RawOptions{URL: u, Token: "secret"}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", u, err)
		}
		if _, err := Dial(t.Context(), Options{URLs: []string{u}, AccessToken: "x"}); err == nil {
			t.Errorf("%s was dialled", u)
		}
	}
	if _, err := Dial(t.Context(), Options{AccessToken: "x"}); err == nil {
		t.Error("no URL was dialled")
	}
	if _, err := Dial(t.Context(), Options{URLs: []string{"x"}}); err == nil {
		t.Error("no token was dialled with")
	}
	if _, err := Dial(t.Context(), Options{URLs: []string{"x"}, AccessToken: "x", Buffer: -1}); err == nil {
		t.Error("a buffer for less than nothing was accepted")
	}
}
