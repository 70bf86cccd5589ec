package handlers

import (
	"context"
	"slices"

	"github.com/gofiber/fiber/v2"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// onlineUser is somebody in the list of everybody online.
type onlineUser struct {
	otherUser
	Presence wire.PresenceStatus `json:"presence"`
}

// seen returns where people are as far as the reader may know: those who block
// them are offline, and were never seen. With the database away presence goes on,
// as for those who watch.
func (e *edge) seen(ctx context.Context, reader chat.UserID, users []chat.UserID) (map[chat.UserID]chat.Presence, error) {
	all, err := e.o.Presence.Of(ctx, users)
	if err != nil {
		return nil, err
	}
	hidden, err := e.o.People.Blockers(ctx, reader, users)
	if err != nil {
		e.o.Log.Debug("blocks not read", "error", err)
	}
	visible := make(map[chat.UserID]chat.Presence, len(all))
	for u, p := range all {
		if !slices.Contains(hidden, u) {
			visible[u] = p
		}
	}
	return visible, nil
}

// GET /presence/online
func (e *edge) listOnline(c *fiber.Ctx, who chat.Identity) error {
	cursor, limit, err := page(c)
	if err != nil {
		return err
	}
	hidden, err := e.o.People.AllBlockers(c.UserContext(), who.User)
	if err != nil {
		return err
	}
	ids, next, total, err := e.o.Presence.Online(c.UserContext(), hidden, cursor, limit)
	if err != nil {
		return err
	}
	items, err := e.onlineUsers(c, ids)
	if err != nil {
		return err
	}
	return c.JSON(struct {
		list[onlineUser]
		Total int `json:"total"`
	}{list[onlineUser]{items, next}, total})
}

// onlineUsers looks people up by id; who has gone since is left out.
func (e *edge) onlineUsers(c *fiber.Ctx, ids []chat.UserID) ([]onlineUser, error) {
	items := make([]onlineUser, 0, len(ids))
	if len(ids) == 0 {
		return items, nil
	}
	presence, err := e.o.Presence.Of(c.UserContext(), ids)
	if err != nil {
		return nil, err
	}
	users, err := e.o.Accounts.Users(c.UserContext(), ids)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if u, ok := users[id]; ok && u.DeletedAt.IsZero() {
			items = append(items, onlineUser{viewUser(&u), viewPresence(presence[id])})
		}
	}
	return items, nil
}

// POST /presence
func (e *edge) showPresence(c *fiber.Ctx, who chat.Identity) error {
	in, err := body[struct {
		Users []chat.UserID `json:"users"`
	}](c)
	if err != nil {
		return err
	}
	if len(in.Users) > wire.MaxUsers {
		return chat.OutOfBounds("users", "too_long", wire.MaxUsers)
	}
	for _, id := range in.Users {
		if err := checkID("users", string(id)); err != nil {
			return err
		}
	}
	answer := make(map[chat.UserID]wire.PresenceStatus, len(in.Users))
	if len(in.Users) > 0 {
		presence, err := e.seen(c.UserContext(), who.User, in.Users)
		if err != nil {
			return err
		}
		for _, id := range in.Users {
			answer[id] = viewPresence(presence[id])
		}
	}
	return c.JSON(fiber.Map{"users": answer})
}
