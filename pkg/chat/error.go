package chat

import (
	"context"
	"errors"
	"time"
)

// Kind is an error's code as clients see it. Kinds cross the wire, so they are
// only ever added, never changed.
type Kind string

// The kinds, in the order of the HTTP status they map to.
const (
	Malformed        Kind = "malformed"         // 400 not understood at all
	Unauthorized     Kind = "unauthorized"      // 401 no or unknown account
	TokenExpired     Kind = "token_expired"     // 401 genuine, but too old
	TokenInvalid     Kind = "token_invalid"     // 401 not one of ours
	SessionEnded     Kind = "session_ended"     // 401 the device was signed out
	BadCredentials   Kind = "bad_credentials"   // 401 wrong name or password
	AccountDisabled  Kind = "account_disabled"  // 403
	Muted            Kind = "muted"             // 403
	Forbidden        Kind = "forbidden"         // 403
	VIPRequired      Kind = "vip_required"      // 403
	NotAMember       Kind = "not_a_member"      // 403
	Blocked          Kind = "blocked"           // 403
	NotFriends       Kind = "not_friends"       // 403
	NotFound         Kind = "not_found"         // 404
	UsernameTaken    Kind = "username_taken"    // 409
	EmailTaken       Kind = "email_taken"       // 409
	PhoneTaken       Kind = "phone_taken"       // 409
	Conflict         Kind = "conflict"          // 409
	TooLarge         Kind = "too_large"         // 413
	UnsupportedMedia Kind = "unsupported_media" // 415
	Invalid          Kind = "invalid"           // 422 understood, but not allowed; see Fields
	CodeInvalid      Kind = "code_invalid"      // 422
	RateLimited      Kind = "rate_limited"      // 429
	Internal         Kind = "internal"          // 500
	Unavailable      Kind = "unavailable"       // 503 try again
)

// Error is a failure with a code for the client, a sentence that is safe to
// show, and the cause for the log.
type Error struct {
	Kind   Kind
	Op     string        // what was being done, for the log: "store.append"
	Safe   string        // a sentence for the user; empty: the kind's own
	Fields []FieldError  // what is wrong with which field (Invalid)
	Reason Reason        // why a session ended (SessionEnded)
	Retry  time.Duration // when it is worth trying again (Unavailable, RateLimited)
	Err    error         // the cause; never shown
}

// FieldError says what is wrong with one field of a request.
type FieldError struct {
	Field  string // as named on the wire: "message.text"
	Code   string // "required", "too_short", "too_long", "format", …
	Detail string // a sentence; empty where the code says it all
	Limit  int64  // the bound that was missed (too_short, too_long, too_small, too_large); 0: none to name
}

func (e *Error) Error() string {
	s := string(e.Kind)
	if e.Op != "" {
		s = e.Op + ": " + s
	}
	if e.Safe != "" {
		s += ": " + e.Safe
	}
	for _, f := range e.Fields {
		s += ": " + f.Field + " " + f.Code
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Is lets errors.Is compare kinds: errors.Is(err, &Error{Kind: NotFound}).
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Kind == e.Kind
}

// E makes an Error of a kind with a cause that may be nil.
func E(op string, k Kind, cause error) *Error { return &Error{Kind: k, Op: op, Err: cause} }

// InvalidField makes the Error for one wrong field.
func InvalidField(field, code, detail string) *Error {
	return &Error{Kind: Invalid, Fields: []FieldError{{Field: field, Code: code, Detail: detail}}}
}

// OutOfBounds makes the Error for one field that missed a bound, which the
// sentence for it names.
func OutOfBounds(field, code string, limit int64) *Error {
	return &Error{Kind: Invalid, Fields: []FieldError{{Field: field, Code: code, Limit: limit}}}
}

// KindOf returns the kind of an error: Unavailable for a deadline that passed,
// Internal for anything that has no kind of its own, "" for nil.
func KindOf(err error) Kind {
	var e *Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Kind
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return Unavailable
	}
	return Internal
}

// Retryable reports whether the same request may succeed later unchanged.
func (k Kind) Retryable() bool { return k == Unavailable || k == RateLimited }
