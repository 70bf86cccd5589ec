package handlers

import (
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/tieline/tieline/handlers/web"
	"github.com/tieline/tieline/pkg/chat"
)

// serveSite adds one route for each file of the browser client. A catch-all
// would answer for every path, and 404 and 405 would never be told apart.
func serveSite(app *fiber.App) {
	for _, f := range web.Files() {
		app.Get(f.Path, func(c *fiber.Ctx) error { return sendFile(c, &f) })
	}
}

// sendFile answers with a file of the client. Names carry no version, so a
// browser asks each time and is mostly told that nothing has changed.
func sendFile(c *fiber.Ctx, f *web.File) error {
	c.Set(fiber.HeaderETag, f.ETag)
	c.Set(fiber.HeaderCacheControl, "no-cache")
	c.Set(fiber.HeaderContentSecurityPolicy, web.Policy)
	c.Set("Cross-Origin-Opener-Policy", "same-origin")
	if strings.Contains(c.Get(fiber.HeaderIfNoneMatch), f.ETag) {
		return c.SendStatus(http.StatusNotModified)
	}
	c.Set(fiber.HeaderContentType, f.Type)
	if !f.Packed {
		return c.Send(f.Body)
	}
	c.Vary(fiber.HeaderAcceptEncoding)
	if c.AcceptsEncodings("gzip") != "" {
		c.Set(fiber.HeaderContentEncoding, "gzip")
		return c.Send(f.Body)
	}
	body, err := fasthttp.AppendGunzipBytes(nil, f.Body)
	if err != nil {
		return chat.E("handlers.unpack", chat.Internal, err)
	}
	return c.Send(body)
}
