package handlers

import (
	"net/http"

	"github.com/gofiber/fiber/v2"

	"github.com/tieline/tieline/pkg/chat"
)

// POST /admin/users/{id}/disable: signed out everywhere, and stays out.
func (e *edge) disableUser(c *fiber.Ctx, _ chat.Identity) error { return e.setDisabled(c, true) }

// POST /admin/users/{id}/enable
func (e *edge) enableUser(c *fiber.Ctx, _ chat.Identity) error { return e.setDisabled(c, false) }

func (e *edge) setDisabled(c *fiber.Ctx, disabled bool) error {
	id, err := pathID[chat.UserID](c, "id")
	if err != nil {
		return err
	}
	if err := e.o.Accounts.SetDisabled(c.UserContext(), id, disabled); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}

// POST /admin/users/{id}/kick: signed out everywhere, may sign in again.
func (e *edge) kickUser(c *fiber.Ctx, _ chat.Identity) error {
	id, err := pathID[chat.UserID](c, "id")
	if err != nil {
		return err
	}
	if err := e.o.Accounts.Kick(c.UserContext(), id); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}

// GET /admin/nodes
func (e *edge) listNodes(c *fiber.Ctx, _ chat.Identity) error {
	return c.JSON(show(e.o.Nodes(), "", func(n *NodeInfo) NodeInfo { return *n }))
}

// POST /admin/nodes/{id}/drain: hands its sockets over, stays up.
func (e *edge) drainNode(c *fiber.Ctx, _ chat.Identity) error { return e.setDraining(c, true) }

// POST /admin/nodes/{id}/resume
func (e *edge) resumeNode(c *fiber.Ctx, _ chat.Identity) error { return e.setDraining(c, false) }

func (e *edge) setDraining(c *fiber.Ctx, on bool) error {
	id, err := pathID[chat.NodeID](c, "id")
	if err != nil {
		return err
	}
	if err := e.o.SetDraining(c.UserContext(), id, on); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}

// POST /admin/broadcast: a system message to everybody, who is away included.
func (e *edge) broadcast(c *fiber.Ctx, who chat.Identity) error {
	in, err := body[struct {
		Text string `json:"text"`
	}](c)
	if err != nil {
		return err
	}
	from, err := e.o.Accounts.User(c.UserContext(), who.User)
	if err != nil {
		return err
	}
	id := chat.NewID()
	sent, err := e.o.Messenger.Announce(c.UserContext(), from.Person(), id, in.Text)
	if err != nil {
		return err
	}
	return c.Status(http.StatusCreated).JSON(viewAck(id, &sent))
}
