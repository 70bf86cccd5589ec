package handlers

import (
	"net/http"

	"github.com/gofiber/fiber/v2"

	"github.com/tieline/tieline/pkg/account"
	"github.com/tieline/tieline/pkg/chat"
)

// GET /me
func (e *edge) me(c *fiber.Ctx, who chat.Identity) error {
	u, err := e.o.Accounts.User(c.UserContext(), who.User)
	if err != nil {
		return err
	}
	return c.JSON(viewOwn(&u))
}

// profileForm is what somebody changes of their account; what is absent stays as
// it is.
type profileForm struct {
	Nickname *string `json:"nickname"`
	Sex      *string `json:"sex"`
	Bio      *string `json:"bio"`
	Email    *string `json:"email"`
	Phone    *string `json:"phone"`
	Theme    *string `json:"theme"`
	Locale   *string `json:"locale"`
}

// PATCH /me
func (e *edge) changeMe(c *fiber.Ctx, who chat.Identity) error {
	in, err := body[profileForm](c)
	if err != nil {
		return err
	}
	u, err := e.o.Owners.ChangeProfile(c.UserContext(), who.User, account.ProfileChange(in), language(c))
	if err != nil {
		return err
	}
	return c.JSON(viewOwn(&u))
}

// DELETE /me: for good.
func (e *edge) removeMe(c *fiber.Ctx, who chat.Identity) error {
	in, err := body[struct {
		Password string `json:"password"`
	}](c)
	if err != nil {
		return err
	}
	if err := e.o.Owners.Remove(c.UserContext(), who.User, in.Password); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}
