package handlers

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/tieline/tieline/pkg/chat"
)

// serve surrounds every request: it bounds it in time, catches panics, answers
// errors and writes the access log.
func (e *edge) serve(c *fiber.Ctx) error {
	began := time.Now()
	ctx, cancel := context.WithTimeout(e.o.Context, requestTimeout)
	defer cancel()
	c.SetUserContext(ctx)
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; frame-ancestors 'none'")
	err := e.next(c)
	if err != nil {
		if err := e.fail(c, err); err != nil {
			return err
		}
	}
	e.log(c, time.Since(began), err)
	return nil
}

// knownMethods refuses methods that Fiber has never heard of, which it would
// answer in its own words.
func (e *edge) knownMethods(app *fiber.App, next fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(r *fasthttp.RequestCtx) {
		if slices.Contains(fiber.DefaultMethods, string(r.Method())) {
			next(r)
			return
		}
		c := app.AcquireCtx(r)
		defer app.ReleaseCtx(c)
		if err := e.fail(c, fiber.ErrMethodNotAllowed); err != nil {
			e.o.Log.Error("http", "error", err)
		}
	}
}

// logPanic writes down where something panicked; nobody else is told.
func (e *edge) logPanic(where string, p any) {
	e.o.Log.Error("panic", "where", where, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
}

// next goes on to the handlers; their panic is an internal error.
func (e *edge) next(c *fiber.Ctx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			e.logPanic("http", p)
			err = chat.E("handlers", chat.Internal, nil)
		}
	}()
	return c.Next()
}

// log writes a request to the access log: never its query, its headers or its
// body, where credentials are. The probes are heard of only when they fail.
func (e *edge) log(c *fiber.Ctx, took time.Duration, err error) {
	status, path := c.Response().StatusCode(), c.Path()
	if status < 500 && (path == "/healthz" || path == "/readyz" || path == "/metrics") {
		return
	}
	args := []any{"method", c.Method(), "path", shorten(path), "status", status, "ms", took.Milliseconds(), "addr", e.addr(c)}
	if status >= 500 && err != nil {
		args = append(args, "error", err)
	}
	e.o.Log.Log(c.UserContext(), level(status), "http", args...)
}

// shorten keeps what a client wrote from filling the log.
func shorten(path string) string {
	const most = 200
	if len(path) > most {
		return path[:most] + "…"
	}
	return path
}
