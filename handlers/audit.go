package handlers

import (
	"github.com/gofiber/fiber/v2"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// audited lets administrators through who change something. What they are about
// to do is written down first: nothing is done that is not in the log, and what
// fails is in it as an attempt. The target is the id in the path, the detail the
// body as it came.
func (e *edge) audited(action string, h call) fiber.Handler {
	return e.asAdmin(func(c *fiber.Ctx, who chat.Identity) error {
		deed := chat.Deed{Actor: string(who.User), Action: action, Detail: string(c.Request().Body())}
		if c.Params("id") != "" {
			var err error
			if deed.Target, err = pathID[string](c, "id"); err != nil {
				return err
			}
		}
		if err := e.o.Desk.Note(c.UserContext(), deed); err != nil {
			return err
		}
		return h(c, who)
	})
}

// deed is a line of the audit log.
type deed struct {
	ID     string    `json:"id"`
	At     wire.Time `json:"at"`
	Actor  string    `json:"actor"`
	Action string    `json:"action"`
	Target string    `json:"target"`
	Detail string    `json:"detail"`
}

// GET /admin/audit
func (e *edge) listDeeds(c *fiber.Ctx, _ chat.Identity) error {
	cursor, limit, err := page(c)
	if err != nil {
		return err
	}
	list, next, err := e.o.Desk.Deeds(c.UserContext(), cursor, limit)
	if err != nil {
		return err
	}
	return c.JSON(show(list, next, func(d *chat.Deed) deed {
		return deed{d.ID, wire.Time{Time: d.At}, d.Actor, d.Action, d.Target, d.Detail}
	}))
}
