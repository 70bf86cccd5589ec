package handlers

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/phrase"
	"github.com/tieline/tieline/pkg/wire"
)

// OpenAPI describes the HTTP API: an OpenAPI 3.1 document in YAML. A test holds
// it to the route table.
//
//go:embed openapi.yaml
var OpenAPI []byte

//go:embed docs.html
var docsTemplate string

//go:embed docs.css
var docsStyle string

// docsPolicy allows the page its own style and nothing else.
var docsPolicy = func() string {
	sum := sha256.Sum256([]byte(docsStyle))
	return fmt.Sprintf("default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		base64.StdEncoding.EncodeToString(sum[:]))
}()

// section is a document as the page shows it: line by line, and where to jump.
type section struct {
	Name, File string
	Lines      []docLine
	Index      []docLine
}

// docLine is one line of a document; Anchor is set where something begins.
type docLine struct{ Text, Anchor string }

// codeLine explains one code of a problem.
type codeLine struct {
	Kind             chat.Kind
	Status           int
	English, Chinese string
}

// docsPage renders both documents and the codes, once.
func docsPage() []byte {
	page := struct {
		Style    template.CSS
		Sections []section
		Codes    []codeLine
	}{
		Style: template.CSS(docsStyle),
		Sections: []section{
			newSection("HTTP", "openapi.yaml", "paths:", OpenAPI),
			newSection("WebSocket", "asyncapi.yaml", "operations:", wire.AsyncAPI),
		},
		Codes: codeLines(),
	}
	var b bytes.Buffer
	if err := template.Must(template.New("docs").Parse(docsTemplate)).Execute(&b, page); err != nil {
		panic("handlers: the page of documents: " + err.Error()) // embedded, so broken for everybody
	}
	return b.Bytes()
}

// newSection indexes what stands two spaces below the line that says under.
func newSection(name, file, under string, document []byte) section {
	s := section{Name: name, File: file}
	within := false
	for text := range strings.Lines(string(document)) {
		line := docLine{Text: text}
		trimmed := strings.TrimRight(text, "\n")
		if trimmed != "" && trimmed[0] != ' ' {
			within = trimmed == under
		}
		key, found := strings.CutPrefix(trimmed, "  ")
		if within && found && !strings.HasPrefix(key, " ") && strings.HasSuffix(key, ":") {
			line.Anchor = file + "-" + strings.TrimSuffix(key, ":")
			s.Index = append(s.Index, docLine{Text: strings.TrimSuffix(key, ":"), Anchor: line.Anchor})
		}
		s.Lines = append(s.Lines, line)
	}
	return s
}

func codeLines() []codeLine {
	lines := make([]codeLine, 0, len(statuses))
	for _, k := range slices.Sorted(maps.Keys(statuses)) {
		e := chat.E("", k, nil)
		lines = append(lines, codeLine{k, statuses[k], phrase.English.Detail(e), phrase.Chinese.Detail(e)})
	}
	return lines
}

// GET /docs
func (e *edge) showDocs(c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentSecurityPolicy, docsPolicy)
	c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	c.Set(fiber.HeaderCacheControl, "no-cache")
	return c.Send(e.docs)
}

// serveYAML answers with a document.
func serveYAML(document []byte) fiber.Handler {
	return func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, "application/yaml; charset=utf-8")
		c.Set(fiber.HeaderCacheControl, "no-cache")
		return c.Send(document)
	}
}
