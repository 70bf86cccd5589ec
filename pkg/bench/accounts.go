package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
)

// account is somebody to connect as, in the form "tieline token" prints.
type account struct {
	Username string        `json:"username"`
	User     chat.UserID   `json:"user"`
	Device   chat.DeviceID `json:"device"`
	Token    string        `json:"access_token"`

	offset string // how far its device has got; empty: as it reported
}

// pool is where accounts come from: a file of tokens, or signing up.
type pool struct {
	given []account // nil: they are signed up
	api   *client.API

	made []account
}

// signUps is how many sign-ups are under way at once: each costs the server a
// password hash.
const signUps = 4

func openPool(o Options) (*pool, error) {
	p := &pool{api: client.NewAPI(client.APIOptions{URLs: o.URLs})}
	if o.Users == "" {
		return p, nil
	}
	f, err := os.Open(o.Users)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		var a account
		if len(lines.Bytes()) == 0 {
			continue
		}
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil || a.Token == "" || a.User == "" {
			return nil, fmt.Errorf("bench: %s, line %d: not what \"tieline token\" prints", o.Users, n)
		}
		p.given = append(p.given, a)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("bench: %s: %w", o.Users, err)
	}
	if len(p.given) == 0 {
		return nil, fmt.Errorf("bench: %s holds no accounts", o.Users)
	}
	return p, nil
}

// size is how many accounts there may be; 0: as many as one signs up.
func (p *pool) size() int { return len(p.given) }

// take returns n accounts, the same at each call: what open learns of them is
// known the next time.
func (p *pool) take(ctx context.Context, r *run, n int) ([]account, error) {
	if p.given != nil {
		if n > len(p.given) {
			return nil, fmt.Errorf("%d accounts are needed, and the file of users holds %d", n, len(p.given))
		}
		return p.given[:n], nil
	}
	step := r.bar.count("signing up", n)
	defer step.end()
	var mu sync.Mutex
	err := each(ctx, n-len(p.made), signUps, func(ctx context.Context, _ int) error {
		a, err := p.signUp(ctx)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		p.made = append(p.made, a)
		step.at(len(p.made))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("signing up: %w (accounts may be given instead: see --users)", err)
	}
	return p.made[:n], nil
}

// signUp makes one account, as slowly as the server asks for.
func (p *pool) signUp(ctx context.Context) (account, error) {
	name := "bench" + chat.NewID()
	for {
		g, err := p.api.Register(ctx, client.Registration{
			Username: name, Password: chat.NewID(), Device: &client.Place{Platform: chat.Web, Name: "bench"},
		})
		var e *client.Error
		if !errors.As(err, &e) || !e.Retry {
			return account{Username: name, User: g.User.ID, Device: g.DeviceID, Token: g.AccessToken}, err
		}
		select {
		case <-time.After(max(e.RetryAfter, 200*time.Millisecond)):
		case <-ctx.Done():
			return account{}, ctx.Err()
		}
	}
}

// each calls do for 0 to n-1, so many at a time, until all are done or one
// fails.
func each(ctx context.Context, n, atOnce int, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(n, atOnce) {
		workers.Go(func() {
			for i := range next {
				if err := do(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	workers.Wait()
	return context.Cause(ctx)
}
