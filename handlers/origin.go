package handlers

import (
	"net/url"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// What a browser at an allowed origin may send and see.
const (
	corsMethods = "GET, HEAD, POST, PUT, PATCH, DELETE"
	corsHeaders = "Authorization, Content-Type, Accept-Language"
	corsExposed = "Authorization, Retry-After, Content-Language"
	corsMaxAge  = "600"
)

// allowed reports whether a request may come from where it comes from: from the
// same origin, from one of TIELINE_ORIGINS, or not from a browser at all.
func (e *edge) allowed(origin, host string) bool {
	return origin == "" || sameOrigin(origin, host) || e.listed(origin)
}

// listed reports whether an origin is one of TIELINE_ORIGINS.
func (e *edge) listed(origin string) bool {
	return slices.ContainsFunc(e.o.Origins, func(o string) bool { return strings.EqualFold(strings.TrimRight(o, "/"), origin) })
}

// sameOrigin compares an Origin with a Host header. The scheme is not known
// behind a proxy that ends TLS, so the host decides, less a default port.
func sameOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	port := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]
	return port != "" && strings.EqualFold(strings.TrimSuffix(u.Host, port), strings.TrimSuffix(host, port))
}

// crossOrigin lets browsers at allowed origins use the API. There are no
// cookies, so the rest of the world gains nothing by trying and is only not
// shown the answers.
func (e *edge) crossOrigin(c *fiber.Ctx) error {
	origin := c.Get(fiber.HeaderOrigin)
	if origin == "" {
		return c.Next()
	}
	c.Vary(fiber.HeaderOrigin)
	listed := e.listed(origin)
	if listed {
		c.Set(fiber.HeaderAccessControlAllowOrigin, origin)
		c.Set(fiber.HeaderAccessControlExposeHeaders, corsExposed)
	}
	if c.Method() != fiber.MethodOptions || c.Get(fiber.HeaderAccessControlRequestMethod) == "" {
		return c.Next()
	}
	if listed {
		c.Set(fiber.HeaderAccessControlAllowMethods, corsMethods)
		c.Set(fiber.HeaderAccessControlAllowHeaders, corsHeaders)
		c.Set(fiber.HeaderAccessControlMaxAge, corsMaxAge)
	}
	return c.SendStatus(fiber.StatusNoContent)
}
