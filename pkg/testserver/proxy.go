package testserver

import (
	"bytes"
	"net"
	"sync"
	"testing"
	"time"
)

// ProxyServer is a way to a Redis on which things go wrong.
type ProxyServer struct {
	t        testing.TB
	listener net.Listener
	upstream string
	running  sync.WaitGroup

	mu    sync.Mutex
	links map[*link]bool
	delay time.Duration
	deaf  bool // new links are silent from the start
	lose  []loss
}

// loss is a reply to be lost: that of the next request with a word in it.
type loss struct {
	word []byte
	lost chan struct{}
}

// Proxy passes everything on to a server, until it is told otherwise.
func Proxy(t testing.TB, upstream string) *ProxyServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal("testserver: proxy:", err)
	}
	p := &ProxyServer{t: t, listener: l, upstream: upstream, links: map[*link]bool{}}
	p.running.Go(p.accept)
	t.Cleanup(func() {
		l.Close()
		p.Cut()
		p.running.Wait()
	})
	return p
}

// Addr returns host:port.
func (p *ProxyServer) Addr() string { return p.listener.Addr().String() }

// URL returns the way as a redis:// URL.
func (p *ProxyServer) URL() string { return "redis://" + p.Addr() + "/0" }

// Delay has every byte arrive that much later, in both directions.
func (p *ProxyServer) Delay(by time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = by
}

// Cut closes all connections; new ones are let through.
func (p *ProxyServer) Cut() { p.each((*link).close) }

// CutSubscribers closes those connections that have subscribed to something.
func (p *ProxyServer) CutSubscribers() { p.each(subscribers((*link).close)) }

// Silence makes all connections half-open: nothing passes any more, and neither
// side is told. New ones are let through.
func (p *ProxyServer) Silence() { p.each(mute) }

// SilenceSubscribers does so to those connections that have subscribed.
func (p *ProxyServer) SilenceSubscribers() { p.each(subscribers(mute)) }

// Partition lets nothing pass, on new connections either, until Heal.
func (p *ProxyServer) Partition() {
	p.mu.Lock()
	p.deaf = true
	p.mu.Unlock()
	p.each(func(l *link) { l.silence(false) })
}

// Heal ends a Partition. What was on its way arrives, late, but on connections
// that the client has given up.
func (p *ProxyServer) Heal() {
	p.mu.Lock()
	p.deaf = false
	p.mu.Unlock()
	p.each((*link).speak)
}

// LoseReply has the next request with a word in it executed and its reply lost,
// with the connection; the channel is closed when that has happened.
func (p *ProxyServer) LoseReply(word string) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := loss{[]byte(word), make(chan struct{})}
	p.lose = append(p.lose, l)
	return l.lost
}

func mute(l *link) { l.silence(true) }

func subscribers(do func(*link)) func(*link) {
	return func(l *link) {
		if l.hasSubscribed() {
			do(l)
		}
	}
}

func (p *ProxyServer) each(do func(*link)) {
	p.mu.Lock()
	var all []*link
	for l := range p.links {
		all = append(all, l)
	}
	p.mu.Unlock()
	for _, l := range all {
		do(l)
	}
}

func (p *ProxyServer) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		up, err := net.DialTimeout("tcp", p.upstream, time.Second)
		if err != nil {
			conn.Close()
			continue
		}
		l := &link{p: p, client: conn, server: up, gone: make(chan struct{}), speaks: make(chan struct{})}
		p.mu.Lock()
		p.links[l] = true
		if !p.deaf {
			close(l.speaks)
		}
		p.mu.Unlock()
		p.running.Go(l.run)
	}
}

// takeLoss returns the loss that a request is to suffer.
func (p *ProxyServer) takeLoss(request []byte) chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, l := range p.lose {
		if bytes.Contains(request, l.word) {
			p.lose = append(p.lose[:i:i], p.lose[i+1:]...)
			return l.lost
		}
	}
	return nil
}

func (p *ProxyServer) latency() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.delay
}

func (p *ProxyServer) forget(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
}
