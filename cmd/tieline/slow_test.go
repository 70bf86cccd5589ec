package main_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// readsNothing connects a device that reads only when it is told to, over a
// connection with little room.
func (d *device) readsNothing(node string) *client.Raw {
	d.s.t.Helper()
	ctx, cancel := d.deadline()
	defer cancel()
	raw, err := client.DialRaw(ctx, client.RawOptions{
		URL: d.s.Node(node).URL(), Token: d.grant.AccessToken, Offset: d.newestOffset(), Buffer: 4096,
		NetDial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, addr)
			if err == nil {
				err = c.(*net.TCPConn).SetReadBuffer(128 << 10)
			}
			return c, err
		},
	})
	if err != nil {
		d.s.t.Fatalf("%s cannot reach %s: %v", d, node, err)
	}
	d.s.t.Cleanup(func() { raw.Close() })
	return raw
}

// readsOn reads until the messages numbered in their text have come up to last,
// or the socket ends, and returns the newest: each must be the one after that
// before it.
func readsOn(t *testing.T, d *device, raw *client.Raw, newest, last int) (int, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	for newest < last {
		p, err := raw.Next(ctx)
		if err != nil {
			return newest, err
		}
		var f frame
		if err := p.Into(&f); err != nil {
			t.Fatal(err)
		}
		if f.Type != wire.Message {
			continue
		}
		var n int
		if fmt.Sscan(f.Text, &n); n != newest+1 {
			t.Fatalf("%s is shown %d after %d", d, n, newest)
		}
		newest = n
		d.setOffset(f.Offset)
	}
	return newest, nil
}

// Promise 7: whoever reads slowly harms nobody else and loses nothing; whoever
// reads nothing for half a minute is cut off, and can resume.
func TestSlowReaders(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob := s.User("alice"), s.User("bob")
	alice.On("n1")
	slow, stuck := bob.Device("slow", chat.Desktop), bob.Device("stuck", chat.Android)
	slowly, never := slow.readsNothing("n2"), stuck.readsNothing("n2")
	bob.On("n2")
	const many = 300
	padding := strings.Repeat(" 界", 9000) // 36 KB a message, 11 MB in all
	var said []Said
	for i := range many {
		said = append(said, alice.Shouts(bob, fmt.Sprint(i+1, padding)))
	}
	for i, one := range said {
		alice.Acked(one)
		bob.Hears(fmt.Sprint(i+1, padding)) // who reads hears it all
	}
	if newest, err := readsOn(t, slow, slowly, 0, many); err != nil {
		t.Fatalf("who reads slowly has got %d, and then %v", newest, err)
	}
	bob.Within(50*time.Second).eventually("who reads nothing is cut off", func() bool { return !bob.devicesOf()["stuck"].Online })
	newest, err := readsOn(t, stuck, never, 0, many)
	var closed *client.CloseError
	if !errors.As(err, &closed) || newest == many {
		t.Fatalf("who read nothing has got %d, and then %v", newest, err)
	}
	for range 3 { // and may be shown again what was on its way
		raw := stuck.readsNothing("n1")
		if newest, err = readsOn(t, stuck, raw, newest, many); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatalf("who came back has got %d, and then %v", newest, err)
	}
}
