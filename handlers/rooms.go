package handlers

import (
	"net/http"

	"github.com/gofiber/fiber/v2"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/room"
	"github.com/tieline/tieline/pkg/wire"
)

// roomView is a room as it is found; OnlineCount is missing while nobody can tell.
type roomView struct {
	wire.RoomBody
	OnlineCount *int `json:"online_count,omitempty"`
}

type roomForm struct {
	Name       *string          `json:"name"`
	Info       *string          `json:"info"`
	Visibility *chat.Visibility `json:"visibility"`
}

// POST /rooms
func (e *edge) createRoom(c *fiber.Ctx, who chat.Identity) error {
	in, err := body[roomForm](c)
	if err != nil {
		return err
	}
	var p room.Plan
	if in.Name != nil {
		p.Name = *in.Name
	}
	if in.Info != nil {
		p.Info = *in.Info
	}
	if in.Visibility != nil {
		p.Visibility = *in.Visibility
	}
	r, err := e.o.Rooms.Create(c.UserContext(), who.User, p)
	if err != nil {
		return err
	}
	return e.sendRoom(c.Status(http.StatusCreated), r)
}

// GET /rooms?query=
func (e *edge) findRooms(c *fiber.Ctx, _ chat.Identity) error {
	query, err := words(c, "query")
	if err != nil {
		return err
	}
	cursor, limit, err := page(c)
	if err != nil {
		return err
	}
	rooms, next, err := e.o.Rooms.Find(c.UserContext(), query, cursor, limit)
	if err != nil {
		return err
	}
	return c.JSON(list[roomView]{Items: e.viewRooms(c, rooms), Next: next})
}

// GET /rooms/{id}
func (e *edge) showRoom(c *fiber.Ctx, who chat.Identity) error {
	id, err := pathID[chat.ConversationID](c, "id")
	if err != nil {
		return err
	}
	r, err := e.o.Rooms.Room(c.UserContext(), who.User, id)
	if err != nil {
		return err
	}
	return e.sendRoom(c, r)
}

// PATCH /rooms/{id}
func (e *edge) updateRoom(c *fiber.Ctx, who chat.Identity) error {
	id, err := pathID[chat.ConversationID](c, "id")
	if err != nil {
		return err
	}
	in, err := body[roomForm](c)
	if err != nil {
		return err
	}
	r, err := e.o.Rooms.Update(c.UserContext(), who.User, id, chat.RoomChange{Name: in.Name, Info: in.Info, Visibility: in.Visibility})
	if err != nil {
		return err
	}
	return e.sendRoom(c, r)
}

// DELETE /rooms/{id}
func (e *edge) deleteRoom(c *fiber.Ctx, who chat.Identity) error {
	id, err := pathID[chat.ConversationID](c, "id")
	if err != nil {
		return err
	}
	if err := e.o.Rooms.Delete(c.UserContext(), who.User, id); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}

func (e *edge) sendRoom(c *fiber.Ctx, r chat.Room) error {
	return c.JSON(e.viewRooms(c, []chat.Room{r})[0])
}

// viewRooms shows rooms with how many of their members are online, if that is
// known.
func (e *edge) viewRooms(c *fiber.Ctx, rooms []chat.Room) []roomView {
	views, ids := make([]roomView, len(rooms)), make([]chat.ConversationID, len(rooms))
	for i := range rooms {
		views[i], ids[i] = roomView{RoomBody: wire.NewRoomBody(&rooms[i])}, rooms[i].ID
	}
	if len(ids) == 1 && ids[0] == chat.Lobby {
		if _, _, total, err := e.o.Presence.Online(c.UserContext(), nil, "", 1); err == nil {
			views[0].OnlineCount = &total
		}
		return views
	}
	crowds, err := e.o.Rooms.Crowds(c.UserContext(), ids)
	if err != nil {
		return views
	}
	var all []chat.UserID
	for _, members := range crowds {
		all = append(all, members...)
	}
	presence, err := e.o.Presence.Of(c.UserContext(), all)
	if err != nil {
		return views
	}
	for i := range views {
		n := 0
		for _, u := range crowds[views[i].ID] {
			if presence[u].Online {
				n++
			}
		}
		views[i].OnlineCount = &n
	}
	return views
}
