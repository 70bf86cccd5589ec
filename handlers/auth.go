package handlers

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/tieline/tieline/pkg/chat"
)

// call is a handler for somebody who is signed in.
type call func(c *fiber.Ctx, who chat.Identity) error

// as lets a call through for those with a valid access token only.
func (e *edge) as(h call) fiber.Handler {
	return func(c *fiber.Ctx) error {
		who, err := e.authenticate(c)
		if err != nil {
			return err
		}
		if err := e.o.Limits.Allow(c.UserContext(), chat.Requests, string(who.User)); err != nil {
			return err
		}
		return h(c, who)
	}
}

// slowly lets an address try passwords only so often.
func (e *edge) slowly(c *fiber.Ctx) error {
	if err := e.o.Limits.Allow(c.UserContext(), chat.Logins, e.addr(c)); err != nil {
		return err
	}
	return c.Next()
}

// asAdmin lets a call through for administrators only. The account itself is
// asked, not the identity: a token may be older than the right.
func (e *edge) asAdmin(h call) fiber.Handler {
	return e.as(func(c *fiber.Ctx, who chat.Identity) error {
		if err := e.o.Accounts.Admin(c.UserContext(), who); err != nil {
			return err
		}
		return h(c, who)
	})
}

func (e *edge) authenticate(c *fiber.Ctx) (chat.Identity, error) {
	token := bearer(c.Get(fiber.HeaderAuthorization))
	if token == "" {
		return chat.Identity{}, chat.E("handlers.authenticate", chat.Unauthorized, nil)
	}
	return e.o.Accounts.Authenticate(c.UserContext(), token)
}

// bearer returns the token of an Authorization header, or nothing.
func bearer(header string) string {
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
