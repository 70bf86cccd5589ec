package cluster

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"syscall"
	"time"
)

// lines are the connections to Redis, so that all of them can be hung up when
// they can no longer be relied on. A pool that has to find out by itself that a
// connection is dead finds out one connection, and one timeout, at a time.
type lines struct {
	mu   sync.Mutex
	open map[*line]struct{}
}

// line is one connection.
type line struct {
	*net.TCPConn
	of *lines
}

func newLines() *lines { return &lines{open: map[*line]struct{}{}} }

// dialer returns a dial function for a client, with TLS if there is a config.
func (l *lines) dialer(config *tls.Config) dialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		d := net.Dialer{Timeout: dialTimeout}
		conn, err := d.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		tcp, ok := conn.(*net.TCPConn)
		if !ok {
			return conn, nil
		}
		// What a closed connection has not sent yet is not sent any more: a command
		// that was given up must not arrive after what was done instead.
		if err := tcp.SetLinger(0); err != nil {
			tcp.Close()
			return nil, err
		}
		one := &line{tcp, l}
		l.mu.Lock()
		l.open[one] = struct{}{}
		l.mu.Unlock()
		if config == nil {
			return one, nil
		}
		secure := tls.Client(one, withName(config, addr))
		if err := secure.HandshakeContext(ctx); err != nil {
			one.Close()
			return nil, err
		}
		return secure, nil
	}
}

// withName has a certificate checked for the host that is dialled, unless
// another name is set.
func withName(config *tls.Config, addr string) *tls.Config {
	if config.ServerName != "" {
		return config
	}
	config = config.Clone()
	config.ServerName, _, _ = net.SplitHostPort(addr)
	return config
}

// Close closes the connection and forgets it.
func (l *line) Close() error {
	l.of.mu.Lock()
	delete(l.of.open, l)
	l.of.mu.Unlock()
	return l.TCPConn.Close()
}

// hangUp closes all connections; what is under way on them fails at once.
func (l *lines) hangUp() {
	l.mu.Lock()
	var all []*line
	for one := range l.open {
		all = append(all, one)
	}
	l.mu.Unlock()
	for _, one := range all {
		one.Close()
	}
}

// dialFunc makes a connection to an address.
type dialFunc = func(ctx context.Context, network, addr string) (net.Conn, error)

// afresh has every dial tried. After some failures the pools of the client
// library do not try for up to a second, however soon the server is back. A
// connection that fails at its first use does not count as such a failure.
func afresh(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return unreachable{err}, nil
		}
		return conn, nil
	}
}

// unreachable stands for a connection that could not be made.
type unreachable struct{ err error }

func (u unreachable) Read([]byte) (int, error)              { return 0, u.err }
func (u unreachable) Write([]byte) (int, error)             { return 0, u.err }
func (u unreachable) Close() error                          { return nil }
func (u unreachable) LocalAddr() net.Addr                   { return &net.TCPAddr{} }
func (u unreachable) RemoteAddr() net.Addr                  { return &net.TCPAddr{} }
func (u unreachable) SetDeadline(time.Time) error           { return nil }
func (u unreachable) SetReadDeadline(time.Time) error       { return nil }
func (u unreachable) SetWriteDeadline(time.Time) error      { return nil }
func (u unreachable) SyscallConn() (syscall.RawConn, error) { return nil, u.err }
