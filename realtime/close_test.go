package realtime

import (
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// A kick between the claim and the welcome finds its socket, and ends it even if
// the client does not answer.
func TestAKickDuringTheClaim(t *testing.T) {
	w := newWorld(t, false)
	n1, n2 := w.node("n1"), w.node("n2")
	_, web := w.person(nil, "bob")
	asked, goOn := n1.db.holdUp(t, "Device")
	first := newSocket(t)
	first.deaf = true
	web.dialAs(n1, first, "")
	<-asked
	second := web.connect(n2, "")
	if f := first.expect(wire.Kicked); f.Reason != string(chat.Replaced) {
		t.Errorf("told %s", f.raw)
	}
	goOn()
	first.closedWith(wire.CloseReplaced)
	n2.sweepAll()
	second.send(wire.ClientFrame{Type: wire.Ping})
	second.expect(wire.Pong)
	if !n2.online(web.User) {
		t.Error("bob is offline")
	}
}

// A client from which nothing comes is closed after three heartbeats, and one
// that asks faster than it reads is not taken for such.
func TestSilenceEndsASocketAndSlownessDoesNot(t *testing.T) {
	w := newWorld(t, false)
	w.o.heartbeat = time.Second
	n := w.node("n1")
	_, alice := w.person(n, "alice")
	bob, phone := w.person(n, "bob")
	_, carol := w.person(n, "carol")
	a, b := alice.connect(n, ""), phone.connect(n, "")
	var conversation string
	for range 10 {
		conversation = w.say(a, bob.target(), string(make([]rune, 5000))+"x").Conversation
	}
	b.stall(true)
	for range 20 {
		b.send(wire.ClientFrame{Type: wire.History, Conversation: chat.ConversationID(conversation)})
	}
	eventually(t, "it is read from no more", func() bool { return n.conn(b).isFull() })
	dead := newSocket(t)
	dead.deaf = true
	carol.dialAs(n, dead, "").expect(wire.Synced)
	dead.ended()
	b.stall(false)
	b.send(wire.ClientFrame{Type: wire.Ping})
	b.expect(wire.Pong)
	a.send(wire.ClientFrame{Type: wire.Ping}) // idle, but answers pings
	a.expect(wire.Pong)
}

func (c *conn) isFull() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.size > outBudget && c.room != nil
}

// Promise 6: whoever is signed out is off at once, whether or not they read.
func TestAKickDoesNotWaitForAStalledReader(t *testing.T) {
	w := newWorld(t, false)
	n := w.node("n1")
	_, alice := w.person(n, "alice")
	bob, phone := w.person(n, "bob")
	a, b := alice.connect(n, ""), phone.connect(n, "")
	b.change(func() { b.deaf, b.stalled = true, true })
	w.say(a, bob.target(), "one")
	eventually(t, "a write under way", func() bool { b.mu.Lock(); defer b.mu.Unlock(); return b.writing })
	if err := n.c.End(t.Context(), []chat.Device{{User: bob.id, ID: "web", Login: 1, EndReason: chat.Disabled}}); err != nil {
		t.Fatal(err)
	}
	b.ended()
	if conns, _, _ := n.Describe(); conns != 1 {
		t.Errorf("%d sockets are open", conns)
	}
}
