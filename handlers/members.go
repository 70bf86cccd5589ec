package handlers

import (
	"encoding/json"
	"net/http"
	"reflect"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// memberView is somebody in a room.
type memberView struct {
	User       otherUser  `json:"user"`
	Role       chat.Role  `json:"role"`
	MutedUntil *wire.Time `json:"muted_until,omitempty"`
	JoinedAt   wire.Time  `json:"joined_at"`
}

func viewMember(m *chat.Member) memberView {
	return memberView{User: viewUser(&m.User), Role: m.Role, MutedUntil: maybe(m.MutedUntil), JoinedAt: wire.Time{Time: m.JoinedAt}}
}

// POST /rooms/{id}/join
func (e *edge) joinRoom(c *fiber.Ctx, who chat.Identity) error {
	id, err := pathID[chat.ConversationID](c, "id")
	if err != nil {
		return err
	}
	r, err := e.o.Rooms.Join(c.UserContext(), who.User, id)
	if err != nil {
		return err
	}
	return e.sendRoom(c, r)
}

// POST /rooms/{id}/leave
func (e *edge) leaveRoom(c *fiber.Ctx, who chat.Identity) error {
	id, err := pathID[chat.ConversationID](c, "id")
	if err != nil {
		return err
	}
	if err := e.o.Rooms.Leave(c.UserContext(), who.User, id); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}

// GET /rooms/{id}/members
func (e *edge) listMembers(c *fiber.Ctx, who chat.Identity) error {
	id, err := pathID[chat.ConversationID](c, "id")
	if err != nil {
		return err
	}
	cursor, limit, err := page(c)
	if err != nil {
		return err
	}
	members, next, err := e.o.Rooms.Members(c.UserContext(), who.User, id, cursor, limit)
	if err != nil {
		return err
	}
	return c.JSON(show(members, next, viewMember))
}

// POST /rooms/{id}/members
func (e *edge) addMember(c *fiber.Ctx, who chat.Identity) error {
	id, err := pathID[chat.ConversationID](c, "id")
	if err != nil {
		return err
	}
	in, err := body[struct {
		User chat.UserID `json:"user"`
	}](c)
	if err != nil {
		return err
	}
	if err := checkID("user", string(in.User)); err != nil {
		return err
	}
	if err := e.o.Rooms.Add(c.UserContext(), who.User, in.User, id); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}

// place reads which member of which room the path means.
func place(c *fiber.Ctx) (id chat.ConversationID, u chat.UserID, err error) {
	if id, err = pathID[chat.ConversationID](c, "id"); err == nil {
		u, err = pathID[chat.UserID](c, "user")
	}
	return id, u, err
}

// DELETE /rooms/{id}/members/{user}
func (e *edge) removeMember(c *fiber.Ctx, who chat.Identity) error {
	id, u, err := place(c)
	if err != nil {
		return err
	}
	if err := e.o.Rooms.Remove(c.UserContext(), who.User, u, id); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}

// mutedUntil is a time that may be set to null, which is none, or be absent.
type mutedUntil struct{ *time.Time }

// UnmarshalJSON is called for what is there, null included.
func (m *mutedUntil) UnmarshalJSON(b []byte) error {
	m.Time = new(time.Time)
	if string(b) == "null" {
		return nil
	}
	if err := m.Time.UnmarshalJSON(b); err != nil {
		return &json.UnmarshalTypeError{Field: "muted_until", Value: "another form", Type: reflect.TypeFor[time.Time]()}
	}
	return nil
}

// PATCH /rooms/{id}/members/{user}: a muted_until of null, or past, lets them
// write again.
func (e *edge) changeMember(c *fiber.Ctx, who chat.Identity) error {
	id, u, err := place(c)
	if err != nil {
		return err
	}
	in, err := body[struct {
		Role       *chat.Role `json:"role"`
		MutedUntil mutedUntil `json:"muted_until"`
	}](c)
	if err != nil {
		return err
	}
	m, err := e.o.Rooms.SetMember(c.UserContext(), who.User, u, id, in.Role, in.MutedUntil.Time)
	if err != nil {
		return err
	}
	return c.JSON(wire.NewMembershipBody(&m))
}
