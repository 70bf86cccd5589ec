package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/tieline/tieline/pkg/wire"
)

// steady is how long a socket has to stand for the next reconnect to start with
// the shortest delay again.
const steady = time.Second

// goodbye is how long a close frame and its answer may take.
const goodbye = time.Second

// delay is a random time up to Min·2ⁿ, at most Max.
func (b Backoff) delay(n int) time.Duration {
	limit := b.Max
	if n < 30 && b.Min<<n < b.Max {
		limit = b.Min << n
	}
	return rand.N(limit + 1)
}

// run connects again and again until the client is closed or the server's answer
// is final.
func (c *Client) run() {
	defer c.in.finish()
	for {
		again, err := c.tenure()
		if c.ctx.Err() != nil {
			c.end(ErrClosed)
			return
		}
		if again < 0 {
			c.end(err)
			return
		}
		c.mu.Lock()
		c.lost = err
		c.mu.Unlock()
		select {
		case <-time.After(again):
		case <-c.ctx.Done():
		}
	}
}

// tenure is the life of one socket: connect, be welcomed, read until the end.
// It says when to come back, negative for never, and why it ended.
func (c *Client) tenure() (again time.Duration, err error) {
	raw, token, err := c.connect()
	if err != nil {
		var e *Error
		var closed *CloseError
		if errors.As(err, &closed) || errors.As(err, &e) && !e.Retry {
			return -1, err
		}
		return c.backoff(), err
	}
	defer raw.Close()
	s := &tenancy{c: c, raw: raw, drain: -1}
	err = s.read()
	if s.welcomed && time.Since(s.since) >= steady {
		c.attempt = 0
	}
	var closed *CloseError
	switch {
	case errors.As(err, &closed) && closed.Code == wire.CloseExpired && c.o.Token != nil && token != c.refused:
		c.refused = token // once more if the TokenFunc has another
		return 0, err
	case errors.As(err, &closed) && closed.Final():
		return -1, err
	}
	again = c.backoff()
	if s.drain >= 0 { // obeyed, but not at this node
		again, c.attempt = s.drain, 0
	}
	if s.welcomed {
		c.note(func(h *Handler) {
			if h.Lost != nil {
				h.Lost(err)
			}
		})
	}
	return again, err
}

// backoff counts an attempt and says how long to wait before the next, which
// goes to the next URL.
func (c *Client) backoff() time.Duration {
	d := c.o.Backoff.delay(c.attempt)
	c.attempt++
	c.url++
	return d
}

func (c *Client) connect() (*Raw, string, error) {
	ctx, cancel := context.WithTimeout(c.ctx, c.o.Timeout)
	defer cancel()
	token, err := c.o.token(ctx)
	if err != nil {
		return nil, "", err
	}
	if token == c.refused && token != "" {
		return nil, "", &CloseError{Code: wire.CloseExpired, Text: "the token is still the expired one"}
	}
	raw, err := DialRaw(ctx, RawOptions{
		URL: c.o.URLs[c.url%len(c.o.URLs)], Token: token, Device: c.o.Device, Platform: c.o.Platform,
		Offset: c.resume, Language: c.o.Language, Timeout: c.o.Timeout, NetDial: c.o.NetDial,
	})
	return raw, token, err
}

// note has the handler told something in its turn.
func (c *Client) note(tell func(*Handler)) {
	c.in.put(item{note: func() { tell(&c.o.Handler) }})
}
