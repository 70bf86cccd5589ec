package main

import (
	"errors"
	"log/slog"
	"math"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// doorman is a listener that lets no more connections in than the process has
// file descriptors for, less what it needs for itself: with none left it could
// reach neither Redis nor the database for those who are in. Whoever is turned
// away finds the connection closed, and tries another node.
type doorman struct {
	net.Listener
	log    *slog.Logger
	most   int64
	inside atomic.Int64
	turned prometheus.Counter
}

// ownFiles is how many descriptors a node keeps for itself: its pools, its files,
// and a connection to be turned away.
const ownFiles = 128

// shortOfFiles is how long a listener waits that could accept nothing.
const shortOfFiles = 50 * time.Millisecond

func newDoorman(l net.Listener, most int64, log *slog.Logger) *doorman {
	return &doorman{Listener: l, log: log, most: most, turned: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tieline_turned_away_total", Help: "Connections closed at once because the process has no file descriptors left for more.",
	})}
}

// connectionsMost is how many connections there are descriptors for.
func connectionsMost() int64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur > math.MaxInt32 {
		return math.MaxInt32
	}
	return max(int64(limit.Cur)-ownFiles, int64(limit.Cur)/2)
}

// Accept returns the next connection. Fiber's server ends at any error, so what
// passes by itself is waited out here.
func (d *doorman) Accept() (net.Conn, error) {
	for {
		c, err := d.Listener.Accept()
		switch {
		case err != nil && passes(err):
			d.log.Warn("no connection could be accepted", "error", err)
			time.Sleep(shortOfFiles)
		case err != nil:
			return nil, err
		case d.inside.Add(1) > d.most:
			d.inside.Add(-1)
			d.turned.Inc()
			c.Close()
		default:
			return &guest{Conn: c, doorman: d}, nil
		}
	}
}

// passes reports whether an error of Accept is one of the moment.
func passes(err error) bool {
	for _, known := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// guest is a connection that was let in.
type guest struct {
	net.Conn
	doorman *doorman
	gone    atomic.Bool
}

func (g *guest) Close() error {
	if !g.gone.Swap(true) {
		g.doorman.inside.Add(-1)
	}
	return g.Conn.Close()
}
