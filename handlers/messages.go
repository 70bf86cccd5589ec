package handlers

import (
	"net/http"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/messaging"
	"github.com/tieline/tieline/pkg/wire"
)

// GET /conversations/{id}/messages
func (e *edge) listMessages(c *fiber.Ctx, who chat.Identity) error {
	id, err := pathID[chat.ConversationID](c, "id")
	if err != nil {
		return err
	}
	p, err := bounds(c)
	if err != nil {
		return err
	}
	all, err := e.o.Messenger.History(c.UserContext(), who.User, id, p)
	if err != nil {
		return err
	}
	return c.JSON(show(all, "", func(m *chat.Message) wire.MessageBody { return wire.NewMessageBody(m, who.User) }))
}

// bounds reads which part of a history is wanted.
func bounds(c *fiber.Ctx) (p messaging.Page, err error) {
	if p.Before, err = number(c, "before_seq"); err != nil {
		return p, err
	}
	if p.After, err = number(c, "after_seq"); err != nil {
		return p, err
	}
	if _, p.Limit, err = page(c); err != nil {
		return p, err
	}
	if p.After == 0 && c.Query("after_seq") != "" { // a bound all the same: from the first on, and seqs have no holes
		if beyond := int64(p.Limit) + 1; p.Before == 0 || p.Before > beyond {
			p.Before = beyond
		}
	}
	return p, nil
}

// POST /conversations/{id}/messages: as the send frame; to is in the path.
func (e *edge) postMessage(c *fiber.Ctx, who chat.Identity) error {
	id, err := pathID[chat.ConversationID](c, "id")
	if err != nil {
		return err
	}
	if err := e.o.Limits.Allow(c.UserContext(), chat.Sends, string(who.User)); err != nil {
		return err
	}
	in, err := body[struct {
		ID      string      `json:"id"`
		Message *wire.Draft `json:"message"`
	}](c)
	if err != nil {
		return err
	}
	switch {
	case in.ID == "":
		return chat.InvalidField("id", "required", "")
	case utf8.RuneCountInString(in.ID) > chat.MaxClientID:
		return chat.OutOfBounds("id", "too_long", chat.MaxClientID)
	case in.Message == nil:
		return chat.InvalidField("message", "required", "")
	}
	from, err := e.o.Accounts.User(c.UserContext(), who.User)
	if err != nil {
		return err
	}
	sent, err := e.o.Messenger.Send(c.UserContext(), messaging.Outgoing{
		From: from.Person(), Device: who.Device, ClientID: in.ID,
		To: chat.Target{Conversation: id}, Draft: draft(in.Message),
	})
	if err != nil {
		return err
	}
	return c.Status(http.StatusCreated).JSON(viewAck(in.ID, &sent))
}

func viewAck(re string, s *messaging.Sent) wire.AckFrame {
	return wire.AckFrame{Re: re, Conversation: s.Conversation, Seq: s.Seq, At: wire.Time{Time: s.At}, Live: s.Live}
}

func draft(d *wire.Draft) chat.Draft {
	return chat.Draft{Kind: d.Kind, Text: d.Text, Media: d.Media, ReplyTo: d.ReplyTo, Mentions: d.Mentions}
}
