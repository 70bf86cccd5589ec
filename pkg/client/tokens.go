package client

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Tokens keeps a grant fresh: its Token method is a TokenFunc. Whoever asks when
// less than a fifth of the access token's life is left refreshes it; the others
// wait for that one. A refresh token works once, so a grant belongs to one
// Tokens only.
type Tokens struct {
	api  *API
	turn chan struct{} // holds one token: whose turn it is to refresh

	mu     sync.Mutex
	grant  Grant
	stale  time.Time
	notify func(Grant)
}

// NewTokens starts from a grant just received. Changed, which may be nil, is
// told each new grant before it is used, so that it can be kept across restarts.
func NewTokens(api *API, g Grant, changed func(Grant)) *Tokens {
	t := &Tokens{api: api, turn: make(chan struct{}, 1), notify: changed}
	t.set(g)
	return t
}

// Token returns an access token with some life left in it.
func (t *Tokens) Token(ctx context.Context) (string, error) {
	if g, fresh := t.current(); fresh {
		return g.AccessToken, nil
	}
	select {
	case t.turn <- struct{}{}:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	defer func() { <-t.turn }()
	g, fresh := t.current()
	if fresh {
		return g.AccessToken, nil
	}
	next, err := t.api.Refresh(ctx, g.RefreshToken)
	if err != nil {
		return "", err
	}
	if next.AccessToken == "" {
		return "", errors.New("client: a refresh without an access token")
	}
	if t.notify != nil {
		t.notify(next)
	}
	t.set(next)
	return next.AccessToken, nil
}

func (t *Tokens) current() (Grant, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.grant, time.Now().Before(t.stale)
}

func (t *Tokens) set(g Grant) {
	life := time.Duration(g.ExpiresIn) * time.Second
	t.mu.Lock()
	defer t.mu.Unlock()
	t.grant, t.stale = g, time.Now().Add(life-life/5)
}
