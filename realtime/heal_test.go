package realtime

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// What was missed is missed since the first interruption that was not put right
// yet, whatever comes between.
func TestHealingReachesBackToTheFirstInterruption(t *testing.T) {
	w := newWorld(t, false)
	n := w.node("n1")
	bob, phone := w.person(n, "bob")
	b := phone.connect(n, "")
	tried := make(chan struct{}, 100)
	n.db.hook(func(call string) error {
		if call != "EndedSince" {
			return nil
		}
		tried <- struct{}{}
		return away(call)
	})
	n.Restored(time.Now().Add(-time.Second))
	<-tried
	n.Restored(time.Now().Add(time.Hour))
	// Nobody told Redis of it.
	if _, err := w.users.EndDevice(t.Context(), bob.id, "web", 0, chat.DeviceRemoved); err != nil {
		t.Fatal(err)
	}
	n.db.hook(nil)
	if f := b.expect(wire.Kicked); f.Reason != string(chat.DeviceRemoved) {
		t.Errorf("kicked: %s", f.raw)
	}
	b.closedWith(wire.CloseKicked)
}

// The head that a sweep read is old when the session had to be claimed again.
func TestAMessageBeforeTheSecondClaimIsShown(t *testing.T) {
	onEachRedis(t, func(w *world) {
		line := newProxy(w)
		n1, n2 := w.nodeVia("n1", line.url()), w.node("n2")
		_, alice := w.person(n2, "alice")
		bob, phone := w.person(n2, "bob")
		a, b := alice.connect(n2, ""), phone.connect(n1, "")
		w.do("DEL", "tl:{u:"+string(bob.id)+"}:sessions")
		line.holdAnswer(strconv.FormatInt(n1.conn(b).at().Position, 10))
		swept := make(chan error, 1)
		go func() { swept <- n1.sweepThese(w.t.Context(), n1.hub.all()) }()
		line.holds("")
		w.say(a, bob.target(), "one")
		line.pass()
		if err := <-swept; err != nil {
			w.t.Fatal(err)
		}
		b.hears("one")
	})
}

// After Redis was lost every session is claimed again, with several questions to
// the database and Redis each: not one after the other.
func TestSessionsAreClaimedAgainTogether(t *testing.T) {
	w := newWorld(t, false)
	n := w.node("n1")
	var all []at
	for i := range 8 {
		_, d := w.person(n, fmt.Sprint("person", i))
		d.connect(n, "")
		all = append(all, d)
	}
	var asking atomic.Int64
	together, over := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(over) })
	n.db.hook(func(call string) error {
		if call != "Authorise" {
			return nil
		}
		if asking.Add(1) == int64(len(all)) {
			close(together)
		}
		select {
		case <-together:
			return nil
		case <-over:
			return away(call)
		}
	})
	w.do("FLUSHALL")
	eventually(t, "all are online again", func() bool {
		for _, d := range all {
			if !n.online(d.User) {
				return false
			}
		}
		return true
	})
}

// A session that Redis has lost by itself is a sign that it has lost others, whose
// turn to be asked of has not come. One that comes or goes is none.
func TestALostSessionIsASign(t *testing.T) {
	onEachRedis(t, func(w *world) {
		n := w.node("n1")
		_, alice := w.person(n, "alice")
		bob, phone := w.person(n, "bob")
		a, b := alice.connect(n, ""), phone.connect(n, "")
		n.sweepAll()
		if n.lost.Load() {
			w.t.Error("nothing is lost yet")
		}
		w.do("DEL", "tl:{u:"+string(bob.id)+"}:sessions")
		n.sweepAll()
		if !n.lost.Load() {
			w.t.Error("a session was lost")
		}
		w.say(a, bob.target(), "one")
		b.hears("one")
	})
}

// Where there are few sockets each sweep asks of all; where there are many, all
// have their turn.
func TestWhomASweepAsksOf(t *testing.T) {
	for sockets, parts := range map[int]int{10: 1, sweepLeast: 1, 1000: sweepParts, 100 * sweepParts: sweepParts} {
		var all []*conn
		for range sockets {
			all = append(all, &conn{session: chat.Session{ID: chat.SessionID(chat.NewID())}})
		}
		asked := map[*conn]bool{}
		for part := range parts {
			some := partOf(all, part)
			for _, c := range some {
				asked[c] = true
			}
			if most := max(3*sweepLeast, sockets/8); len(some) > most {
				t.Errorf("%d of %d sockets are asked of at once", len(some), sockets)
			}
		}
		if len(asked) != sockets {
			t.Errorf("%d of %d sockets were asked of", len(asked), sockets)
		}
	}
}
