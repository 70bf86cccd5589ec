package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// Via is where a socket carries its access token.
type Via int

// The places a token may stand, in the order the server looks for it.
const (
	ViaHeader      Via = iota // Authorization: Bearer, as programs do
	ViaSubprotocol            // tieline.v1, bearer.TOKEN, as browsers do
	ViaQuery                  // ?token=, where nothing else is possible
)

// RawOptions says where and as whom to open one socket.
type RawOptions struct {
	URL      string // of the node: http, https, ws or wss; "/ws" is added unless it is there
	Token    string // access token
	Via      Via    // where Token is carried
	Ticket   string // one-time credential; used instead of Token when Token is empty
	Device   chat.DeviceID
	Platform chat.Platform
	Offset   string // resume from here; empty: from what the device last reported
	Language string // Accept-Language of refusals

	Timeout time.Duration // of connecting and of each write; 0: 10 s
	// Buffer is the size in bytes of the read buffer; 0: 4096. Small ones spare
	// memory where there are very many sockets.
	Buffer int
	// NetDial opens the TCP connection; nil: the default. Tests and load
	// generators choose source addresses or slow links here.
	NetDial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// writeBuffers are shared by all sockets: between writes a socket needs none.
var writeBuffers sync.Pool

// DialRaw opens a socket. A node that refuses does so on the open socket: look
// for an error frame and the close code in what Next returns.
func DialRaw(ctx context.Context, o RawOptions) (*Raw, error) {
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	target, err := o.target()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	d, header := o.dialer(), http.Header{}
	guard := guardDial(d)
	if o.Language != "" {
		header.Set("Accept-Language", o.Language)
	}
	if o.Token != "" && o.Via == ViaHeader {
		header.Set("Authorization", "Bearer "+o.Token)
	}
	conn, resp, err := d.DialContext(ctx, target, header)
	if err != nil {
		return nil, handshakeError(ctx, resp, err)
	}
	if !guard.release() {
		return nil, context.Cause(ctx)
	}
	r := &Raw{conn: conn, timeout: o.Timeout}
	conn.SetPingHandler(r.pong)
	return r, nil
}

func (o *RawOptions) dialer() *websocket.Dialer {
	d := &websocket.Dialer{
		NetDialContext: o.NetDial, Proxy: http.ProxyFromEnvironment,
		ReadBufferSize: o.Buffer, WriteBufferSize: 4096, WriteBufferPool: &writeBuffers,
	}
	if d.NetDialContext == nil {
		d.NetDialContext = (&net.Dialer{}).DialContext
	}
	if o.Token != "" && o.Via == ViaSubprotocol {
		d.Subprotocols = []string{wire.Subprotocol, "bearer." + o.Token}
	}
	return d
}

// dialGuard closes a connection whose handshake is under way when the context
// ends: the handshake by itself minds the context's deadline only.
type dialGuard struct{ stop func() bool }

func guardDial(d *websocket.Dialer) *dialGuard {
	g, dial := &dialGuard{}, d.NetDialContext
	d.NetDialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err == nil {
			g.stop = context.AfterFunc(ctx, func() { c.Close() })
		}
		return c, err
	}
	return g
}

// release ends the guard; false: it has already struck.
func (g *dialGuard) release() bool { return g.stop() }

// handshakeError says why no socket came about, without the URL or any header.
func handshakeError(ctx context.Context, resp *http.Response, err error) error {
	if cause := ctx.Err(); cause != nil {
		return fmt.Errorf("client: connecting: %w", cause)
	}
	if resp != nil {
		return fmt.Errorf("client: connecting: the server answered %s instead of opening a socket", resp.Status)
	}
	return fmt.Errorf("client: connecting: %w", err)
}

// target is the URL with its query. Errors never show it: it may hold a token.
func (o *RawOptions) target() (string, error) {
	u, err := baseURL(o.URL)
	if err != nil {
		return "", err
	}
	u.Scheme = map[string]string{"http": "ws", "https": "wss"}[u.Scheme]
	if !strings.HasSuffix(u.Path, "/ws") {
		u.Path += "/ws"
	}
	q := u.Query()
	set := func(k, v string) {
		if v != "" {
			q.Set(k, v)
		}
	}
	set("device", string(o.Device))
	set("platform", string(o.Platform))
	set("offset", o.Offset)
	switch {
	case o.Token == "":
		set("ticket", o.Ticket)
	case o.Via == ViaQuery:
		set("token", o.Token)
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// baseURL reads the address of a node and returns it as http or https without a
// trailing slash.
func baseURL(s string) (*url.URL, error) {
	if !strings.Contains(s, "://") {
		s = "http://" + s
	}
	u, err := url.Parse(s)
	if err != nil {
		return nil, errors.New("client: not the URL of a node")
	}
	switch u.Scheme {
	case "ws":
		u.Scheme = "http"
	case "wss":
		u.Scheme = "https"
	case "http", "https":
	default:
		return nil, errors.New("client: the URL of a node starts with http, https, ws or wss, not " + u.Scheme)
	}
	if u.Host == "" {
		return nil, errors.New("client: the URL of a node needs a host")
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return u, nil
}
