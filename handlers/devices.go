package handlers

import (
	"net/http"

	"github.com/gofiber/fiber/v2"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/device"
	"github.com/tieline/tieline/pkg/wire"
)

// deviceView is one place that the caller is signed in at.
type deviceView struct {
	ID        chat.DeviceID `json:"id"`
	Platform  chat.Platform `json:"platform"`
	Name      string        `json:"name"`
	CreatedAt wire.Time     `json:"created_at"`
	LastSeen  *wire.Time    `json:"last_seen"`
	Online    bool          `json:"online"`
	Node      chat.NodeID   `json:"node"` // that holds its socket
	Current   bool          `json:"current"`
}

func viewDevice(d *device.Info) deviceView {
	return deviceView{
		ID: d.ID, Platform: d.Platform, Name: d.Name, CreatedAt: wire.Time{Time: d.CreatedAt}, LastSeen: maybe(d.LastSeen),
		Online: d.Online, Node: d.Node, Current: d.Current,
	}
}

// GET /me/devices
func (e *edge) listDevices(c *fiber.Ctx, who chat.Identity) error {
	all, err := e.o.Devices.List(c.UserContext(), who)
	if err != nil {
		return err
	}
	return c.JSON(show(all, "", viewDevice))
}

// DELETE /me/devices/{id}
func (e *edge) removeDevice(c *fiber.Ctx, who chat.Identity) error {
	id, err := pathDevice(c, "id")
	if err != nil {
		return err
	}
	if err := e.o.Devices.End(c.UserContext(), who.User, id, chat.DeviceRemoved); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}

// DELETE /me/devices
func (e *edge) removeOtherDevices(c *fiber.Ctx, who chat.Identity) error {
	if err := e.o.Devices.EndOthers(c.UserContext(), who, chat.DeviceRemoved); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}
