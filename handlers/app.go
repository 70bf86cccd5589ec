// Package handlers is the HTTP edge; Fiber stops here.
//
// A handler reads the request, calls one use-case and writes the answer; what
// goes wrong it returns, and fail is the one place that turns an error into an
// answer. Strings of a request are copies (Fiber's Immutable), and every call
// outward has a deadline from the request's context.
package handlers

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	"github.com/valyala/fasthttp"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// Bounds of a request.
const (
	requestTimeout = 10 * time.Second // what a handler may take
	headTimeout    = 10 * time.Second // a request's headers, from its first byte
	readTimeout    = 30 * time.Second // its body; and what is written
	idleTimeout    = 75 * time.Second // of a kept-alive connection; upgraded ones are the node's
	maxHeaders     = 8 << 10          // bytes; a browser's handshake with a token in two places fits
	maxBody        = 512 << 10        // bytes; 20,000 characters fit however they are escaped
)

// Options are the parts that the edge stands before.
type Options struct {
	Accounts  Accounts
	Owners    Owners
	Avatars   Avatars
	Codes     Codes
	Devices   Devices
	People    People
	Messenger Messenger
	Desk      Desk
	Hooks     Hooks
	Rooms     Rooms
	Board     Board
	Presence  Presence
	Node      Node
	Nodes     func() []NodeInfo // the live nodes, for administrators
	// SetDraining has a node, any of them, hand its sockets over and take no more,
	// or take some again: NotFound, Unavailable when it does not follow.
	SetDraining func(ctx context.Context, node chat.NodeID, on bool) error
	Limits      Limits // nil: everybody may do everything

	Metrics        http.Handler   // answers /metrics; nil: there is none
	Origins        []string       // browser origins allowed besides our own, "https://chat.example"
	TrustedProxies []netip.Prefix // whose X-Real-IP and X-Forwarded-For are believed

	Context context.Context // its end is the end of every request and socket; nil: Background
	Log     *slog.Logger    // nil: slog.Default
}

// NodeInfo describes a live node to administrators.
type NodeInfo struct {
	ID          chat.NodeID `json:"id"`
	Address     string      `json:"address"`
	Connections int         `json:"connections"`
	Sessions    int         `json:"sessions"`
	Since       wire.Time   `json:"since"`
	Draining    bool        `json:"draining"`
}

// edge holds what all handlers share; nothing of it changes after New.
type edge struct {
	o    Options
	docs docs
}

