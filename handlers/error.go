package handlers

import (
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/phrase"
)

// statuses maps every kind to its HTTP status; a kind that is missing here is
// an internal error.
var statuses = map[chat.Kind]int{
	chat.Malformed:        http.StatusBadRequest,
	chat.Unauthorized:     http.StatusUnauthorized,
	chat.TokenExpired:     http.StatusUnauthorized,
	chat.TokenInvalid:     http.StatusUnauthorized,
	chat.SessionEnded:     http.StatusUnauthorized,
	chat.BadCredentials:   http.StatusUnauthorized,
	chat.AccountDisabled:  http.StatusForbidden,
	chat.Muted:            http.StatusForbidden,
	chat.Forbidden:        http.StatusForbidden,
	chat.VIPRequired:      http.StatusForbidden,
	chat.NotAMember:       http.StatusForbidden,
	chat.Blocked:          http.StatusForbidden,
	chat.NotFriends:       http.StatusForbidden,
	chat.NotFound:         http.StatusNotFound,
	chat.UsernameTaken:    http.StatusConflict,
	chat.EmailTaken:       http.StatusConflict,
	chat.PhoneTaken:       http.StatusConflict,
	chat.Conflict:         http.StatusConflict,
	chat.TooLarge:         http.StatusRequestEntityTooLarge,
	chat.UnsupportedMedia: http.StatusUnsupportedMediaType,
	chat.Invalid:          http.StatusUnprocessableEntity,
	chat.CodeInvalid:      http.StatusUnprocessableEntity,
	chat.RateLimited:      http.StatusTooManyRequests,
	chat.Internal:         http.StatusInternalServerError,
	chat.Unavailable:      http.StatusServiceUnavailable,
}

// problem is an error as clients see it (RFC 9457).
type problem struct {
	Type   string         `json:"type"`
	Title  string         `json:"title"`
	Status int            `json:"status"`
	Code   chat.Kind      `json:"code"`
	Detail string         `json:"detail"`
	Reason chat.Reason    `json:"reason,omitempty"`
	Errors []fieldProblem `json:"errors,omitempty"`
}

type fieldProblem struct {
	Field  string `json:"field"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// fail answers with an error. It is the only place that does, and nothing of an
// error but its kind, its safe sentence, its fields and its reason gets out.
func (e *edge) fail(c *fiber.Ctx, err error) error {
	status, refusal := judge(err)
	language := phrase.Match(c.Get(fiber.HeaderAcceptLanguage))
	p := describe(language, status, refusal)
	body, err := c.App().Config().JSONEncoder(p)
	if err != nil {
		return err
	}
	if s := retryAfter(refusal); s != "" {
		c.Set(fiber.HeaderRetryAfter, s)
	}
	if status == http.StatusUnauthorized {
		c.Set(fiber.HeaderWWWAuthenticate, "Bearer")
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set(fiber.HeaderContentLanguage, string(language))
	c.Vary(fiber.HeaderAcceptLanguage)
	c.Status(status).Set(fiber.HeaderContentType, "application/problem+json")
	return c.Send(body)
}

// judge finds the status of an error, and what of it a client may see.
func judge(err error) (int, *chat.Error) {
	var ofFiber *fiber.Error
	if errors.As(err, &ofFiber) {
		return judgeFiber(ofFiber.Code)
	}
	refusal := &chat.Error{Kind: chat.KindOf(err)}
	var ours *chat.Error
	if errors.As(err, &ours) {
		*refusal = *ours
	}
	status, ok := statuses[refusal.Kind]
	if !ok {
		refusal.Kind = chat.Internal
		return http.StatusInternalServerError, refusal
	}
	return status, refusal
}

// judgeFiber reads what Fiber itself refused. Its messages quote the request,
// so none of them is passed on or logged. It says 502 of a client that went
// away in the middle of a request.
func judgeFiber(status int) (int, *chat.Error) {
	kind := chat.Malformed
	switch {
	case status == http.StatusNotFound:
		kind = chat.NotFound
	case status == http.StatusRequestEntityTooLarge, status == http.StatusRequestHeaderFieldsTooLarge:
		kind = chat.TooLarge
	case status == http.StatusUnsupportedMediaType:
		kind = chat.UnsupportedMedia
	case status == http.StatusBadGateway:
		status = http.StatusBadRequest
	case status >= 500:
		kind, status = chat.Internal, http.StatusInternalServerError
	}
	return status, &chat.Error{Kind: kind}
}

func describe(l phrase.Language, status int, e *chat.Error) problem {
	p := problem{
		Type: "/docs#" + string(e.Kind), Title: l.Title(e.Kind), Status: status,
		Code: e.Kind, Detail: l.Detail(e),
	}
	if e.Kind == chat.SessionEnded {
		p.Reason = e.Reason
	}
	for _, f := range e.Fields {
		p.Errors = append(p.Errors, fieldProblem{Field: f.Field, Code: f.Code, Detail: l.Field(f)})
	}
	return p
}

// retryAfter is a whole number of seconds, rounded up, of what may be tried
// again, else empty.
func retryAfter(e *chat.Error) string {
	if !e.Kind.Retryable() {
		return ""
	}
	s := int64((e.Retry + time.Second - 1) / time.Second)
	return strconv.FormatInt(max(s, 1), 10)
}

// level says how loud an answer is in the log.
func level(status int) slog.Level {
	switch {
	case status == http.StatusServiceUnavailable:
		return slog.LevelWarn
	case status >= 500:
		return slog.LevelError
	}
	return slog.LevelInfo
}
