package main_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// contender is a device that signs in, connects and goes away in the way of
// others, and holds what becomes of it against what is promised.
type contender struct {
	t        testing.TB
	user     *User
	id       chat.DeviceID
	platform chat.Platform
	urls     []string

	// Of the one goroutine that acts for it.
	token string
	login int64 // of token
	out   bool  // token was displaced
	sock  *contest
	tally tally
}

// tally is what a contender did and what was done to it.
type tally struct{ logins, failed, connects, refused, kicks, kept, closes int }

// contest is one socket of a contender, up to its end.
type contest struct {
	login int64
	raw   *client.Raw
	done  chan struct{} // closed when end is set
	end   *client.CloseError
}

// step does one thing that a device does.
func (c *contender) step() {
	switch n := rand.IntN(10); {
	case c.token == "" || c.out || n < 3:
		c.signIn()
		c.connect()
	case n < 6:
		c.connect() // takes over, if it is connected already
	case n < 8:
		c.leave(true)
	default:
		c.leave(false)
	}
}

// signIn signs in on any node. When the node dies meanwhile nobody knows whether
// it happened.
func (c *contender) signIn() {
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	c.tally.logins++
	api := client.NewAPI(client.APIOptions{URLs: []string{c.anyURL()}})
	g, err := api.Login(ctx, c.user.name, c.user.password, &client.Place{ID: c.id, Platform: c.platform})
	if err != nil {
		c.tally.failed++
		return
	}
	c.token, c.login, c.out = g.AccessToken, loginOf(c.t, g.AccessToken), false
}

// connect opens a socket with the token it has. One that was displaced is told
// so, and is never let in again.
func (c *contender) connect() {
	if c.token == "" {
		return
	}
	c.look() // what the socket before was told
	c.tally.connects++
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	raw, err := client.DialRaw(ctx, client.RawOptions{URL: c.anyURL(), Token: c.token, Device: c.id, Platform: c.platform, Buffer: 512})
	if err != nil {
		c.tally.failed++ // a node that is gone
		return
	}
	before := c.sock
	c.sock = &contest{login: c.login, raw: raw, done: make(chan struct{})}
	in, err := c.sock.await(ctx)
	switch {
	case !in:
		c.sock.finish(err)
		c.look()
		if c.sock == nil {
			c.sock = before
		}
		return
	case c.out:
		c.t.Errorf("%s was told that it is displaced, and is let in again with the same token", c)
	}
	go c.sock.watch()
	if before != nil {
		before.gone(c.t, c)
		c.judge(before)
	}
}

// await reads until the socket is let in or refused.
func (s *contest) await(ctx context.Context) (in bool, err error) {
	for {
		f, err := s.raw.Next(ctx)
		if err != nil {
			return false, err
		}
		if f.Type == wire.Welcome {
			return true, nil
		}
	}
}

// watch reads until the socket ends.
func (s *contest) watch() {
	for {
		if _, err := s.raw.Next(context.Background()); err != nil {
			s.finish(err)
			return
		}
	}
}

func (s *contest) finish(err error) {
	if !errors.As(err, &s.end) {
		s.end = &client.CloseError{Err: err}
	}
	s.raw.Close()
	close(s.done)
}

// gone waits for the end of a socket that another took over from.
func (s *contest) gone(t testing.TB, c *contender) {
	select {
	case <-s.done:
	case <-time.After(soon):
		t.Errorf("%s: the socket before is still open", c)
		s.raw.Close()
		<-s.done
	}
}

// leave closes the socket, with or without a goodbye.
func (c *contender) leave(politely bool) {
	if c.sock == nil {
		return
	}
	c.tally.closes++
	if politely {
		c.sock.raw.Bye(soon)
	} else {
		c.sock.raw.Close()
	}
	<-c.sock.done
	c.look()
}

// look takes note of how the socket has ended, if it has.
func (c *contender) look() {
	if c.sock == nil {
		return
	}
	select {
	case <-c.sock.done:
	default:
		return
	}
	ended := c.sock
	c.sock = nil
	c.judge(ended)
}

// judge holds the end of a socket against what is promised.
func (c *contender) judge(s *contest) {
	switch end := s.end; end.Code {
	case wire.CloseKicked:
		c.tally.kicks++
		c.out = c.out || s.login == c.login
		if end.Reason != chat.SignedInElsewhere && end.Reason != chat.SignedOut {
			c.t.Errorf("%s is kicked for %q", c, end.Reason)
		}
	case wire.CloseReplaced:
		c.tally.kept++
		if end.Reason != chat.Replaced {
			c.t.Errorf("%s is replaced and told %q", c, end.Reason)
		}
	case wire.CloseUnavailable, wire.CloseGoingAway:
		c.tally.refused++
	case 1000, 1006: // its own doing, or the end of the node
	default:
		c.t.Errorf("%s: %v", c, end)
	}
}

func (c *contender) String() string {
	return fmt.Sprintf("%s's %s (%s)", c.user.name, c.id, c.platform)
}

func (c *contender) anyURL() string { return c.urls[rand.IntN(len(c.urls))] }

// open reports whether it is connected, as far as it knows.
func (c *contender) open() bool {
	c.look()
	return c.sock != nil
}

// loginOf reads the number of a sign-in from its access token.
func loginOf(t testing.TB, token string) int64 {
	var claims struct{ Login int64 }
	part := strings.Split(token, ".")
	if len(part) == 3 {
		b, _ := base64.RawURLEncoding.DecodeString(part[1])
		_ = json.Unmarshal(b, &claims)
	}
	if claims.Login == 0 {
		t.Error("an access token says nothing of its sign-in")
	}
	return claims.Login
}

func (a *tally) add(b tally) {
	a.logins += b.logins
	a.failed += b.failed
	a.connects += b.connects
	a.refused += b.refused
	a.kicks += b.kicks
	a.kept += b.kept
	a.closes += b.closes
}

// act has all contenders act at the same time, so many steps each.
func act(all []*contender, steps int) {
	var acting sync.WaitGroup
	for _, c := range all {
		acting.Go(func() {
			for range steps {
				c.step()
			}
		})
	}
	acting.Wait()
}