// New builds the HTTP application of one node. Shutting it down leaves sockets
// alone: Node drains those.
func New(o Options) *fiber.App {
	if o.Context == nil {
		o.Context = context.Background()
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Limits == nil {
		o.Limits = unlimited{}
	}
	e := &edge{o: o, docs: newDocs()}
	app := fiber.New(fiber.Config{
		AppName: "tieline", DisableStartupMessage: true,
		CaseSensitive: true, Immutable: true, ErrorHandler: e.fail,
		BodyLimit: maxBody, ReadBufferSize: maxHeaders, ReduceMemoryUsage: true,
		DisablePreParseMultipartForm: true, // file reads them, in memory and no more than it may
		ReadTimeout:                  headTimeout, WriteTimeout: readTimeout, IdleTimeout: idleTimeout,
	})
	server := app.Server()
	server.SecureErrorLogMessage = true // else errors quote the headers, with the token in them
	server.KeepHijackedConns = true     // else closing a socket does not close its connection
	server.HeaderReceived = func(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
		return fasthttp.RequestConfig{ReadTimeout: readTimeout, MaxRequestBodySize: bodyLimit(h)}
	}
	server.Handler = e.knownMethods(app, server.Handler)
	app.Use(e.serve)
	e.routes(app)
	return app
}

// routes is the route table, from top to bottom; openapi.yaml describes it.
func (e *edge) routes(app *fiber.App) {
	app.Get("/healthz", e.live)
	app.Get("/readyz", e.ready)
	app.Get("/docs", e.showDocs)
	app.Get("/docs/:file", e.showDocsFile)
	app.Get("/openapi.yaml", serveYAML(OpenAPI))
	app.Get("/asyncapi.yaml", serveYAML(wire.AsyncAPI))
	app.Get("/ws", e.greet, e.upgrade())
	if e.o.Metrics != nil {
		app.Get("/metrics", adaptor.HTTPHandler(e.o.Metrics))
	}
	app.Get("/avatars/:name", e.showAvatar)
	serveSite(app)

	api := app.Group("/api/v1", e.crossOrigin)
	api.Post("/auth/email-code", e.slowly, e.emailCode)
	api.Post("/auth/register", e.slowly, e.register)
	api.Post("/auth/login", e.slowly, e.login)
	api.Post("/auth/refresh", e.refresh)
	api.Post("/auth/logout", e.as(e.logout))
	api.Post("/auth/ticket", e.as(e.ticket))
	api.Post("/auth/password", e.slowly, e.password)

	api.Get("/me", e.as(e.me))
	api.Patch("/me", e.as(e.changeMe))
	api.Delete("/me", e.as(e.removeMe))
	api.Put("/me/avatar", e.as(e.setAvatar))
	api.Post("/me/vip", e.as(e.redeemVIP))
	api.Get("/me/devices", e.as(e.listDevices))
	api.Delete("/me/devices", e.as(e.removeOtherDevices))
	api.Delete("/me/devices/:id", e.as(e.removeDevice))

	api.Get("/users", e.as(e.searchUsers))
	api.Get("/users/:id", e.as(e.showUser))
	api.Get("/presence/online", e.as(e.listOnline))
	api.Post("/presence", e.as(e.showPresence))

	api.Post("/friend-requests", e.as(e.askFriend))
	api.Get("/friend-requests", e.as(e.listRequests))
	api.Post("/friend-requests/:id/accept", e.as(e.acceptRequest))
	api.Post("/friend-requests/:id/reject", e.as(e.handleRequest(chat.RequestRejected)))
	api.Post("/friend-requests/:id/ignore", e.as(e.handleRequest(chat.RequestIgnored)))
	api.Get("/friends", e.as(e.listFriends))
	api.Patch("/friends/:user", e.as(e.changeFriend))
	api.Delete("/friends/:user", e.as(e.removeFriend))
	api.Get("/blocks", e.as(e.listBlocks))
	api.Put("/blocks/:user", e.as(e.setBlocked(true)))
	api.Delete("/blocks/:user", e.as(e.setBlocked(false)))

	api.Get("/conversations", e.as(e.listConversations))
	api.Post("/conversations/direct", e.as(e.openDirect))
	api.Get("/conversations/:id/messages", e.as(e.listMessages))
	api.Post("/conversations/:id/messages", e.as(e.postMessage))
	api.Patch("/conversations/:id/messages/:seq", e.as(e.editMessage))
	api.Delete("/conversations/:id/messages/:seq", e.as(e.recallMessage))
	api.Put("/conversations/:id/messages/:seq/reactions/:emoji", e.as(e.react))
	api.Delete("/conversations/:id/messages/:seq/reactions/:emoji", e.as(e.takeBackReaction))
	api.Put("/conversations/:id/read", e.as(e.markRead))

	api.Post("/rooms", e.as(e.createRoom))
	api.Get("/rooms", e.as(e.findRooms))
	api.Get("/rooms/:id", e.as(e.showRoom))
	api.Patch("/rooms/:id", e.as(e.updateRoom))
	api.Delete("/rooms/:id", e.as(e.deleteRoom))
	api.Post("/rooms/:id/join", e.as(e.joinRoom))
	api.Post("/rooms/:id/leave", e.as(e.leaveRoom))
	api.Get("/rooms/:id/members", e.as(e.listMembers))
	api.Post("/rooms/:id/members", e.as(e.addMember))
	api.Delete("/rooms/:id/members/:user", e.as(e.removeMember))
	api.Patch("/rooms/:id/members/:user", e.as(e.changeMember))

	api.Get("/users/:id/wall", e.as(e.listPosts(wall)))
	api.Post("/users/:id/wall", e.as(e.post(wall)))
	api.Get("/wall", e.as(e.feed))
	api.Delete("/wall/:id", e.as(e.removePost(false)))
	api.Get("/board", e.as(e.listPosts(board)))
	api.Post("/board", e.as(e.post(board)))
	api.Delete("/board/:id", e.as(e.removePost(true)))

	api.Post("/reports", e.as(e.report))

	api.Post("/admin/users/:id/disable", e.audited("user.disable", e.disableUser))
	api.Post("/admin/users/:id/enable", e.audited("user.enable", e.enableUser))
	api.Post("/admin/users/:id/kick", e.audited("user.kick", e.kickUser))
	api.Get("/admin/codes", e.asAdmin(e.listCodes))
	api.Post("/admin/codes", e.audited("code.create", e.createCodes))
	api.Get("/admin/reports", e.asAdmin(e.listReports))
	api.Post("/admin/reports/:id/resolve", e.audited("report.resolve", e.resolveReport))
	api.Post("/admin/broadcast", e.audited("broadcast", e.broadcast))
	api.Get("/admin/audit", e.asAdmin(e.listDeeds))
	api.Get("/admin/hooks", e.asAdmin(e.listHooks))
	api.Post("/admin/hooks/:id/retry", e.audited("hook.retry", e.retryHook))
	api.Get("/admin/nodes", e.asAdmin(e.listNodes))
	api.Post("/admin/nodes/:id/drain", e.audited("node.drain", e.drainNode))
	api.Post("/admin/nodes/:id/resume", e.audited("node.resume", e.resumeNode))
	api.Get("/admin/messages/:conversation/:seq/trace", e.asAdmin(e.traceMessage))
}
