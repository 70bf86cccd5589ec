package realtime

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

func (s *socket) watch(users ...chat.UserID) {
	s.send(wire.ClientFrame{Type: wire.Watch, Users: users})
}

// sees waits until what the client was last told of a user is that they are
// online, or not.
func (s *socket) sees(u chat.UserID, online bool) wire.PresenceStatus {
	s.t.Helper()
	var last wire.PresenceStatus
	eventually(s.t, fmt.Sprintf("%s is seen online: %v", u, online), func() bool {
		known := false
		for _, f := range s.frames(wire.Presence) {
			if p, ok := f.Users[string(u)]; ok {
				last, known = p, true
			}
		}
		return known && last.Online == online
	})
	return last
}

// Promise 5: presence tells the truth, and a reconnect within the grace time is
// not seen.
func TestWatchTellsOfEachChange(t *testing.T) {
	onEachRedis(t, func(w *world) {
		w.o.grace = 500 * time.Millisecond
		n1, n2 := w.node("n1"), w.node("n2")
		bob, web := w.person(n1, "bob")
		phone := bob.signIn(n1, "phone")
		_, carols := w.person(n2, "carol")
		c := carols.connect(n2, "")
		c.watch(bob.id)
		if p := c.sees(bob.id, false); p.LastSeen == nil {
			w.t.Error("nobody knows when bob was last seen")
		}
		b := web.connect(n1, "")
		if p := c.sees(bob.id, true); !slices.Equal(p.Devices, []chat.Platform{chat.Web}) {
			w.t.Errorf("on %v", p.Devices)
		}
		before := len(c.frames(wire.Presence))
		b.hangUp()
		b = web.connect(n2, "")
		second := phone.connect(n1, "")
		eventually(w.t, "both devices are seen", func() bool {
			all := c.frames(wire.Presence)
			return len(all[len(all)-1].Users[string(bob.id)].Devices) == 2
		})
		for _, f := range c.frames(wire.Presence)[before:] {
			if !f.Users[string(bob.id)].Online {
				w.t.Errorf("a reconnect was seen: %s", f.raw)
			}
		}
		second.hangUp()
		b.hangUp()
		c.sees(bob.id, false)
		c.send(wire.ClientFrame{Type: wire.Unwatch, Users: []chat.UserID{bob.id}})
		web.connect(n1, "")
		_, dave := w.person(n2, "dave")
		d := dave.connect(n2, "")
		d.watch(bob.id)
		d.sees(bob.id, true)
		if all := c.frames(wire.Presence); all[len(all)-1].Users[string(bob.id)].Online {
			w.t.Error("told after unwatch")
		}
	})
}

// Promise 8: presence goes on without the database.
func TestWatchWithoutTheDatabase(t *testing.T) {
	w := newWorld(t, false)
	w.o.grace = 100 * time.Millisecond
	n := w.node("n1")
	bob, web := w.person(n, "bob")
	_, carols := w.person(n, "carol")
	c := carols.connect(n, "")
	n.db.hook(func(call string) error {
		if call == "LastSeen" {
			return away(call)
		}
		return nil
	})
	c.watch(bob.id)
	c.sees(bob.id, false)
	b := web.connect(n, "")
	c.sees(bob.id, true)
	b.hangUp()
	c.sees(bob.id, false)
}

// Whoever asks to watch too many watches those of before, and nothing of it is
// left when they go.
func TestWatchOfTooManyIsRefused(t *testing.T) {
	w := newWorld(t, false)
	n := w.node("n1")
	bob, web := w.person(n, "bob")
	_, carols := w.person(n, "carol")
	c := carols.connect(n, "")
	c.watch()
	if f := c.expect(wire.Presence); len(f.Users) > 0 {
		t.Errorf("nobody was asked for: %s", f.raw)
	}
	c.watch(bob.id)
	c.sees(bob.id, false)
	many := []chat.UserID{bob.id}
	for i := range wire.MaxUsers - 1 {
		many = append(many, chat.UserID(fmt.Sprint("u", i)))
	}
	c.watch(many...)
	c.expectOne("everybody", func(f *frame) bool { return len(f.Users) == wire.MaxUsers })
	c.send(wire.ClientFrame{Type: wire.Watch, ID: "one more", Users: []chat.UserID{bob.id, "more"}})
	if f := c.expect(wire.Error); f.Re != "one more" || f.Code != string(chat.Invalid) {
		t.Errorf("told %s", f.raw)
	}
	web.connect(n, "")
	c.sees(bob.id, true)
	c.hangUp()
	n.watch.mu.Lock()
	defer n.watch.mu.Unlock()
	if len(n.watch.users) > 0 {
		t.Errorf("%d are still watched for nobody", len(n.watch.users))
	}
}

// Presence is dropped when a reader is slow, and told later.
func TestPresenceThatWasDroppedIsToldAgain(t *testing.T) {
	w := newWorld(t, false)
	n := w.node("n1")
	bob, web := w.person(n, "bob")
	_, alice := w.person(n, "alice")
	carol, carols := w.person(n, "carol")
	_, dave := w.person(n, "dave")
	a, c, d := alice.connect(n, ""), carols.connect(n, ""), dave.connect(n, "")
	c.watch(bob.id)
	d.watch(bob.id)
	c.sees(bob.id, false)
	d.sees(bob.id, false)
	c.stall(true)
	for _, text := range numbered(strings.Repeat("x", 15_000), 1, 6) {
		w.say(a, carol.target(), text)
	}
	eventually(t, "carol is slow", func() bool {
		conn := n.conn(c)
		conn.mu.Lock()
		defer conn.mu.Unlock()
		return conn.size > outLow
	})
	web.connect(n, "")
	d.sees(bob.id, true)
	c.stall(false)
	c.sees(bob.id, true)
}

// A database that does not answer holds nobody up: it only adds when
// people were last seen.
func TestWatchWithAFrozenDatabase(t *testing.T) {
	w := newWorld(t, false)
	n := w.node("n1")
	bob, web := w.person(n, "bob")
	_, carols := w.person(n, "carol")
	c := carols.connect(n, "")
	frozen, _ := n.db.holdUp(t, "LastSeen")
	c.watch(bob.id)
	<-frozen
	c.sees(bob.id, false)
	web.connect(n, "")
	c.sees(bob.id, true)
	if _, err := n.Presence(t.Context(), []chat.UserID{bob.id, "nobody"}); err != nil {
		t.Error(err)
	}
}

// However many are watched, whoever asks is answered with those they asked for.
func TestAnAnswerDoesNotWaitForEverybodyWatched(t *testing.T) {
	w := newWatchers(nil)
	for i := range 3 * lookMost {
		w.dirty[chat.UserID(fmt.Sprint("u", i))] = struct{}{}
	}
	w.asked = []question{{nil, []chat.UserID{"a"}}, {nil, []chat.UserID{"b"}}}
	some, asked := w.take()
	if len(asked) != 2 || len(some) > lookMost || !slices.Contains(some, "a") || !slices.Contains(some, "b") {
		t.Errorf("%d are asked of Redis for %d questions", len(some), len(asked))
	}
}
