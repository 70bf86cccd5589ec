package realtime

import (
	"testing"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// A connect that fails after it took the device over has taken it over: the
// socket before it must not stay, unknown to everybody.
func TestATakeoverThatFailsHalfwayTellsTheFirstSocket(t *testing.T) {
	w := newWorld(t, false)
	n1, n2 := w.node("n1"), w.node("n2")
	_, web := w.person(nil, "bob")
	first := web.connect(n1, "")
	n2.db.hook(func(call string) error {
		if call == "Device" {
			return away(call)
		}
		return nil
	})
	second := web.dial(n2, "")
	if f := second.expect(wire.Error); f.Code != string(chat.Unavailable) || !f.Retry {
		t.Errorf("told %s", f.raw)
	}
	second.closedWith(wire.CloseUnavailable)
	if f := first.expect(wire.Kicked); f.Reason != string(chat.Replaced) {
		t.Errorf("kicked: %s", f.raw)
	}
	first.closedWith(wire.CloseReplaced)
}

// While Redis is away every connect is refused, and nothing is kept of it.
func TestConnectsWhileRedisIsAwayLeaveNothingBehind(t *testing.T) {
	w := newWorld(t, true)
	n := w.node("n1")
	_, web := w.person(n, "bob")
	w.real.Kill()
	eventually(t, "Redis is away", func() bool { return !n.c.Up() })
	for range 5 {
		b := web.dial(n, "")
		if f := b.expect(wire.Error); f.Code != string(chat.Unavailable) || !f.Retry {
			t.Errorf("told %s", f.raw)
		}
		b.closedWith(wire.CloseUnavailable)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.parted)+len(n.seen) > 0 {
		t.Errorf("%d sessions to release, %d places to note", len(n.parted), len(n.seen))
	}
}

// A node that has not looked around yet knows neither who was signed out nor how
// far the lobby is.
func TestANodeThatIsNotReadyLetsNobodyIn(t *testing.T) {
	w := newWorld(t, false)
	n1 := w.node("n1")
	_, web := w.person(n1, "bob")
	n2 := w.startNode("n2", w.redis)
	n2.db.hook(func(call string) error {
		if call == "EndedSince" || call == "Conversation" {
			return away(call)
		}
		return nil
	})
	if n2.ready.Load() {
		t.Fatal("ready before the test could prevent it")
	}
	eventually(t, "Redis is there", n2.c.Up)
	b := web.dial(n2, "")
	if f := b.expect(wire.Error); f.Code != string(chat.Unavailable) || !f.Retry {
		t.Errorf("told %s", f.raw)
	}
	b.closedWith(wire.CloseUnavailable)
	n2.db.hook(nil)
	eventually(t, "ready", n2.ready.Load)
	web.connect(n2, "")
}
