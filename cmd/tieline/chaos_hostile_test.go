//go:build chaos

package main_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// What clients of ill will, or in bad shape, do to a node. Whoever is beside them
// is to lose nothing, to be refused nothing and to stay connected, and the node
// is to stay small. See siege.

// perSocket is by how much a node may grow for a socket that does its worst: what
// waits to be written, a frame that comes in, and what the kernel's buffers and
// the race detector make of that.
const perSocket = 4 << 20

func TestChaosHostileReaders(t *testing.T) {
	s := newStory(t, nodes(2), setting("TIELINE_LOG_LEVEL", "warn"))
	bad := s.Crowd("bad", 12).members
	feeders := s.Crowd("feeder", 2)
	feeder := feeders.members
	x := s.Siege(t, 8)
	x.Attack("readers that stall in a stream of large messages", 4, perSocket, func(ctx context.Context, i int) string {
		raw := x.slowly(ctx, bad[i])
		defer raw.Close()
		if i == 0 {
			return x.feed(ctx, feeder[0], bad[:4], 4*50, strings.Repeat("界", 7000))
		}
		<-ctx.Done()
		return ""
	})
	x.Attack("a reader of 1 KB/s in a conversation of 500 messages/s, who pings", 1, perSocket, func(ctx context.Context, i int) string {
		return x.trickles(ctx, bad[4], feeder[1])
	})
	x.Attack("devices that report nothing as received", 4, perSocket, func(ctx context.Context, i int) string {
		conn, err := bad[5+i].opens(x.n, 4096)
		if err != nil {
			return err.Error()
		}
		defer conn.Close()
		go x.feed(ctx, feeder[0], bad[5+i:6+i], 20, "") // hardly more than the limit would be
		return fmt.Sprint(readAll(ctx, conn), " frames")
	})
	x.Attack("clients that only ping, all the time", 3, perSocket, func(ctx context.Context, i int) string {
		conn, err := bad[9+i].opens(x.n, 4096)
		if err != nil {
			return err.Error()
		}
		defer conn.Close()
		go floods(ctx, conn, `{"type":"ping"}`, true)
		return fmt.Sprint(readAll(ctx, conn), " frames")
	})
	if x.n.metric("tieline_held_total") == 0 {
		t.Error("nobody was slowed down")
	}
	x.Ends()
}

func TestChaosHostileFloods(t *testing.T) {
	s := newStory(t, nodes(2), setting("TIELINE_LOG_LEVEL", "warn"), setting("TIELINE_LIMIT_SENDS", "20"), setting("TIELINE_LIMIT_SIGNALS", "50"),
		setting("TIELINE_LIMIT_REQUESTS", "50"), setting("TIELINE_LIMIT_CONNECTS", "50"), setting("TIELINE_LIMIT_LOGINS", "5"))
	bad := s.Crowd("bad", 16).members
	x := s.Siege(t, 8)
	for what, frame := range map[string]string{
		"sends":    `{"type":"send","id":"%d-%d","to":{"user":"` + string(bad[0].user) + `"},"message":{"kind":"text","text":"flood"}}`,
		"signals":  `{"type":"signal","id":"%d-%d","to":{"user":"` + string(bad[0].user) + `"},"data":1}`,
		"watches":  `{"type":"watch","id":"%d-%d","users":["` + string(bad[1].user) + `","` + string(bad[2].user) + `"]}`,
		"history":  `{"type":"history","id":"%d-%d","conversation":"lobby","limit":200}`,
		"nonsense": `{"type":"nonsense","id":"%d-%d"}`,
	} {
		x.Attack("a flood of "+what, 4, perSocket, func(ctx context.Context, i int) string {
			conn, err := bad[i].opens(x.n, 4096)
			if err != nil {
				return err.Error()
			}
			defer conn.Close()
			go floods(ctx, conn, frame, false)
			return fmt.Sprint(readAll(ctx, conn), " frames")
		})
	}
	x.Attack("a flood of connects", 12, perSocket, func(ctx context.Context, i int) string {
		return connectsAgainAndAgain(ctx, bad[i], x.n)
	})
	// Two hashes at a time, of 19 MiB each, what the collector has not taken away
	// yet, and the race detector's notes of it all.
	const perLogin = 32 << 20
	x.Attack("a flood of log-ins", 16, perLogin, func(ctx context.Context, i int) string {
		return x.logsIn(ctx)
	})
	for _, name := range []string{`limited_total{limit="sends"}`, `limited_total{limit="signals"}`, `limited_total{limit="requests"}`,
		`limited_total{limit="connects"}`, `limited_total{limit="logins"}`, `refused_connects_total{code="rate_limited"}`, "held_total"} {
		if n := x.n.metric("tieline_" + name); n == 0 {
			t.Errorf("%s is 0", name)
		} else {
			t.Logf("tieline_%s %.0f", name, n)
		}
	}
	x.Ends()
}

