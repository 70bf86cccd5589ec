package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// TokenFunc returns an access token that is good for now. It is asked before
// each request and at each connect, and may take its time within ctx.
type TokenFunc func(ctx context.Context) (string, error)

// APIOptions says which nodes to ask and as whom.
type APIOptions struct {
	URLs        []string  // of the nodes; the first that can be reached is asked
	Token       TokenFunc // whom requests speak for; nil: AccessToken
	AccessToken string    // may be empty: only signing up and in work then
	Language    string    // Accept-Language of refusals: "en", "zh"
	Timeout     time.Duration
	HTTP        *http.Client // nil: one of the API's own
}

// API is the HTTP half: accounts, devices, people, conversations, presence. A
// refusal is a *Error. Requests without a deadline of their own get Timeout (15 s).
// Nothing is retried but a connection that could not be made at all, at the
// next node. An API may be used by many goroutines.
type API struct {
	o     APIOptions
	bases []string
}

// NewAPI makes an API. A URL that makes no sense is the error of each request.
func NewAPI(o APIOptions) *API {
	if o.HTTP == nil {
		o.HTTP = &http.Client{}
	}
	if o.Timeout <= 0 {
		o.Timeout = 15 * time.Second
	}
	a := &API{o: o}
	for _, s := range o.URLs {
		if u, err := baseURL(s); err == nil {
			a.bases = append(a.bases, u.String())
		}
	}
	return a
}

// As returns the same API speaking for another access token.
func (a *API) As(accessToken string) *API {
	as := *a
	as.o.Token, as.o.AccessToken = nil, accessToken
	return &as
}

// maxAnswer bounds what is read of an answer: a full page of long messages
// stays below it.
const maxAnswer = 32 << 20

// Do sends one request to path under /api/v1 with in as JSON (nil: no body) and
// decodes the answer into out (nil: it is not looked at). It is the way to calls
// that have no method here.
func (a *API) Do(ctx context.Context, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	return a.send(ctx, method, path, "application/json", body, out)
}

// send is Do with a body (nil: none) of any type.
func (a *API) send(ctx context.Context, method, path, contentType string, body []byte, out any) error {
	ctx, cancel := a.bounded(ctx)
	defer cancel()
	token, err := a.token(ctx)
	if err != nil {
		return err
	}
	last := errors.New("client: no usable URL of a node")
	for _, base := range a.bases {
		var resp *http.Response
		if resp, last = a.try(ctx, method, base+"/api/v1"+path, token, contentType, body); last == nil {
			return answer(resp, out)
		}
		if !neverSent(last) {
			break
		}
	}
	return fmt.Errorf("client: %s %s: %w", method, path, bare(last))
}

func (a *API) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, a.o.Timeout)
}

func (a *API) token(ctx context.Context) (string, error) {
	if a.o.Token == nil {
		return a.o.AccessToken, nil
	}
	return a.o.Token(ctx)
}

func (a *API) try(ctx context.Context, method, target, token, contentType string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", contentType)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if a.o.Language != "" {
		req.Header.Set("Accept-Language", a.o.Language)
	}
	return a.o.HTTP.Do(req)
}

// neverSent reports whether no node can have seen the request.
func neverSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// bare takes the URL off an error: a query may hold what logs may not.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func answer(resp *http.Response, out any) error {
	defer resp.Body.Close()
	body := io.LimitReader(resp.Body, maxAnswer)
	if resp.StatusCode/100 != 2 {
		return problem(resp, body)
	}
	if out == nil || resp.StatusCode == http.StatusNoContent {
		_, err := io.Copy(io.Discard, body)
		return err
	}
	if err := json.NewDecoder(body).Decode(out); err != nil {
		return fmt.Errorf("client: the answer is not what the API promises: %w", err)
	}
	return nil
}

// problem reads an application/problem+json answer; something in between (a
// proxy) may answer in another form, and is told by its status.
func problem(resp *http.Response, body io.Reader) error {
	var p struct {
		Code   chat.Kind         `json:"code"`
		Title  string            `json:"title"`
		Detail string            `json:"detail"`
		Reason chat.Reason       `json:"reason"`
		Errors []chat.FieldError `json:"errors"`
	}
	text, _ := io.ReadAll(io.LimitReader(body, 64<<10))
	if json.Unmarshal(text, &p) != nil || p.Code == "" {
		p.Code, p.Detail = kindOfStatus(resp.StatusCode), resp.Status
	}
	if p.Detail == "" {
		p.Detail = p.Title
	}
	return &Error{
		Code: p.Code, Reason: p.Reason, Detail: p.Detail, Fields: p.Errors, Status: resp.StatusCode,
		Retry: p.Code.Retryable(), RetryAfter: retryAfter(resp.Header.Get("Retry-After")),
	}
}

func kindOfStatus(status int) chat.Kind {
	switch status {
	case http.StatusBadRequest:
		return chat.Malformed
	case http.StatusUnauthorized:
		return chat.Unauthorized
	case http.StatusForbidden:
		return chat.Forbidden
	case http.StatusNotFound:
		return chat.NotFound
	case http.StatusRequestEntityTooLarge:
		return chat.TooLarge
	case http.StatusTooManyRequests:
		return chat.RateLimited
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return chat.Unavailable
	}
	return chat.Internal
}

// retryAfter reads seconds; the other form of the header, a date, is not one
// the server uses.
func retryAfter(s string) time.Duration {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(n) * time.Second
}

// Page is one page of a list; Next is the cursor of the following one, empty on
// the last.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

// paged appends cursor and limit to a path.
func paged(path, cursor string, limit int) string { return withQuery(path, pageQuery(cursor, limit)) }

func pageQuery(cursor string, limit int) url.Values {
	q := url.Values{}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	if limit > 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	return q
}

func withQuery(path string, q url.Values) string {
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}
