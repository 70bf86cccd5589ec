package handlers

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"github.com/tieline/tieline/pkg/chat"
)

// Bounds of what a request may ask for.
const (
	maxID        = 64
	defaultLimit = 50
	maxLimit     = 200
	maxQuery     = 256  // characters of a search
	maxCursor    = 2048 // characters; some tell where among names a page ended
)

// body reads a request's JSON object.
func body[T any](c *fiber.Ctx) (T, error) {
	var v T
	if !isJSON(c.Get(fiber.HeaderContentType)) || c.Get(fiber.HeaderContentEncoding) != "" {
		return v, &chat.Error{Kind: chat.UnsupportedMedia, Safe: "Send application/json, without any content encoding."}
	}
	raw := bytes.TrimLeft(c.Request().Body(), " \t\r\n") // not c.Body, which unpacks without a bound
	if len(raw) == 0 || raw[0] != '{' || !utf8.Valid(raw) {
		return v, &chat.Error{Kind: chat.Malformed, Safe: "The body must be one JSON object in UTF-8."}
	}
	err := json.Unmarshal(raw, &v)
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return v, nil
	case errors.As(err, &wrong) && wrong.Field != "":
		return v, chat.InvalidField(wrong.Field, "format", "")
	}
	return v, &chat.Error{Kind: chat.Malformed, Safe: "The body is not JSON."} // the cause may quote the body
}

// maybeBody is body for a request that may have none: then all is as if it were
// empty.
func maybeBody[T any](c *fiber.Ctx) (v T, err error) {
	if len(c.Request().Body()) == 0 {
		return v, nil
	}
	return body[T](c)
}

// isJSON reports whether a Content-Type is JSON, or not said at all.
func isJSON(contentType string) bool {
	if contentType == "" {
		return true
	}
	t, _, err := mime.ParseMediaType(contentType)
	return err == nil && (t == fiber.MIMEApplicationJSON || strings.HasPrefix(t, "application/") && strings.HasSuffix(t, "+json"))
}

// pathID reads an id that the server made out of the path. What cannot be one
// names nothing.
func pathID[ID ~string](c *fiber.Ctx, name string) (ID, error) {
	s, err := url.PathUnescape(c.Params(name))
	if err != nil || !isID(s) {
		return "", chat.E("handlers.id", chat.NotFound, nil)
	}
	return ID(s), nil
}

// pathDevice reads the id of a device, which a client may have made up.
func pathDevice(c *fiber.Ctx, name string) (chat.DeviceID, error) {
	s, err := url.PathUnescape(c.Params(name))
	if err != nil || !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxID || strings.ContainsRune(s, 0) {
		return "", chat.E("handlers.device", chat.NotFound, nil)
	}
	return chat.DeviceID(s), nil
}

// pathSeq reads a message's place out of the path. What cannot be one names
// nothing.
func pathSeq(c *fiber.Ctx) (int64, error) {
	seq, err := strconv.ParseInt(c.Params("seq"), 10, 64)
	if err != nil || seq < 1 {
		return 0, chat.E("handlers.seq", chat.NotFound, nil)
	}
	return seq, nil
}

// checkID holds an id of a body to what the server's ids can be.
func checkID(field, s string) error {
	switch {
	case s == "":
		return chat.InvalidField(field, "required", "")
	case utf8.RuneCountInString(s) > maxID:
		return chat.OutOfBounds(field, "too_long", maxID)
	case !isID(s):
		return chat.InvalidField(field, "format", "")
	}
	return nil
}

// isID reports whether s can be an id that the server made: 1 to 64 visible ASCII
// characters. Nothing else needs to be looked for.
func isID(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != "" && len(s) <= maxID
}

// page reads ?cursor= and ?limit= of a list.
func page(c *fiber.Ctx) (cursor string, limit int, err error) {
	if cursor, err = text(c, "cursor", maxCursor); err != nil {
		return "", 0, err
	}
	n, err := number(c, "limit")
	if n == 0 {
		n = defaultLimit
	}
	return cursor, int(min(n, maxLimit)), err
}

// number reads a whole number from the query that is not negative; 0 when it is
// not there. One too large to be a number is the largest: it is cut anyway.
func number(c *fiber.Ctx, name string) (int64, error) {
	s := c.Query(name)
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrSyntax):
		return 0, chat.InvalidField(name, "format", "")
	case n < 0:
		return 0, chat.InvalidField(name, "too_small", "")
	}
	return n, nil
}

// words reads free text from the query.
func words(c *fiber.Ctx, name string) (string, error) { return text(c, name, maxQuery) }

// text reads at most so many characters from the query.
func text(c *fiber.Ctx, name string, most int) (string, error) {
	s := c.Query(name)
	switch {
	case !utf8.ValidString(s) || strings.ContainsRune(s, 0):
		return "", chat.InvalidField(name, "format", "")
	case utf8.RuneCountInString(s) > most:
		return "", chat.OutOfBounds(name, "too_long", int64(most))
	}
	return s, nil
}
