// Package web embeds the browser client: plain files, served as they are.
package web

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io/fs"
	"path"
	"strings"
)

//go:embed static
var static embed.FS

// Policy is the Content-Security-Policy of every page of the client: nothing
// from elsewhere, nothing inline, in nobody's frame. Pictures may also be made
// in the page (previews).
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
	"img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self'; manifest-src 'self'; worker-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// types are the media types by extension; those of the machine would differ
// from one to the next.
var types = map[string]string{
	".html":        "text/html; charset=utf-8",
	".js":          "text/javascript; charset=utf-8",
	".css":         "text/css; charset=utf-8",
	".json":        "application/json",
	".webmanifest": "application/manifest+json",
	".svg":         "image/svg+xml",
	".png":         "image/png",
	".webp":        "image/webp",
	".ico":         "image/x-icon",
	".woff2":       "font/woff2",
	".mp3":         "audio/mpeg",
	".txt":         "text/plain; charset=utf-8",
}

// File is one file of the client.
type File struct {
	Path string // as asked for: "/", "/tieline.js"
	Type string // its Content-Type
	ETag string // changes with the content
	Body []byte

	Packed bool // Body is packed by gzip
}

// NewFile makes a file that the server has from elsewhere; its name says what
// type it is of.
func NewFile(path string, body []byte) File { return file(path, body) }

// AsPacked is the same file, whose body is packed by gzip.
func (f File) AsPacked() File {
	f.Packed = true
	return f
}

// Files returns the client. Each index.html stands for its folder, too.
func Files() []File {
	var files []File
	err := fs.WalkDir(static, "static", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.Contains(name, ".test.") {
			return err
		}
		body, err := static.ReadFile(name)
		if err != nil {
			return err
		}
		files = append(files, file(strings.TrimPrefix(name, "static"), body))
		return nil
	})
	if err != nil {
		panic("web: the embedded files cannot be read: " + err.Error()) // a build that is broken
	}
	return files
}

func file(name string, body []byte) File {
	typ := types[path.Ext(name)]
	if typ == "" {
		typ = "application/octet-stream"
	}
	sum := sha256.Sum256(body)
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	return File{Path: strings.TrimSuffix(name, "index.html"), Type: typ, ETag: tag, Body: body}
}
