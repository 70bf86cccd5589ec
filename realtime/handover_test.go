package realtime

import (
	"context"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// slowGate is a gate that a token passes when the test says so.
type slowGate struct {
	Gate
	asked, open chan struct{}
}

func (g slowGate) Verify(token string) (chat.Identity, error) {
	g.asked <- struct{}{}
	<-g.open
	return g.Gate.Verify(token)
}

// A socket that is being let in when the drain begins is handed over like all
// others, or the node would wait for it until its time is up.
func TestADrainFindsWhoIsAtTheDoor(t *testing.T) {
	w := newWorld(t, false)
	n := w.node("n1")
	_, alice := w.person(n, "alice")
	gate := slowGate{n.o.Gate, make(chan struct{}), make(chan struct{})}
	n.o.Gate = gate
	s := alice.dial(n, "")
	<-gate.asked
	drained := make(chan struct{})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	go func() { defer close(drained); n.Drain(ctx) }()
	eventually(t, "the node drains", n.drain.Load)
	close(gate.open)
	s.expect(wire.Drain)
	s.closedWith(wire.CloseGoingAway)
	<-drained
	if ctx.Err() != nil {
		t.Error("the drain took all the time it had")
	}
}

// However many sockets there are, all are told before the time is up.
func TestADrainReachesEverybodyInTime(t *testing.T) {
	w := newWorld(t, false)
	n := w.node("n1")
	n.stop() // or its sweep would find that Redis knows none of these
	var sockets []*socket
	for range 2000 {
		s := newSocket(t)
		sockets = append(sockets, s)
		c := newConn(n.Node, s)
		c.session = chat.Session{ID: chat.SessionID(chat.NewID()), User: chat.UserID(chat.NewID())}
		n.hub.add(c)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	n.Drain(ctx)
	for _, s := range sockets {
		eventually(t, "everybody is told", func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.code == wire.CloseGoingAway && len(s.got) == 1 && s.got[0].Type == wire.Drain
		})
	}
}

// Only so many come or go at a time; the others wait, and get in.
func TestTheDoorIsNarrow(t *testing.T) {
	w := newWorld(t, false)
	n := w.node("n1")
	person, _ := w.person(n, "alice")
	gate := slowGate{n.o.Gate, make(chan struct{}, doorMost+1), make(chan struct{})}
	n.o.Gate = gate
	var sockets []*socket
	for i := range doorMost + 1 {
		sockets = append(sockets, person.signIn(n, chat.DeviceID(rune('a'+i))).dial(n, ""))
	}
	eventually(t, "all but one are at the gate", func() bool { return len(gate.asked) == doorMost && n.waiting.Load() == 1 })
	close(gate.open)
	for _, s := range sockets[doorMost-9:] { // the newest ten devices stay signed in
		s.expect(wire.Synced)
	}
	eventually(t, "nobody waits", func() bool { return n.waiting.Load() == 0 })
}
