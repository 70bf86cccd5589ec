package handlers

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/media"
)

// formOverhead is what a form may have around its file, in bytes.
const formOverhead = 64 << 10

// uploads are the calls that take a file, and how large their bodies may be. All
// other bodies are at most maxBody, however they are sent.
var uploads = map[string]int{
	"PUT /api/v1/me/avatar": media.MaxAvatar + formOverhead,
}

// bodyLimit is how many bytes a request may have behind its headers. It is asked
// before any of them is read.
func bodyLimit(h *fasthttp.RequestHeader) int {
	path, _, _ := bytes.Cut(h.RequestURI(), []byte("?"))
	if most, ok := uploads[string(h.Method())+" "+string(path)]; ok {
		return most
	}
	return maxBody
}

// file reads the file out of a form, which is in the field "file". Its name and
// its type are what the client says, so nobody looks at them.
func file(c *fiber.Ctx, most int) ([]byte, error) {
	const field = "file"
	typ, params, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType))
	if err != nil || typ != fiber.MIMEMultipartForm || c.Get(fiber.HeaderContentEncoding) != "" {
		return nil, &chat.Error{Kind: chat.UnsupportedMedia, Safe: "Send multipart/form-data, without any content encoding."}
	}
	form := multipart.NewReader(bytes.NewReader(c.Request().Body()), params["boundary"])
	for {
		part, err := form.NextPart()
		if err == io.EOF {
			return nil, chat.InvalidField(field, "required", "")
		}
		if err != nil {
			return nil, &chat.Error{Kind: chat.Malformed, Safe: "The body is not a form."} // the cause may quote the body
		}
		if part.FormName() != field {
			continue
		}
		content, err := io.ReadAll(io.LimitReader(part, int64(most)+1))
		switch {
		case err != nil:
			return nil, &chat.Error{Kind: chat.Malformed, Safe: "The body is not a form."}
		case len(content) == 0:
			return nil, chat.InvalidField(field, "required", "")
		case len(content) > most:
			return nil, chat.E("handlers.file", chat.TooLarge, nil)
		}
		return content, nil
	}
}
