package handlers

import (
	"encoding/hex"
	"net/http"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/tieline/tieline/pkg/account"
	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// POST /me/vip: codes are guessed no faster than passwords.
func (e *edge) redeemVIP(c *fiber.Ctx, who chat.Identity) error {
	in, err := body[struct {
		Code string `json:"code"`
	}](c)
	if err != nil {
		return err
	}
	if in.Code == "" {
		return chat.InvalidField("code", "required", "")
	}
	if err := e.o.Limits.Allow(c.UserContext(), chat.Logins, string(who.User)); err != nil {
		return err
	}
	u, err := e.o.Codes.RedeemVIP(c.UserContext(), who.User, in.Code)
	if err != nil {
		return err
	}
	return c.JSON(viewOwn(&u))
}

// codesForm asks for one-time codes.
type codesForm struct {
	Kind    chat.CodeKind `json:"kind"`
	Count   int           `json:"count"`
	VIPDays int           `json:"vip_days"`
	TTL     string        `json:"ttl"` // "720h"; empty: they do not expire
}

// order is what a form asks for; Invalid when its ttl is no duration.
func (f *codesForm) order() (account.CodeOrder, error) {
	o := account.CodeOrder{Kind: f.Kind, Count: f.Count, VIPDays: f.VIPDays}
	if f.TTL == "" {
		return o, nil
	}
	var err error
	switch o.TTL, err = time.ParseDuration(f.TTL); {
	case err != nil:
		return o, chat.InvalidField("ttl", "format", "")
	case o.TTL <= 0:
		return o, chat.InvalidField("ttl", "too_small", "")
	}
	return o, nil
}

// POST /admin/codes: the only time that they are shown.
func (e *edge) createCodes(c *fiber.Ctx, _ chat.Identity) error {
	in, err := body[codesForm](c)
	if err != nil {
		return err
	}
	order, err := in.order()
	if err != nil {
		return err
	}
	codes, err := e.o.Codes.CreateCodes(c.UserContext(), order)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.Status(http.StatusCreated).JSON(fiber.Map{"codes": codes})
}

// code is what there is to know of a one-time code once it is made.
type code struct {
	ID        string        `json:"id"` // tells it from others, and is of no use to redeem it
	Kind      chat.CodeKind `json:"kind"`
	VIPDays   int           `json:"vip_days"`
	ExpiresAt *wire.Time    `json:"expires_at,omitempty"`
	UsedBy    chat.UserID   `json:"used_by,omitempty"`
	UsedAt    *wire.Time    `json:"used_at,omitempty"`
	CreatedAt wire.Time     `json:"created_at"`
}

func viewCode(k *chat.Code) code {
	return code{
		ID: hex.EncodeToString(k.Hash[:8]), Kind: k.Kind, VIPDays: k.VIPDays, ExpiresAt: maybe(k.ExpiresAt),
		UsedBy: k.UsedBy, UsedAt: maybe(k.UsedAt), CreatedAt: wire.Time{Time: k.CreatedAt},
	}
}

// GET /admin/codes?kind=
func (e *edge) listCodes(c *fiber.Ctx, _ chat.Identity) error {
	kind, err := words(c, "kind")
	if err != nil {
		return err
	}
	cursor, limit, err := page(c)
	if err != nil {
		return err
	}
	codes, next, err := e.o.Codes.FindCodes(c.UserContext(), chat.CodeKind(kind), cursor, limit)
	if err != nil {
		return err
	}
	return c.JSON(show(codes, next, viewCode))
}
