package client

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// What a Client answers when it is not the server that refuses.
var (
	// ErrClosed is the error of everything asked of a closed client.
	ErrClosed = errors.New("client: closed")
	// ErrOffline is the error of what is neither kept nor repeated (Typing,
	// Signal, Read, Received) while there is no socket.
	ErrOffline = errors.New("client: no connection at the moment")
	// ErrBusy is the error of the same when the socket does not keep up.
	ErrBusy = errors.New("client: the connection does not keep up")
)

// Error is a refusal by the server, over HTTP or over the socket. It unwraps to
// a *chat.Error, so chat.KindOf and errors.Is see its code.
type Error struct {
	Code       chat.Kind         // never changes; what to decide by
	Reason     chat.Reason       // why the session ended (SessionEnded)
	Detail     string            // a sentence in the user's language
	Status     int               // the HTTP status; 0 when a frame refused
	RetryAfter time.Duration     // as the server asked for; 0: it did not say
	Retry      bool              // the same request may succeed later unchanged
	Fields     []chat.FieldError // what is wrong with which field (Invalid)
	Re         string            // the id of the refused frame; empty over HTTP
}

// Error says the code, then whatever else is known.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Code))
	if e.Reason != "" {
		fmt.Fprintf(&b, " (%s)", e.Reason)
	}
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	for _, f := range e.Fields {
		fmt.Fprintf(&b, "; %s %s", f.Field, f.Code)
	}
	return b.String()
}

// Unwrap shows the refusal in the vocabulary of package chat.
func (e *Error) Unwrap() error {
	return &chat.Error{Kind: e.Code, Safe: e.Detail, Fields: e.Fields, Reason: e.Reason, Retry: e.RetryAfter}
}

// refusal turns an error frame into an Error.
func refusal(f wire.ErrorFrame) *Error {
	return &Error{Code: f.Code, Reason: f.Reason, Detail: f.Detail, Retry: f.Retry, Re: f.Re}
}

// CloseError is how a socket ended. Code is the server's close code, or 1006
// when the connection broke without one; Err is then the cause.
type CloseError struct {
	Code    int
	Text    string
	Reason  chat.Reason // from the kicked frame before the close, if there was one
	Refusal *Error      // from the last error frame that answered no request, if there was one
	Err     error
}

// closeBroken is the code of a connection that ended without a close frame
// (RFC 6455, never on the wire).
const closeBroken = 1006

// Error names the code and what went before it.
func (e *CloseError) Error() string {
	s := fmt.Sprintf("socket closed: %d", e.Code)
	for _, more := range []string{string(e.Reason), e.Text} {
		if more != "" {
			s += " " + more
		}
	}
	if e.Refusal != nil {
		s += ": " + e.Refusal.Error()
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the refusal, or what broke the connection.
func (e *CloseError) Unwrap() error {
	if e.Refusal != nil {
		return e.Refusal
	}
	return e.Err
}

// Final reports whether coming back with the same token is pointless: the
// session has ended, the token or the account is not accepted, or somebody else
// is this device now.
func (e *CloseError) Final() bool {
	return e.Code >= wire.CloseKicked && e.Code <= wire.CloseReplaced || e.Reason != ""
}
