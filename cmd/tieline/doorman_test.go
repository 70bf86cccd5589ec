package main

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"syscall"
	"testing"
)

// shortListener has no descriptors for its first connections.
type shortListener struct {
	net.Listener
	short int
}

func (s *shortListener) Accept() (net.Conn, error) {
	if s.short--; s.short >= 0 {
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return s.Listener.Accept()
}

// A lack of descriptors is waited out, and who does not fit in is turned away.
func TestTheDoorman(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := newDoorman(&shortListener{l, 2}, 2, slog.New(slog.DiscardHandler))
	dial := func() net.Conn {
		c, err := net.Dial("tcp", d.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	accept := func() net.Conn {
		c, err := d.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	dial()
	one := accept()
	dial()
	accept()
	away := dial()
	next := make(chan net.Conn)
	go func() { c, _ := d.Accept(); next <- c }()
	if _, err := away.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Fatal("the third of two was let in:", err)
	}
	one.Close()
	one.Close() // counts once
	dial()
	if <-next == nil || d.inside.Load() != 2 {
		t.Fatal("after one has gone there are", d.inside.Load())
	}
	l.Close()
	if _, err := d.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Fatal(err)
	}
}
