package handlers

import (
	"net/http"
	"net/url"

	"github.com/gofiber/fiber/v2"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// spot reads which message of which conversation the path means.
func spot(c *fiber.Ctx) (id chat.ConversationID, seq int64, err error) {
	if id, err = pathID[chat.ConversationID](c, "id"); err == nil {
		seq, err = pathSeq(c)
	}
	return id, seq, err
}

// PATCH /conversations/{id}/messages/{seq}
func (e *edge) editMessage(c *fiber.Ctx, who chat.Identity) error {
	id, seq, err := spot(c)
	if err != nil {
		return err
	}
	if err := e.o.Limits.Allow(c.UserContext(), chat.Sends, string(who.User)); err != nil {
		return err
	}
	in, err := body[struct {
		Text string `json:"text"`
	}](c)
	if err != nil {
		return err
	}
	m, err := e.o.Messenger.Edit(c.UserContext(), who.User, id, seq, in.Text)
	if err != nil {
		return err
	}
	return c.JSON(wire.NewMessageBody(&m, who.User))
}

// DELETE /conversations/{id}/messages/{seq}
func (e *edge) recallMessage(c *fiber.Ctx, who chat.Identity) error {
	id, seq, err := spot(c)
	if err != nil {
		return err
	}
	if err := e.o.Messenger.Recall(c.UserContext(), who.User, id, seq); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}

// PUT /conversations/{id}/messages/{seq}/reactions/{emoji}
func (e *edge) react(c *fiber.Ctx, who chat.Identity) error { return e.setReaction(c, who, true) }

// DELETE /conversations/{id}/messages/{seq}/reactions/{emoji}
func (e *edge) takeBackReaction(c *fiber.Ctx, who chat.Identity) error {
	return e.setReaction(c, who, false)
}

func (e *edge) setReaction(c *fiber.Ctx, who chat.Identity, on bool) error {
	id, seq, err := spot(c)
	if err != nil {
		return err
	}
	if err := e.o.Limits.Allow(c.UserContext(), chat.Sends, string(who.User)); err != nil {
		return err
	}
	emoji, err := url.PathUnescape(c.Params("emoji"))
	if err != nil {
		return chat.InvalidField("emoji", "format", "")
	}
	if err := e.o.Messenger.React(c.UserContext(), who.User, id, seq, chat.Reaction{Emoji: emoji, On: on}); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}
