package client

import (
	"context"
	"net/http"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// RedeemVIP uses a VIP code up, which works once, and returns one's own account
// with its new VIPUntil.
func (a *API) RedeemVIP(ctx context.Context, code string) (User, error) {
	in := struct {
		Code string `json:"code"`
	}{code}
	return fetch[User](ctx, a, http.MethodPost, "/me/vip", in)
}

// CodeOrder asks for one-time codes; a TTL of 0 means that they do not expire.
type CodeOrder struct {
	Kind    chat.CodeKind
	Count   int // 0: 1
	VIPDays int // of a chat.VIPCode
	TTL     time.Duration
}

// CreateCodes makes one-time codes, which are not shown again, as an
// administrator.
func (a *API) CreateCodes(ctx context.Context, o CodeOrder) ([]string, error) {
	in := struct {
		Kind    chat.CodeKind `json:"kind"`
		Count   int           `json:"count,omitempty"`
		VIPDays int           `json:"vip_days,omitempty"`
		TTL     string        `json:"ttl,omitempty"`
	}{Kind: o.Kind, Count: o.Count, VIPDays: o.VIPDays}
	if o.TTL != 0 {
		in.TTL = o.TTL.String()
	}
	out, err := fetch[struct{ Codes []string }](ctx, a, http.MethodPost, "/admin/codes", in)
	return out.Codes, err
}

// Code is what there is to know of a one-time code once it is made.
type Code struct {
	ID        string        `json:"id"` // tells it from others; it is not the code
	Kind      chat.CodeKind `json:"kind"`
	VIPDays   int           `json:"vip_days"`
	ExpiresAt *wire.Time    `json:"expires_at"` // nil: never
	UsedBy    chat.UserID   `json:"used_by"`    // "": nobody yet
	UsedAt    *wire.Time    `json:"used_at"`
	CreatedAt wire.Time     `json:"created_at"`
}

// Codes returns a page of the one-time codes of a kind ("": of each), the newest
// first, as an administrator.
func (a *API) Codes(ctx context.Context, kind chat.CodeKind, cursor string, limit int) (Page[Code], error) {
	q := pageQuery(cursor, limit)
	if kind != "" {
		q.Set("kind", string(kind))
	}
	return fetch[Page[Code]](ctx, a, http.MethodGet, withQuery("/admin/codes", q), nil)
}
