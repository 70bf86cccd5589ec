package realtime

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// A client that pings while it reads slowly keeps its socket. However many pings
// come, one answer waits, which is to the newest.
func TestPingsAreAnsweredInTheirTurn(t *testing.T) {
	w := newWorld(t, false)
	n := w.node("n1")
	_, alice := w.person(n, "alice")
	bob, phone := w.person(n, "bob")
	a, b := alice.connect(n, ""), phone.connect(n, "")
	c := n.conn(b)
	b.stall(true)
	w.say(a, bob.target(), "one")
	pings := numbered("p", 1, 100)
	b.change(func() { b.pings = pings })
	eventually(t, "the pings were read", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return string(c.pong) == "p100"
	})
	c.mu.Lock()
	waiting := len(c.out)
	c.mu.Unlock()
	if waiting > 2 {
		t.Errorf("%d frames wait for one socket", waiting)
	}
	b.stall(false)
	b.hears("one")
	eventually(t, "the newest ping is answered", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return slices.Contains(b.answered, "p100")
	})
	if len(b.answered) > 50 {
		t.Errorf("%d answers to 100 pings", len(b.answered))
	}
}

// What comes faster than anybody needs is read later, and not lost.
func TestAFloodIsReadLater(t *testing.T) {
	w := newWorld(t, false)
	n := w.node("n1")
	_, alice := w.person(n, "alice")
	a := alice.connect(n, "")
	for i := range freeMost + 50 {
		a.send(wire.ClientFrame{Type: wire.Ping, ID: fmt.Sprint(i)})
	}
	for range freeMost + 50 {
		a.expect(wire.Pong)
	}
	for range freeMost + 50 {
		a.send(map[string]string{"type": "nonsense"})
	}
	for range freeMost + 50 {
		a.expect(wire.Error)
	}
}

func TestWhoGoesOverALimitIsHeld(t *testing.T) {
	if d := holdFor(&chat.Error{Kind: chat.RateLimited, Retry: 20}); d != 20 {
		t.Error(d)
	}
	if d := holdFor(&chat.Error{Kind: chat.RateLimited, Retry: 5 * holdMost}); d != holdMost {
		t.Error(d)
	}
	if d := holdFor(chat.E("x", chat.Invalid, nil)); d != 0 {
		t.Error(d)
	}
}

// A frame over the limit closes the socket with a code, behind what waits.
func TestAFrameThatIsTooBig(t *testing.T) {
	w := newWorld(t, false)
	n := w.node("n1")
	_, alice := w.person(n, "alice")
	bob, _ := w.person(n, "bob")
	a := alice.connect(n, "")
	to := bob.target()
	a.send(wire.ClientFrame{Type: wire.Signal, To: &to, Data: []byte(`"` + strings.Repeat("x", wire.MaxFrame) + `"`)})
	a.closedWith(wire.CloseTooBig)
}
