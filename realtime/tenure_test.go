package realtime

import (
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// online asks Redis who of one is.
func (p *peer) online(u chat.UserID) bool {
	p.w.t.Helper()
	now, err := p.c.Presences(p.w.t.Context(), []chat.UserID{u})
	if err != nil {
		p.w.t.Fatal(err)
	}
	return now[u].Online
}

// A sweep that looks at a socket while it closes must not take the device back
// for it: nobody would ever give it up again.
func TestASweepDoesNotReviveAClosingSession(t *testing.T) {
	w := newWorld(t, false)
	w.o.grace = 50 * time.Millisecond
	line := newProxy(w)
	n1, n2 := w.nodeVia("n1", line.url()), w.node("watching")
	bob, phone := w.person(n1, "bob")
	_, carols := w.person(n1, "carol")
	b, carol := phone.connect(n1, ""), carols.connect(n2, "")
	carol.send(wire.ClientFrame{Type: wire.Watch, Users: []chat.UserID{bob.id}})
	carol.expect(wire.Presence)
	conns := n1.hub.all()
	line.holdAnswer("watching") // Redis has released it, and says whom to tell
	b.change(func() { b.hungUp = true })
	line.holds("watching")
	if err := n1.sweepThese(t.Context(), conns); err != nil {
		t.Fatal(err)
	}
	line.pass()
	b.ended()
	eventually(t, "bob is offline", func() bool { return !n1.online(bob.id) })
}
