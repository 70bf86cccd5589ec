package handlers

import (
	"bytes"
	"embed"
	"html/template"
	"maps"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
	swagger "github.com/swaggest/swgui/v5/static"

	"github.com/tieline/tieline/handlers/web"
	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/phrase"
	"github.com/tieline/tieline/pkg/wire"
)

//go:embed docs
var docsFiles embed.FS

// docsPolicy allows the page of documents its own files, and to ask this server;
// pictures are in the style of the console.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// docs is the page of documents and what it is made of, by name.
type docs struct {
	page  []byte
	files map[string]web.File
}

// newDocs renders the page and takes the console, Swagger UI, out of its module,
// packed as it is there.
func newDocs() docs {
	d := docs{page: docsPage(), files: map[string]web.File{}}
	for _, name := range []string{"docs.css", "console.js"} {
		d.files[name] = web.NewFile("/docs/"+name, mustRead(docsFiles, "docs/"+name))
	}
	for _, name := range []string{"swagger-ui.css", "swagger-ui-bundle.js"} {
		d.files[name] = web.NewFile("/docs/"+name, mustRead(swagger.FS, name+".gz")).AsPacked()
	}
	return d
}

func mustRead(from embed.FS, name string) []byte {
	b, err := from.ReadFile(name)
	if err != nil {
		panic("handlers: the page of documents: " + err.Error()) // a build that is broken
	}
	return b
}

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
		Sections []section
		Codes    []codeLine
	}{
		Sections: []section{
			newSection("HTTP", "openapi.yaml", "paths:", OpenAPI),
			newSection("WebSocket", "asyncapi.yaml", "operations:", wire.AsyncAPI),
		},
		Codes: codeLines(),
	}
	var b bytes.Buffer
	if err := template.Must(template.New("docs").Parse(string(mustRead(docsFiles, "docs/docs.html")))).Execute(&b, page); err != nil {
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
	return c.Send(e.docs.page)
}

// GET /docs/{file}
func (e *edge) showDocsFile(c *fiber.Ctx) error {
	f, ok := e.docs.files[c.Params("file")]
	if !ok {
		return chat.E("handlers.docs", chat.NotFound, nil)
	}
	return sendFile(c, &f)
}
