package handlers

import (
	"bufio"
	"encoding/binary"
	"net"
	"os"
	"sync"
	"time"

	"github.com/gofiber/contrib/websocket"
)

// socket is the server's side of a WebSocket. The library reads it. It is
// written to here, so that messages that wait together leave with one system
// call: that is most of what a message costs a node that is busy.
type socket struct {
	*websocket.Conn
	turn  chan struct{} // held by whoever writes
	ended error         // why nothing is written any more; under turn
}

// newSocket takes over the writing for a connection of the library, whose own
// answer to a close must not come in the middle of a message.
func newSocket(c *websocket.Conn) *socket {
	s := &socket{Conn: c, turn: make(chan struct{}, 1)}
	c.SetCloseHandler(func(code int, _ string) error {
		s.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Now().Add(closeWithin))
		return nil
	})
	return s
}

const (
	closeWithin = time.Second
	chunk       = 16 << 10 // bytes of one system call
)

// writers join what is written together.
var writers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, chunk) }}

// WriteTexts sends text messages, in as few system calls as it can. Patience is
// how long the client may take for each chunk; one that takes longer has made no
// progress, and nothing more is written to it.
func (s *socket) WriteTexts(texts [][]byte, patience time.Duration) error {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	if s.ended != nil {
		return s.ended
	}
	w := writers.Get().(*bufio.Writer)
	w.Reset(steady{s.NetConn(), patience})
	for _, text := range texts {
		w.Write(appendHeader(w.AvailableBuffer(), websocket.TextMessage, len(text)))
		w.Write(text)
	}
	s.ended = w.Flush() // the first error of all of them
	w.Reset(nil)
	writers.Put(w)
	return s.ended
}

// WriteControl sends a ping, a pong or a close, after which nothing else is sent.
func (s *socket) WriteControl(kind int, data []byte, deadline time.Time) error {
	wait := time.NewTimer(time.Until(deadline))
	defer wait.Stop()
	select {
	case s.turn <- struct{}{}:
	case <-wait.C:
		return os.ErrDeadlineExceeded
	}
	defer func() { <-s.turn }()
	if s.ended != nil {
		return s.ended
	}
	s.NetConn().SetWriteDeadline(deadline)
	_, s.ended = s.NetConn().Write(append(appendHeader(nil, kind, len(data)), data...))
	if s.ended == nil && kind == websocket.CloseMessage {
		s.ended = net.ErrClosed
		return nil
	}
	return s.ended
}

// appendHeader appends the header of a whole, unmasked frame (RFC 6455, section
// 5.2).
func appendHeader(b []byte, kind, length int) []byte {
	const final = 0x80
	b = append(b, final|byte(kind))
	switch {
	case length < 126:
		return append(b, byte(length))
	case length < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, 126), uint16(length))
	default:
		return binary.BigEndian.AppendUint64(append(b, 127), uint64(length))
	}
}

// steady writes chunk after chunk, each within a time of its own.
type steady struct {
	net.Conn
	patience time.Duration
}

func (s steady) Write(b []byte) (written int, err error) {
	for len(b) > written && err == nil {
		s.SetWriteDeadline(time.Now().Add(s.patience))
		var n int
		n, err = s.Conn.Write(b[written:min(len(b), written+chunk)])
		written += n
	}
	return written, err
}
