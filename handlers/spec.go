package handlers

import (
	_ "embed"

	"github.com/gofiber/fiber/v2"
)

// OpenAPI describes the HTTP API: an OpenAPI 3.1 document in YAML. A test holds
// it to the route table.
//
//go:embed openapi.yaml
var OpenAPI []byte

// serveYAML answers with a document.
func serveYAML(document []byte) fiber.Handler {
	return func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, "application/yaml; charset=utf-8")
		c.Set(fiber.HeaderCacheControl, "no-cache")
		return c.Send(document)
	}
}
