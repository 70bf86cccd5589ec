package handlers

import (
	"slices"
	"strings"
	"sync"

	"github.com/gofiber/contrib/websocket"
	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/phrase"
	"github.com/tieline/tieline/pkg/wire"
	"github.com/tieline/tieline/realtime"
)

// Names of what greet leaves for serveSocket. Only string keys survive the
// upgrade.
const (
	localHello   = "hello"
	localRequest = "request"
)

// greet looks at who wants a socket, before the upgrade. Only what is no
// business of a browser's user is refused here; everything else is told on the
// open socket, where a browser can read it.
func (e *edge) greet(c *fiber.Ctx) error {
	if !websocket.IsWebSocketUpgrade(c) {
		c.Set(fiber.HeaderUpgrade, "websocket")
		return fiber.ErrUpgradeRequired
	}
	if !e.allowed(c.Get(fiber.HeaderOrigin), c.Get(fiber.HeaderHost)) {
		return chat.E("handlers.origin", chat.Forbidden, nil)
	}
	// Left to the upgrader, the choice would be a piece of the request's header,
	// kept with the token beside it for as long as the socket is open.
	if slices.Contains(offered(c), wire.Subprotocol) {
		c.Set(fiber.HeaderSecWebSocketProtocol, wire.Subprotocol)
	}
	c.Locals(localHello, e.hello(c))
	c.Locals(localRequest, c.Context())
	return c.Next()
}

// hello collects what a client says about itself. Of its credentials the first
// one found counts: subprotocol, header, ticket, token.
func (e *edge) hello(c *fiber.Ctx) realtime.Hello {
	h := realtime.Hello{
		Platform: chat.Platform(c.Query("platform")), Offset: c.Query("offset"),
		Addr: e.addr(c), Language: string(phrase.Match(c.Get(fiber.HeaderAcceptLanguage))),
	}
	for _, p := range offered(c) {
		if token, ok := strings.CutPrefix(p, "bearer."); ok {
			h.Token = token
			return h
		}
	}
	if h.Token = bearer(c.Get(fiber.HeaderAuthorization)); h.Token != "" {
		return h
	}
	if h.Ticket = c.Query("ticket"); h.Ticket == "" {
		h.Token = c.Query("token")
	}
	return h
}

// offered returns the subprotocols that a client asks for.
func offered(c *fiber.Ctx) (all []string) {
	for _, header := range c.Request().Header.PeekAll(fiber.HeaderSecWebSocketProtocol) {
		for p := range strings.SplitSeq(string(header), ",") {
			all = append(all, strings.TrimSpace(p))
		}
	}
	return all
}

// upgrade turns the request into a socket. What it allocates is what each idle
// connection costs.
func (e *edge) upgrade() fiber.Handler {
	return websocket.New(e.serveSocket, websocket.Config{
		ReadBufferSize:  128,
		WriteBufferSize: 128, // only its last words about frames that are none
		WriteBufferPool: &sync.Pool{},
		RecoverHandler:  e.recoverSocket,
	})
}

// serveSocket lets the node serve a socket until nothing uses it any more. All
// that outlives it is pooled: contrib's Conn goes to the next client when this
// returns, so only the connection within is passed on, and the request, with
// the credentials in it, is let go of at once instead of kept for as long as
// the socket is open.
func (e *edge) serveSocket(c *websocket.Conn) {
	hello := c.Locals(localHello).(realtime.Hello)
	request := c.Locals(localRequest).(*fasthttp.RequestCtx)
	conn := newSocket(&websocket.Conn{Conn: c.Conn})
	*c = websocket.Conn{Conn: c.Conn}
	request.VisitUserValuesAll(func(key, _ any) { request.SetUserValue(key, nil) })
	request.Request = fasthttp.Request{}
	request.Response = fasthttp.Response{}
	defer conn.Close()
	e.o.Node.Serve(e.o.Context, conn, hello)
}

// recoverSocket logs a panic of a socket; the default sends it to the client.
func (e *edge) recoverSocket(*websocket.Conn) {
	if p := recover(); p != nil {
		e.logPanic("socket", p)
	}
}
