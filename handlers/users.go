package handlers

import (
	"github.com/gofiber/fiber/v2"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// card is somebody else with all that the caller may know. Presence is missing
// while nobody can tell.
type card struct {
	otherUser
	Relation wire.RelationBody    `json:"relation"`
	Presence *wire.PresenceStatus `json:"presence,omitempty"`
}

// GET /users?query=
func (e *edge) searchUsers(c *fiber.Ctx, who chat.Identity) error {
	query, err := words(c, "query")
	if err != nil {
		return err
	}
	cursor, limit, err := page(c)
	if err != nil {
		return err
	}
	users, next, err := e.o.Accounts.Search(c.UserContext(), who.User, query, cursor, limit)
	if err != nil {
		return err
	}
	return c.JSON(show(users, next, viewUser))
}

// GET /users/{id}
func (e *edge) showUser(c *fiber.Ctx, who chat.Identity) error {
	id, err := pathID[chat.UserID](c, "id")
	if err != nil {
		return err
	}
	u, err := e.o.Accounts.User(c.UserContext(), id)
	if err != nil {
		return err
	}
	relation, err := e.o.People.Relation(c.UserContext(), who.User, id)
	if err != nil {
		return err
	}
	presence, _ := e.seen(c.UserContext(), who.User, []chat.UserID{id})
	return c.JSON(viewCard(&u, &relation, presence))
}

// viewCard makes a card; presence is nil while nobody can tell.
func viewCard(u *chat.User, r *chat.Relation, presence map[chat.UserID]chat.Presence) card {
	v := card{otherUser: viewUser(u), Relation: wire.NewRelationBody(r)}
	if presence != nil {
		p := viewPresence(presence[u.ID])
		v.Presence = &p
	}
	return v
}
