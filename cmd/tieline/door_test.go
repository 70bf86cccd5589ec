package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/gorilla/websocket"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// What stories say to a node by hand, without the SDK: requests and handshakes
// with whatever headers and query they like.

// answer is what came back of a request.
type answer struct {
	Status int
	Header http.Header
	Body   []byte
	Code   chat.Kind // of a refusal
	Detail string
	Reason chat.Reason
	Errors []chat.FieldError
}

// into decodes the body of a success.
func (a answer) into(s *story, v any) {
	s.t.Helper()
	if err := json.Unmarshal(a.Body, v); err != nil || a.Status/100 != 2 {
		s.t.Fatalf("%d %s: %v", a.Status, a.Body, err)
	}
}

// is says which refusal it is.
func (a answer) is(s *story, status int, code chat.Kind) {
	s.t.Helper()
	if a.Status != status || a.Code != code {
		s.t.Fatalf("answered %d %s (%s), want %d %s", a.Status, a.Code, a.Body, status, code)
	}
}

// Asks sends a request; headers are pairs of name and value. A token that is
// not empty goes into Authorization.
func (n *node) Asks(method, path, token, body string, headers ...string) answer {
	n.s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, n.URL()+path, strings.NewReader(body))
	if err != nil {
		n.s.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req) // and no redirect is followed
	if err != nil {
		n.s.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	a := answer{Status: resp.StatusCode, Header: resp.Header}
	if a.Body, err = io.ReadAll(resp.Body); err != nil {
		n.s.t.Fatalf("%s %s: %v", method, path, err)
	}
	if resp.Header.Get("Content-Type") == "application/problem+json" {
		var p struct {
			Code   chat.Kind
			Detail string
			Reason chat.Reason
			Errors []chat.FieldError
		}
		if err := json.Unmarshal(a.Body, &p); err != nil {
			n.s.t.Fatalf("%s %s: %v: %s", method, path, err, a.Body)
		}
		a.Code, a.Detail, a.Reason, a.Errors = p.Code, p.Detail, p.Reason, p.Errors
	}
	return a
}

// knock is one attempt to open a socket, made by hand.
type knock struct {
	n         *node
	header    http.Header
	query     url.Values
	protocols []string
}

// Knock begins a handshake with nothing in it.
func (n *node) Knock() *knock { return &knock{n: n, header: http.Header{}, query: url.Values{}} }

// Header, Query and Offers say what the handshake carries.
func (k *knock) Header(name, value string) *knock { k.header.Set(name, value); return k }
func (k *knock) Query(name, value string) *knock  { k.query.Set(name, value); return k }
func (k *knock) Offers(protocols ...string) *knock {
	k.protocols = protocols
	return k
}

// Opens expects to be welcomed, as whom and on which subprotocol, and leaves.
func (k *knock) Opens(d *device, protocol string) {
	k.n.s.t.Helper()
	conn := k.dial()
	defer conn.Close()
	f, text, err := first(conn)
	if err != nil || f.Type != wire.Welcome || f.User != d.user.ID || f.Device != d.id {
		k.n.s.t.Fatalf("%v %s, want a welcome of %s", err, text, d)
	}
	if conn.Subprotocol() != protocol {
		k.n.s.t.Fatalf("the subprotocol is %q, want %q", conn.Subprotocol(), protocol)
	}
}

// IsRefused expects an error frame and then a close, and returns the frame.
func (k *knock) IsRefused(code chat.Kind, closed int) frame {
	k.n.s.t.Helper()
	conn := k.dial()
	defer conn.Close()
	f, text, err := first(conn)
	if err != nil || f.Type != wire.Error || f.Code != code || f.Retry {
		k.n.s.t.Fatalf("%v %s, want to be refused with %s", err, text, code)
	}
	_, more, err := conn.ReadMessage()
	var c *websocket.CloseError
	if !errors.As(err, &c) || c.Code != closed {
		k.n.s.t.Fatalf("closed with %v %s, want %d", err, more, closed)
	}
	return f
}

func (k *knock) dial() *websocket.Conn {
	k.n.s.t.Helper()
	conn, status, err := k.try()
	if err != nil {
		k.n.s.t.Fatalf("no socket: %v, status %d", err, status)
	}
	return conn
}

// try is the handshake, from any goroutine; the status is the HTTP answer's.
func (k *knock) try() (conn *websocket.Conn, status int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	d := websocket.Dialer{Subprotocols: k.protocols}
	conn, resp, err := d.DialContext(ctx, "ws://"+k.n.addr+"/ws?"+k.query.Encode(), k.header)
	if resp != nil {
		status = resp.StatusCode
	}
	if err == nil {
		conn.SetReadDeadline(time.Now().Add(soon))
	}
	return conn, status, err
}

// first reads the first frame.
func first(conn *websocket.Conn) (f frame, text []byte, err error) {
	if _, text, err = conn.ReadMessage(); err == nil {
		err = json.Unmarshal(text, &f)
	}
	return f, text, err
}

// minted is a token signed with the key of the story, as by anybody who shares
// it; the log must not show it either.
func (s *story) minted(claims jwt.MapClaims) string {
	return s.signed(jwt.SigningMethodHS256, claims, []byte(storyKey))
}

func (s *story) signed(by jwt.SigningMethod, claims jwt.MapClaims, key any) string {
	s.t.Helper()
	token, err := jwt.NewWithClaims(by, claims).SignedString(key)
	if err != nil {
		s.t.Fatal(err)
	}
	s.keepSecret(token)
	return token
}

// eventually polls until something is so.
func (d *device) eventually(what string, so func() bool) {
	d.s.t.Helper()
	if !until(d.within, so) {
		d.fail("waits until %s, and it does not come true", what)
	}
}

// until polls until something is so, and says whether it came to be in time.
func until(within time.Duration, so func() bool) bool {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(within)
	for !so() {
		select {
		case <-tick.C:
		case <-late:
			return false
		}
	}
	return true
}

// Refreshes exchanges the refresh token.
func (d *device) Refreshes() {
	d.s.t.Helper()
	d.does(func(ctx context.Context, a *client.API) error {
		g, err := a.Refresh(ctx, d.grant.RefreshToken)
		if err == nil {
			d.granted(g)
		}
		return err
	})
}

// compact reports whether JSON has no space between its parts.
func compact(raw []byte) bool {
	var b bytes.Buffer
	return json.Compact(&b, raw) == nil && bytes.Equal(b.Bytes(), raw)
}

// api speaks HTTP to this node and no other.
func (n *node) api(accessToken string) *client.API {
	return client.NewAPI(client.APIOptions{URLs: []string{n.URL()}, AccessToken: accessToken})
}
