package handlers

import (
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/media"
)

// PUT /me/avatar
func (e *edge) setAvatar(c *fiber.Ctx, who chat.Identity) error {
	upload, err := file(c, media.MaxAvatar)
	if err != nil {
		return err
	}
	u, err := e.o.Owners.SetAvatar(c.UserContext(), who.User, upload)
	if err != nil {
		return err
	}
	return c.JSON(viewOwn(&u))
}

// GET /avatars/{name}: to anybody, since a page shows pictures without headers of
// its own. A name is given to one picture for good.
func (e *edge) showAvatar(c *fiber.Ctx) error {
	name := c.Params("name")
	picture, mediaType, err := e.o.Avatars.Open(c.UserContext(), name)
	if err != nil {
		return err
	}
	tag := `"` + name + `"`
	c.Set(fiber.HeaderETag, tag)
	c.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable")
	if strings.Contains(c.Get(fiber.HeaderIfNoneMatch), tag) {
		return c.SendStatus(http.StatusNotModified)
	}
	c.Set(fiber.HeaderContentType, mediaType)
	return c.Send(picture)
}
