package handlers

import (
	"net/http"

	"github.com/gofiber/fiber/v2"

	"github.com/tieline/tieline/pkg/account"
	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/phrase"
)

// deviceForm is the device that somebody signs up or in from.
type deviceForm struct {
	ID       chat.DeviceID `json:"id"`
	Platform chat.Platform `json:"platform"`
	Name     string        `json:"name"`
}

type registerForm struct {
	Username   string      `json:"username"`
	Password   string      `json:"password"`
	Nickname   string      `json:"nickname"`
	Email      string      `json:"email"`
	Phone      string      `json:"phone"`
	EmailCode  string      `json:"email_code"`
	InviteCode string      `json:"invite_code"`
	Device     *deviceForm `json:"device"`
}

type loginForm struct {
	Login    string      `json:"login"`
	Password string      `json:"password"`
	Device   *deviceForm `json:"device"`
}

// POST /auth/email-code: the same answer for everybody's address.
func (e *edge) emailCode(c *fiber.Ctx) error {
	in, err := body[struct {
		Email   string           `json:"email"`
		Purpose chat.CodePurpose `json:"purpose"`
	}](c)
	if err != nil {
		return err
	}
	if err := e.o.Owners.EmailCode(c.UserContext(), in.Email, in.Purpose, language(c)); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}

// POST /auth/register
func (e *edge) register(c *fiber.Ctx) error {
	in, err := body[registerForm](c)
	if err != nil {
		return err
	}
	g, err := e.o.Accounts.Register(c.UserContext(), account.Registration{
		Username: in.Username, Password: in.Password, Nickname: in.Nickname, Email: in.Email, Phone: in.Phone,
		EmailCode: in.EmailCode, InviteCode: in.InviteCode, Device: in.Device.place(),
	})
	if err != nil {
		return err
	}
	return sendGrant(c, http.StatusCreated, &g)
}

// POST /auth/login
func (e *edge) login(c *fiber.Ctx) error {
	in, err := body[loginForm](c)
	if err != nil {
		return err
	}
	g, err := e.o.Accounts.Login(c.UserContext(), account.Login{Login: in.Login, Password: in.Password, Device: in.Device.place()})
	if err != nil {
		return err
	}
	return sendGrant(c, http.StatusOK, &g)
}

// POST /auth/refresh
func (e *edge) refresh(c *fiber.Ctx) error {
	in, err := body[struct {
		RefreshToken string `json:"refresh_token"`
	}](c)
	if err != nil {
		return err
	}
	if in.RefreshToken == "" {
		return chat.InvalidField("refresh_token", "required", "")
	}
	g, err := e.o.Accounts.Refresh(c.UserContext(), in.RefreshToken)
	if err != nil {
		return err
	}
	return sendGrant(c, http.StatusOK, &g)
}

// POST /auth/logout
func (e *edge) logout(c *fiber.Ctx, who chat.Identity) error {
	if err := e.o.Accounts.Logout(c.UserContext(), who); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}

// POST /auth/ticket
func (e *edge) ticket(c *fiber.Ctx, who chat.Identity) error {
	ticket, ttl, err := e.o.Accounts.Ticket(c.UserContext(), who)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.JSON(fiber.Map{"ticket": ticket, "expires_in": int64(ttl.Seconds())})
}

// POST /auth/password: with the old password by somebody signed in, or with a
// code from an e-mail by anybody.
func (e *edge) password(c *fiber.Ctx) error {
	in, err := body[struct {
		OldPassword string `json:"old_password"`
		NewPassword string `json:"new_password"`
		Email       string `json:"email"`
		EmailCode   string `json:"email_code"`
	}](c)
	if err != nil {
		return err
	}
	if in.OldPassword == "" && (in.Email != "" || in.EmailCode != "") {
		if err := e.o.Owners.ResetPassword(c.UserContext(), in.Email, in.EmailCode, in.NewPassword); err != nil {
			return err
		}
		return c.SendStatus(http.StatusNoContent)
	}
	who, err := e.authenticate(c)
	if err != nil {
		return err
	}
	if err := e.o.Accounts.ChangePassword(c.UserContext(), who, in.OldPassword, in.NewPassword); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}

// language is that in which the caller is written to.
func language(c *fiber.Ctx) string { return string(phrase.Match(c.Get(fiber.HeaderAcceptLanguage))) }

// place is the device as accounts take it; without one they make one.
func (d *deviceForm) place() account.Place {
	if d == nil {
		return account.Place{}
	}
	return account.Place{ID: d.ID, Platform: d.Platform, Name: d.Name}
}

// sendGrant answers with a grant, its access token in the header too.
func sendGrant(c *fiber.Ctx, status int, g *account.Grant) error {
	c.Set(fiber.HeaderAuthorization, "Bearer "+g.AccessToken)
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.Status(status).JSON(viewGrant(g))
}
