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

// S2.7, S2.9: who is not let in is told why, and then closed with the code that
// says so.
func TestRefusedConnectsAreToldWhy(t *testing.T) {
	w := newWorld(t, false)
	n := w.node("n1")
	gone, goneWeb := w.person(n, "gone")
	out, outWeb := w.person(n, "out")
	kicked, kickedWeb := w.person(n, "kicked")
	if err := n.c.End(t.Context(), []chat.Device{{User: gone.id, ID: "web", Login: 1, EndReason: chat.AccountRemoved}}); err != nil {
		t.Fatal(err)
	}
	ended, err := w.users.SetDisabled(t.Context(), out.id, true)
	if err != nil || n.c.End(t.Context(), ended) != nil {
		t.Fatal(err)
	}
	if err := n.c.End(t.Context(), []chat.Device{{User: kicked.id, ID: "web", Login: 1, EndReason: chat.PasswordChanged}}); err != nil {
		t.Fatal(err)
	}
	never := at{w, chat.Device{User: out.id, ID: "never", Login: 7}}
	for _, c := range []struct {
		hello Hello
		typ   string
		code  chat.Kind
		why   chat.Reason
		close int
	}{
		{Hello{}, wire.Error, chat.Unauthorized, "", wire.CloseInvalid},
		{Hello{Token: "expired"}, wire.Error, chat.TokenExpired, "", wire.CloseExpired},
		{Hello{Token: "forged"}, wire.Error, chat.TokenInvalid, "", wire.CloseInvalid},
		{Hello{Ticket: "forged"}, wire.Error, chat.TokenInvalid, "", wire.CloseInvalid},
		{Hello{Token: "nobody/web/1"}, wire.Error, chat.Unauthorized, "", wire.CloseUnknownUser},
		{Hello{Token: goneWeb.token()}, wire.Error, chat.Unauthorized, "", wire.CloseUnknownUser},
		{Hello{Token: outWeb.token()}, wire.Error, chat.AccountDisabled, "", wire.CloseDisabled},
		{Hello{Token: never.token()}, wire.Error, chat.AccountDisabled, "", wire.CloseDisabled},
		{Hello{Token: string(kicked.id) + "/never/1"}, wire.Error, chat.TokenInvalid, "", wire.CloseInvalid},
		{Hello{Token: kickedWeb.token()}, wire.Kicked, "", chat.PasswordChanged, wire.CloseKicked},
	} {
		s := w.serve(n, newSocket(t), c.hello)
		s.closedWith(c.close)
		if len(s.got) != 1 || s.got[0].Type != c.typ || s.got[0].Code != string(c.code) || s.got[0].Reason != string(c.why) {
			t.Errorf("%+v was told %s", c.hello, s.lastFew())
		}
	}
	if conns, _, _ := n.Describe(); conns != 0 {
		t.Errorf("%d sockets are left", conns)
	}
}

// Whoever is told to go is told so too, not only closed.
func TestSocketOfARemovedAccountIsToldWhy(t *testing.T) {
	w := newWorld(t, false)
	n := w.node("n1")
	bob, web := w.person(n, "bob")
	b := web.connect(n, "")
	if err := n.c.End(t.Context(), []chat.Device{{User: bob.id, ID: "web", Login: 1, EndReason: chat.AccountRemoved}}); err != nil {
		t.Fatal(err)
	}
	if f := b.expect(wire.Error); f.Code != string(chat.Unauthorized) {
		t.Errorf("told %s", f.raw)
	}
	b.closedWith(wire.CloseUnknownUser)
}

// An offset that is none is said to be, and does no harm. Welcome comes first.
func TestAnOffsetThatIsNone(t *testing.T) {
	w := newWorld(t, false)
	n := w.node("n1")
	_, web := w.person(n, "bob")
	b := web.dial(n, "nonsense")
	if f := b.expect(wire.Welcome); f.Resumed {
		t.Errorf("resumed: %s", f.raw)
	}
	b.expect(wire.Synced)
	b.hangUp()
	if told := b.frames(wire.Error); len(told) != 1 || told[0].Code != string(chat.Invalid) {
		t.Errorf("told %s", b.lastFew())
	}
}

// A socket that is in the hub and not yet welcome is shown nothing.
func TestNothingComesBeforeTheWelcome(t *testing.T) {
	w := newWorld(t, false)
	n1, n2 := w.node("n1"), w.node("n2")
	_, alice := w.person(n2, "alice")
	_, bob := w.person(nil, "bob") // Redis does not know of it
	a := alice.connect(n2, "")
	asked, goOn := n1.db.holdUp(t, "Device")
	b := bob.dial(n1, "")
	<-asked
	a.send(wire.ClientFrame{Type: wire.Signal, To: &lobbyTarget, Data: []byte(`1`)})
	a.send(wire.ClientFrame{Type: wire.Typing, To: &lobbyTarget, On: true})
	w.say(a, lobbyTarget, "hello")
	_, carol := w.person(n1, "carol")
	c := carol.connect(n1, "")
	a.send(wire.ClientFrame{Type: wire.Signal, To: &lobbyTarget, Data: []byte(`2`)})
	c.expect(wire.Signal) // and so bob's node has heard of all before
	goOn()
	b.expect(wire.Welcome)
	b.expect(wire.Synced)
	b.hears("hello")
}
