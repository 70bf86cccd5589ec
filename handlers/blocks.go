package handlers

import (
	"net/http"

	"github.com/gofiber/fiber/v2"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// blockView is somebody on the caller's list of blocks.
type blockView struct {
	otherUser
	Since wire.Time `json:"since"`
}

// GET /blocks
func (e *edge) listBlocks(c *fiber.Ctx, who chat.Identity) error {
	cursor, limit, err := page(c)
	if err != nil {
		return err
	}
	all, next, err := e.o.People.Blocks(c.UserContext(), who.User, cursor, limit)
	if err != nil {
		return err
	}
	return c.JSON(show(all, next, func(b *chat.Block) blockView { return blockView{viewUser(&b.User), wire.Time{Time: b.Since}} }))
}

// PUT and DELETE /blocks/{user}
func (e *edge) setBlocked(blocked bool) call {
	return func(c *fiber.Ctx, who chat.Identity) error {
		id, err := pathID[chat.UserID](c, "user")
		if err != nil {
			return err
		}
		if err := e.o.People.SetBlocked(c.UserContext(), who.User, id, blocked); err != nil {
			return err
		}
		return c.SendStatus(http.StatusNoContent)
	}
}
