package realtime

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/wire"
)

// Promise 7: a slow reader costs a bounded buffer, catches up without loss, and
// harms nobody else.
func TestSlowReaderCostsABoundedBufferAndLosesNothing(t *testing.T) {
	w := newWorld(t, false)
	n := w.node("n1")
	_, alice := w.person(n, "alice")
	bob, phone := w.person(n, "bob")
	_, carols := w.person(n, "carol")
	a, b, carol := alice.connect(n, ""), phone.connect(n, ""), carols.connect(n, "")
	c := n.conn(b)
	b.stall(true)
	large := strings.Repeat("x", 15_000)
	var want []string
	for i, text := range numbered("", 1, 60) {
		want = append(want, text+large)
		to := bob.target()
		if i%3 == 0 {
			to = lobbyTarget
		}
		w.say(a, to, text+large)
	}
	carol.hears(want[0], want[57]) // those of the lobby: nobody waits for bob
	most := 0
	for range want {
		b.readOne()
		c.mu.Lock()
		most = max(most, c.size)
		c.mu.Unlock()
	}
	b.stall(false)
	b.hears(want...)
	if most > outBudget+len(large)+1000 {
		t.Errorf("%d bytes waited for one socket", most)
	}
	if got := b.texts(); len(got) != len(want) {
		t.Errorf("%d messages, want %d", len(got), len(want))
	}
}

// What one person sends in one conversation comes in that order, whatever the
// pace of the reader.
func TestSlowReaderKeepsTheOrder(t *testing.T) {
	w := newWorld(t, false)
	n := w.node("n1")
	_, alice := w.person(n, "alice")
	bob, phone := w.person(n, "bob")
	a, b := alice.connect(n, ""), phone.connect(n, "")
	b.stall(true)
	want := numbered("", 1, 400)
	for i := range want {
		want[i] += strings.Repeat(".", 1000)
		w.sayAs(a, bob.target(), want[i])
	}
	for range 100 {
		b.readOne()
	}
	b.stall(false)
	b.hears(want...)
	if !slices.Equal(b.texts(), want) {
		t.Error("out of order")
	}
}

// A reader that takes nothing at all is cut, is told why if it can be, and can
// resume.
func TestReaderThatStallsForGoodIsCut(t *testing.T) {
	w := newWorld(t, false)
	n := w.node("n1")
	_, alice := w.person(n, "alice")
	bob, phone := w.person(n, "bob")
	a, b := alice.connect(n, ""), phone.connect(n, "")
	last := b.offset()
	b.stall(true)
	w.say(a, bob.target(), "one")
	eventually(t, "the write has its deadline", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.writing && time.Until(b.writeBy) > writeWithin-patience && time.Until(b.writeBy) <= writeWithin
	})
	b.change(func() { b.writeBy = time.Now() }) // the deadline passes
	b.closedWith(wire.CloseSlow)
	b = phone.connect(n, last)
	b.hears("one")
}

// Signals come as fast as others like; who does not read them loses them.
func TestSignalsToASlowReaderAreBounded(t *testing.T) {
	w := newWorld(t, false)
	n := w.node("n1")
	_, alice := w.person(n, "alice")
	bob, phone := w.person(n, "bob")
	a, b, other := alice.connect(n, ""), phone.connect(n, ""), bob.signIn(n, "other").connect(n, "")
	c := n.conn(b)
	b.stall(true)
	to, large := bob.target(), []byte(`"`+strings.Repeat("x", 16_000)+`"`)
	for range 40 {
		a.send(wire.ClientFrame{Type: wire.Signal, To: &to, Data: large})
		other.expect(wire.Signal)
	}
	c.mu.Lock()
	waiting := c.size
	c.mu.Unlock()
	if waiting > outBudget+len(large)+1000 {
		t.Errorf("%d bytes wait for one socket", waiting)
	}
	b.stall(false)
	w.say(a, bob.target(), "hello")
	b.hears("hello")
}
