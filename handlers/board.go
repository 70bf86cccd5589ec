package handlers

import (
	"net/http"

	"github.com/gofiber/fiber/v2"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// wall is whose wall a path means; the board is nobody's.
func wall(c *fiber.Ctx) (chat.UserID, error) { return pathID[chat.UserID](c, "id") }

func board(*fiber.Ctx) (chat.UserID, error) { return "", nil }

// GET /users/{id}/wall and /board
func (e *edge) listPosts(whose func(*fiber.Ctx) (chat.UserID, error)) call {
	return func(c *fiber.Ctx, who chat.Identity) error {
		id, err := whose(c)
		if err != nil {
			return err
		}
		cursor, limit, err := page(c)
		if err != nil {
			return err
		}
		posts, next, err := e.o.Board.Wall(c.UserContext(), who.User, id, cursor, limit)
		if err != nil {
			return err
		}
		return c.JSON(show(posts, next, wire.NewPostBody))
	}
}

// POST /users/{id}/wall and /board
func (e *edge) post(whose func(*fiber.Ctx) (chat.UserID, error)) call {
	return func(c *fiber.Ctx, who chat.Identity) error {
		id, err := whose(c)
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
		p, err := e.o.Board.Post(c.UserContext(), who.User, id, in.Text)
		if err != nil {
			return err
		}
		return c.Status(http.StatusCreated).JSON(wire.NewPostBody(&p))
	}
}

// GET /wall
func (e *edge) feed(c *fiber.Ctx, who chat.Identity) error {
	cursor, limit, err := page(c)
	if err != nil {
		return err
	}
	posts, next, err := e.o.Board.Feed(c.UserContext(), who.User, cursor, limit)
	if err != nil {
		return err
	}
	return c.JSON(show(posts, next, wire.NewPostBody))
}

// DELETE /wall/{id} and /board/{id}
func (e *edge) removePost(onBoard bool) call {
	return func(c *fiber.Ctx, who chat.Identity) error {
		id, err := pathID[string](c, "id")
		if err != nil {
			return err
		}
		if err := e.o.Board.Remove(c.UserContext(), who.User, id, onBoard); err != nil {
			return err
		}
		return c.SendStatus(http.StatusNoContent)
	}
}
