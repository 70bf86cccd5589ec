package handlers

import (
	"github.com/gofiber/fiber/v2"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// relation is what the caller and somebody else are to each other.
type relation struct {
	Friend  bool     `json:"friend"`
	Blocked bool     `json:"blocked"`
	Remark  string   `json:"remark"`
	Tags    []string `json:"tags"`
	Starred bool     `json:"starred"`
	Moments moments  `json:"moments"`
}

type moments struct {
	HideMine   bool `json:"hide_mine"`
	HideTheirs bool `json:"hide_theirs"`
}

// card is somebody else with all that the caller may know. Presence is missing
// while nobody can tell.
type card struct {
	otherUser
	Relation relation             `json:"relation"`
	Presence *wire.PresenceStatus `json:"presence,omitempty"`
}

// GET /me
func (e *edge) me(c *fiber.Ctx, who chat.Identity) error {
	u, err := e.o.Accounts.User(c.UserContext(), who.User)
	if err != nil {
		return err
	}
	return c.JSON(viewOwn(&u))
}

// GET /users?query=
func (e *edge) searchUsers(c *fiber.Ctx, _ chat.Identity) error {
	query, err := words(c, "query")
	if err != nil {
		return err
	}
	cursor, limit, err := page(c)
	if err != nil {
		return err
	}
	users, next, err := e.o.Accounts.Search(c.UserContext(), query, cursor, limit)
	if err != nil {
		return err
	}
	return c.JSON(show(users, next, viewUser))
}

// GET /users/{id}
func (e *edge) showUser(c *fiber.Ctx, _ chat.Identity) error {
	id, err := pathID[chat.UserID](c, "id")
	if err != nil {
		return err
	}
	u, err := e.o.Accounts.User(c.UserContext(), id)
	if err != nil {
		return err
	}
	answer := card{otherUser: viewUser(&u), Relation: relation{Tags: []string{}}}
	if all, err := e.o.Presence.Of(c.UserContext(), []chat.UserID{id}); err == nil {
		p := viewPresence(all[id])
		answer.Presence = &p
	}
	return c.JSON(answer)
}