func TestChaosHostileFrames(t *testing.T) {
	s := newStory(t, nodes(2), setting("TIELINE_LOG_LEVEL", "warn"))
	bad := s.Crowd("bad", 8).members
	x := s.Siege(t, 8)
	x.Attack("frames that are too big, in parts of 16 bytes", 4, perSocket, func(ctx context.Context, i int) string {
		return againAndAgain(ctx, bad[i], x.n, func(conn *websocket.Conn) error {
			w, err := conn.NextWriter(websocket.TextMessage)
			for n := 0; n < wire.MaxFrame+1000 && err == nil; n += 1000 {
				_, err = w.Write([]byte(strings.Repeat("x", 1000)))
			}
			if _, _, e := conn.ReadMessage(); e != nil {
				err = e
			}
			return err
		})
	})
	x.Attack("a frame of endless empty parts", 2, perSocket, func(ctx context.Context, i int) string {
		return againAndAgain(ctx, bad[4+i], x.n, func(conn *websocket.Conn) error {
			net := conn.NetConn()
			_, err := net.Write([]byte{0x01, 0x80, 1, 2, 3, 4})
			empty := []byte(strings.Repeat("\x00\x80\x01\x02\x03\x04", 100))
			for ctx.Err() == nil && err == nil {
				_, err = net.Write(empty)
			}
			return err
		})
	})
	x.Ends()
}

func TestChaosHostileHandshakes(t *testing.T) {
	s := newStory(t, nodes(2), setting("TIELINE_LOG_LEVEL", "warn"))
	x := s.Siege(t, 8)
	late := s.User("late")
	const perRequest = 256 << 10 // 8 KiB of headers, a goroutine, and the race detector
	x.Attack("requests whose headers come byte by byte", 300, perRequest, func(ctx context.Context, i int) string {
		took, err := byteByByte(x.n)
		if err != nil {
			t.Errorf("a request that never ends was not ended: %v", err)
		}
		return "ended after " + took.Round(time.Second).String()
	})
	x.Attack("connections that say nothing", 300, perRequest, func(ctx context.Context, i int) string {
		c, err := dialElsewhere(ctx, "tcp", x.n.addr)
		if err != nil {
			return err.Error()
		}
		defer c.Close()
		if i == 0 { // whoever comes now gets in
			late.On("n1").StaysOn()
		}
		<-ctx.Done()
		return ""
	})
	x.Ends()
}

// slowly connects somebody who has little room and does not read.
func (x *siege) slowly(ctx context.Context, m *member) *client.Raw {
	raw, err := client.DialRaw(ctx, client.RawOptions{
		URL: x.n.URL(), Token: m.token, Device: m.device, Platform: chat.Web, Buffer: 1024,
		NetDial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dialElsewhere(ctx, network, addr)
			if err == nil {
				err = c.(*net.TCPConn).SetReadBuffer(8 << 10)
			}
			return c, err
		},
	})
	if err != nil {
		x.t.Errorf("%s: %v", m.name, err)
		return &client.Raw{}
	}
	return raw
}

