package handlers

import (
	"net/http"

	"github.com/gofiber/fiber/v2"

	"github.com/tieline/tieline/pkg/chat"
)

// GET /conversations
func (e *edge) listConversations(c *fiber.Ctx, who chat.Identity) error {
	cursor, limit, err := page(c)
	if err != nil {
		return err
	}
	all, next, err := e.o.Messenger.Conversations(c.UserContext(), who.User, cursor, limit)
	if err != nil {
		return err
	}
	return c.JSON(show(all, next, func(o *chat.Overview) conversation { return viewConversation(o, who.User) }))
}

// POST /conversations/direct
func (e *edge) openDirect(c *fiber.Ctx, who chat.Identity) error {
	in, err := body[struct {
		User chat.UserID `json:"user"`
	}](c)
	if err != nil {
		return err
	}
	if err := checkID("user", string(in.User)); err != nil {
		return err
	}
	o, err := e.o.Messenger.OpenDirect(c.UserContext(), who.User, in.User)
	if err != nil {
		return err
	}
	return c.Status(http.StatusCreated).JSON(viewConversation(&o, who.User))
}

// PUT /conversations/{id}/read
func (e *edge) markRead(c *fiber.Ctx, who chat.Identity) error {
	id, err := pathID[chat.ConversationID](c, "id")
	if err != nil {
		return err
	}
	in, err := body[struct {
		Seq int64 `json:"seq"`
	}](c)
	if err != nil {
		return err
	}
	if in.Seq < 1 {
		return chat.OutOfBounds("seq", "too_small", 1)
	}
	if err := e.o.Messenger.MarkRead(c.UserContext(), who, "", id, in.Seq); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}
