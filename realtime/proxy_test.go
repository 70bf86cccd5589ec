package realtime

import (
	"bytes"
	"net"
	"strings"
	"sync"
	"testing"
)

// proxy stands between one node and its Redis. What Redis says on the node's
// subscription always passes; its other answers a test may hold up.
type proxy struct {
	t    *testing.T
	ln   net.Listener
	to   string
	work sync.WaitGroup

	mu    sync.Mutex
	moved chan struct{} // closed and replaced when something changes
	hold  bool
	only  string // not empty: only the first answer with this text
	held  []byte // answers that wait
	conns map[net.Conn]bool
}

func newProxy(w *world) *proxy {
	w.t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	to, _, _ := strings.Cut(strings.TrimPrefix(w.redis, "redis://"), "/")
	p := &proxy{t: w.t, ln: ln, to: to, moved: make(chan struct{}), conns: map[net.Conn]bool{}}
	p.work.Go(p.accept)
	w.t.Cleanup(func() {
		ln.Close()
		p.pass()
		p.mu.Lock()
		for c := range p.conns {
			c.Close()
		}
		p.mu.Unlock()
		p.work.Wait()
	})
	return p
}

func (p *proxy) url() string { return "redis://" + p.ln.Addr().String() }

func (p *proxy) accept() {
	for {
		client, err := p.ln.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.to)
		if err != nil {
			client.Close()
			continue
		}
		p.mu.Lock()
		p.conns[client], p.conns[server] = true, true
		p.mu.Unlock()
		var subscribed sync.Once
		bus := make(chan struct{}) // closed when the client subscribes
		p.work.Go(func() {
			defer server.Close()
			p.copy(server, client, func(b []byte) {
				if bytes.Contains(bytes.ToLower(b), []byte("subscribe")) {
					subscribed.Do(func() { close(bus) })
				}
			})
		})
		p.work.Go(func() {
			defer client.Close()
			p.copy(client, server, func(b []byte) {
				select {
				case <-bus:
				default:
					p.wait(b)
				}
			})
		})
	}
}

func (p *proxy) copy(to, from net.Conn, look func([]byte)) {
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		if n > 0 {
			look(b[:n])
			if _, err := to.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (p *proxy) wait(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.hold || p.held != nil || !bytes.Contains(b, []byte(p.only)) {
		return
	}
	p.held = append(p.held, b...)
	for p.hold {
		moved := p.moved
		p.mu.Unlock()
		<-moved
		p.mu.Lock()
	}
}

func (p *proxy) touch() {
	close(p.moved)
	p.moved = make(chan struct{})
}

// holdAnswer holds up the next answer with this text, and no other; pass ends
// that.
func (p *proxy) holdAnswer(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hold, p.only, p.held = true, text, nil
}

func (p *proxy) pass() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hold = false
	p.touch()
}

// holds waits until an answer with this text is held up.
func (p *proxy) holds(text string) {
	p.t.Helper()
	eventually(p.t, "an answer with "+text, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.held != nil && bytes.Contains(p.held, []byte(text))
	})
}
