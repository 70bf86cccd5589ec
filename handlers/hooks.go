package handlers

import (
	"net/http"

	"github.com/gofiber/fiber/v2"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// hook is an event that waits to be posted, or was given up. What it says is for
// its receiver only.
type hook struct {
	ID        string        `json:"id"`
	User      chat.UserID   `json:"user"`
	Name      chat.HookName `json:"name"`
	CreatedAt wire.Time     `json:"created_at"`
	DueAt     *wire.Time    `json:"due_at,omitempty"`
	Attempts  int           `json:"attempts"`
	Error     string        `json:"error"`
}

// GET /admin/hooks?state=
func (e *edge) listHooks(c *fiber.Ctx, _ chat.Identity) error {
	dead := false
	switch c.Query("state") {
	case "", "waiting":
	case "dead":
		dead = true
	default:
		return chat.InvalidField("state", "unknown", "")
	}
	cursor, limit, err := page(c)
	if err != nil {
		return err
	}
	list, next, err := e.o.Hooks.Hooks(c.UserContext(), dead, cursor, limit)
	if err != nil {
		return err
	}
	return c.JSON(show(list, next, func(h *chat.Hook) hook {
		return hook{h.ID, h.User, h.Name, wire.Time{Time: h.CreatedAt}, maybe(h.DueAt), h.Attempts, h.Error}
	}))
}

// POST /admin/hooks/{id}/retry
func (e *edge) retryHook(c *fiber.Ctx, _ chat.Identity) error {
	id, err := pathID[string](c, "id")
	if err != nil {
		return err
	}
	if err := e.o.Hooks.Retry(c.UserContext(), id); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}
