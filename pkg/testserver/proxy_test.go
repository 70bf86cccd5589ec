package testserver

import (
	"bufio"
	"net"
	"strings"
	"testing"
	"time"
)

// caller is a connection that a test speaks over.
type caller struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func call(t *testing.T, addr string) *caller {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &caller{t, conn, bufio.NewReader(conn)}
}

func (c *caller) says(line string) { c.conn.Write([]byte(line + "\r\n")) }

func (c *caller) hears(want string) {
	c.t.Helper()
	c.conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	if line, err := c.in.ReadString('\n'); strings.TrimSpace(line) != want {
		c.t.Fatalf("heard %q (%v), want %q", line, err, want)
	}
}

func (c *caller) hearsNothing() {
	c.t.Helper()
	c.conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if line, err := c.in.ReadString('\n'); err == nil || !err.(net.Error).Timeout() {
		c.t.Fatalf("heard %q (%v), want silence", line, err)
	}
}

func TestProxyDisturbs(t *testing.T) {
	s := Redis(t)
	p := Proxy(t, s.Addr())
	a, b := call(t, p.Addr()), call(t, p.Addr())
	a.says("INCR n")
	a.hears(":1")
	b.says("SUBSCRIBE c")
	b.hears("*3")
	p.CutSubscribers()
	a.says("INCR n")
	a.hears(":2")

	p.Silence()
	a.says("INCR n")
	a.hearsNothing()
	a = call(t, p.Addr())
	a.says("GET n")
	a.hears("$1")
	a.hears("2")

	lost := p.LoseReply("INCR")
	a.says("INCR n")
	<-lost
	a.hears("")
	if n := s.Do("GET", "n"); n != "3" {
		t.Fatal("it was not executed:", n)
	}

	a, b = call(t, p.Addr()), call(t, p.Addr())
	a.says("PING")
	a.hears("+PONG")
	p.Partition()
	a.says("INCR n")
	b.says("INCR n")
	b.conn.Close()
	c := call(t, p.Addr())
	c.says("PING")
	c.hearsNothing()
	p.Heal()
	c.hears("+PONG")
	a.hears(":4")

	p.Delay(100 * time.Millisecond)
	began := time.Now()
	a.says("PING")
	a.hears("+PONG")
	if took := time.Since(began); took < 200*time.Millisecond {
		t.Fatal("a delay of 100 ms each way took", took)
	}
	p.Cut()
	a.hears("")
}
