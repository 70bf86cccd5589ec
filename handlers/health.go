package handlers

import (
	"net/http"

	"github.com/gofiber/fiber/v2"
)

// readiness is what /readyz says.
type readiness struct {
	Ready    bool     `json:"ready"`
	Degraded []string `json:"degraded"`
}

// live says that the process lives. It depends on nothing else: an outage of
// Redis or the database must not have every node killed.
func (e *edge) live(c *fiber.Ctx) error {
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.JSON(fiber.Map{"live": true})
}

// ready says whether a balancer should send clients here. Degraded is still
// ready, unless ?strict=1 asks for everything to be well.
func (e *edge) ready(c *fiber.Ctx) error {
	ready, degraded, well := e.o.Node.Ready(c.UserContext())
	if c.Query("strict") == "1" {
		ready = well
	}
	answer := readiness{Ready: ready, Degraded: append([]string{}, degraded...)}
	c.Set(fiber.HeaderCacheControl, "no-store")
	if !answer.Ready {
		c.Status(http.StatusServiceUnavailable)
	}
	return c.JSON(answer)
}