// feed says so much a second to some people, in turn, until ctx ends, and returns
// how much it was.
func (x *siege) feed(ctx context.Context, m *member, to []*member, perSecond int, padding string) string {
	c, err := client.Dial(ctx, client.Options{URLs: []string{x.s.Node("n2").URL()}, AccessToken: m.token, Device: m.device, MaxPending: 64})
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	sent := 0
	for ctx.Err() == nil {
		for range perSecond / 50 {
			_, err := c.Queue(ctx, chat.NewID(), chat.Target{User: to[sent%len(to)].user}, chat.Draft{Kind: chat.Text, Text: fmt.Sprint(sent+1, padding)})
			if err != nil {
				break
			}
			sent++
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	return fmt.Sprint(sent, " messages")
}

// trickles reads 1 KB a second of 500 messages a second, pings all the while, and
// is not cut off for it; then it reads the rest, of which nothing is missing.
func (x *siege) trickles(ctx context.Context, m, feeder *member) string {
	conn, err := m.opens(x.n, 4096)
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	var feeding sync.WaitGroup
	defer feeding.Wait()
	feeding.Go(func() { x.feed(ctx, feeder, []*member{m}, 500, strings.Repeat("x", 200)) })
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	newest, late := 0, time.Now().Add(startup)
	conn.SetReadDeadline(late)
	for n := 0; ; n++ {
		_, text, err := conn.ReadMessage()
		if err != nil {
			x.t.Errorf("who reads slowly is cut off after %d messages: %v", newest, err)
			return err.Error()
		}
		var number int
		if _, at, ok := strings.Cut(string(text), `"text":"`); ok {
			fmt.Sscan(at, &number)
			if number != newest+1 {
				x.t.Errorf("who reads slowly is shown %d after %d", number, newest)
			}
			newest = number
		}
		if ctx.Err() != nil {
			if n > 200 {
				return fmt.Sprint(newest, " messages")
			}
			continue // fast, now
		}
		conn.WriteControl(websocket.PingMessage, []byte("are you there"), late)
		<-tick.C
	}
}

// readAll takes whatever comes until ctx or the socket ends, and counts it.
func readAll(ctx context.Context, conn *websocket.Conn) (n int) {
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	for {
		if _, _, err := conn.ReadMessage(); err != nil {
			return n
		}
		n++
	}
}

// floods writes a frame as fast as the socket takes it, with numbers in it if
// there is a place for them, and pings between if that is wanted.
func floods(ctx context.Context, conn *websocket.Conn, frame string, pings bool) {
	for n := 0; ctx.Err() == nil; n++ {
		text := frame
		if strings.Contains(frame, "%d") {
			text = fmt.Sprintf(frame, n, time.Now().UnixNano())
		}
		if conn.WriteMessage(websocket.TextMessage, []byte(text)) != nil {
			return
		}
		if pings && conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(soon)) != nil {
			return
		}
	}
}

// againAndAgain does harm over one socket after the other.
func againAndAgain(ctx context.Context, m *member, n *node, do func(*websocket.Conn) error) string {
	times, last := 0, error(nil)
	for ; ctx.Err() == nil; times++ {
		conn, err := m.opens(n, 16)
		if err != nil {
			last = err
			continue
		}
		stop := context.AfterFunc(ctx, func() { conn.Close() })
		if err := do(conn); ctx.Err() == nil {
			last = err
		}
		stop()
		conn.Close()
	}
	return fmt.Sprint(times, " times, the last ended with ", last)
}

// connectsAgainAndAgain counts how connects end.
func connectsAgainAndAgain(ctx context.Context, m *member, n *node) string {
	ends := map[string]int{}
	for ctx.Err() == nil {
		conn, err := m.opens(n, 256)
		if err != nil {
			ends["no socket"]++
			continue
		}
		if _, text, err := conn.ReadMessage(); err == nil {
			kind, _, _ := strings.Cut(strings.TrimPrefix(string(text), `{"type":"`), `"`)
			ends[kind]++
		}
		conn.Close()
	}
	return fmt.Sprint(ends)
}

// logsIn tries passwords from the attackers' address.
func (x *siege) logsIn(ctx context.Context) string {
	statuses := map[string]int{}
	for ctx.Err() == nil {
		c, err := dialElsewhere(ctx, "tcp", x.n.addr)
		if err != nil {
			continue
		}
		const body = `{"login":"nobody","password":"nothing"}`
		fmt.Fprintf(c, "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		line, _ := bufio.NewReader(c).ReadString('\n')
		statuses[strings.TrimSpace(line)]++
		c.Close()
	}
	return fmt.Sprint(statuses)
}

// byteByByte sends a request that never ends, and returns when the server has
// ended it.
func byteByByte(n *node) (time.Duration, error) {
	c, err := dialElsewhere(context.Background(), "tcp", n.addr)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	began := time.Now()
	ended := make(chan error, 1)
	go func() {
		c.SetReadDeadline(time.Now().Add(startup))
		_, err := io.Copy(io.Discard, c)
		ended <- err
	}()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	text := "GET /ws HTTP/1.1\r\nHost: x\r\nX-Slow: " + strings.Repeat("x", 1000)
	for i := 0; ; i++ {
		select {
		case err := <-ended:
			if errors.Is(err, context.DeadlineExceeded) {
				return 0, err
			}
			var late net.Error
			if errors.As(err, &late) && late.Timeout() {
				return 0, err
			}
			return time.Since(began), nil
		case <-tick.C:
			c.Write([]byte{text[i%len(text)]})
		}
	}
}
