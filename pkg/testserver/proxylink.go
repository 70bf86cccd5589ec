package testserver

import (
	"bytes"
	"net"
	"sync"
	"time"
)

// link is one connection through a ProxyServer.
type link struct {
	p              *ProxyServer
	client, server net.Conn
	gone           chan struct{} // closed when the link is
	closing        sync.Once

	mu         sync.Mutex
	speaks     chan struct{} // closed while bytes pass
	lost       bool          // it never speaks again
	abandoned  bool          // one side has closed while it was silent
	subscribed bool
	lose       chan struct{} // the next reply is to be lost
}

// chunk is some bytes on their way.
type chunk struct {
	at   time.Time
	data []byte
}

func (l *link) run() {
	var pumps sync.WaitGroup
	pumps.Go(func() { l.pump(l.client, l.server, l.noteRequest) })
	pumps.Go(func() { l.pump(l.server, l.client, l.noteReply) })
	pumps.Wait()
	l.p.forget(l)
}

// pump carries bytes from one side to the other, each as late as the others.
func (l *link) pump(from, to net.Conn, note func([]byte) bool) {
	var carrier sync.WaitGroup
	ways := make(chan chunk, 1024)
	carrier.Go(func() { l.carry(ways, to, note) })
	for {
		buffer := make([]byte, 32<<10)
		n, err := from.Read(buffer)
		if n > 0 {
			select {
			case ways <- chunk{time.Now(), buffer[:n]}:
			case <-l.gone:
			}
		}
		if err != nil {
			break
		}
	}
	close(ways)
	if l.abandon() {
		<-l.gone // the other side does not learn of it
	}
	carrier.Wait()
	l.close()
}

func (l *link) carry(ways <-chan chunk, to net.Conn, note func([]byte) bool) {
	for c := range ways {
		if wait := time.Until(c.at.Add(l.p.latency())); wait > 0 {
			select {
			case <-time.After(wait):
			case <-l.gone:
			}
		}
		select {
		case <-l.speech():
		case <-l.gone:
			return
		}
		if !note(c.data) {
			l.close()
			return
		}
		if _, err := to.Write(c.data); err != nil {
			l.close()
			return
		}
	}
}

// noteRequest looks at what a client says; it always may.
func (l *link) noteRequest(data []byte) bool {
	lost := l.p.takeLoss(data)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.subscribed = l.subscribed || bytes.Contains(bytes.ToLower(data), []byte("subscribe"))
	if lost != nil {
		l.lose = lost
	}
	return true
}

// noteReply reports whether a reply may pass.
func (l *link) noteReply([]byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lose == nil {
		return true
	}
	close(l.lose)
	l.lose = nil
	return false
}

func (l *link) hasSubscribed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.subscribed
}

func (l *link) close() {
	l.closing.Do(func() {
		close(l.gone)
		l.client.Close()
		l.server.Close()
	})
}

func (l *link) speech() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.speaks
}

// isSilent is called under the lock.
func (l *link) isSilent() bool {
	select {
	case <-l.speaks:
		return false
	default:
		return true
	}
}

// silence lets nothing pass any more; for good, or until speak.
func (l *link) silence(forGood bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = l.lost || forGood
	if !l.isSilent() {
		l.speaks = make(chan struct{})
	}
}

func (l *link) speak() {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.lost:
	case l.abandoned:
		l.close()
	case l.isSilent():
		close(l.speaks)
	}
}

// abandon notes that one side has closed, and reports whether the link is
// silent, so that the other side must not notice.
func (l *link) abandon() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.abandoned = l.isSilent()
	return l.abandoned
}
