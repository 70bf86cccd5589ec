package verify

import (
	"net"
	"sync"
)

// line is a TCP connection that can be frozen: nothing more comes out of it,
// what is written into it vanishes, and the other side is not told, as when a
// phone loses its network.
type line struct {
	net.Conn
	frozen chan struct{}
	closed chan struct{}

	freezing, closing sync.Once
}

func newLine(c net.Conn) *line {
	return &line{Conn: c, frozen: make(chan struct{}), closed: make(chan struct{})}
}

func (l *line) freeze() { l.freezing.Do(func() { close(l.frozen) }) }

func (l *line) isFrozen() bool {
	select {
	case <-l.frozen:
		return true
	default:
		return false
	}
}

// Read reads until the line is frozen; from then on it waits for Close.
func (l *line) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	if l.isFrozen() {
		<-l.closed
		return 0, net.ErrClosed
	}
	return n, err
}

// Write writes, or pretends to.
func (l *line) Write(p []byte) (int, error) {
	if l.isFrozen() {
		return len(p), nil
	}
	return l.Conn.Write(p)
}

// Close ends the connection.
func (l *line) Close() error {
	l.closing.Do(func() { close(l.closed) })
	return l.Conn.Close()
}
