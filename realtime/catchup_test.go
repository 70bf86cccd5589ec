package realtime

import (
	"testing"

	"github.com/tieline/tieline/pkg/wire"
	"github.com/tieline/tieline/realtime/cluster"
)

// A message that is published while a page of the queue is on its way is not in
// that page, and must not be taken for a rumour of a queue that is gone.
func TestPushDuringAPageIsNotLost(t *testing.T) {
	onEachRedis(t, func(w *world) {
		line := newProxy(w)
		n1, n2 := w.nodeVia("n1", line.url()), w.node("n2")
		_, alice := w.person(n2, "alice")
		bob, phone := w.person(n2, "bob")
		a, b := alice.connect(n2, ""), phone.connect(n1, "")
		n1.lose(messages)
		w.say(a, bob.target(), "one")
		n1.lose(nil)
		c := n1.conn(b)
		line.holdAnswer(`"text":"one"`)
		c.lag(c.at().Position + 1)
		line.holds(`"text":"one"`)
		w.say(a, bob.target(), "two")
		eventually(t, "the second message is heard of", func() bool {
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.seen >= c.cursor.Position+2
		})
		line.pass()
		b.hears("one", "two")
	})
}

// The same while the history fills in.
func TestPushDuringAFillIsNotLost(t *testing.T) {
	w := newWorld(t, false)
	w.o.queueLength = 2
	n1, n2 := w.node("n1"), w.node("n2")
	_, alice := w.person(n2, "alice")
	bob, phone := w.person(n2, "bob")
	a, b := alice.connect(n2, ""), phone.connect(n1, "")
	last := b.offset()
	b.hangUp()
	texts := numbered("m", 1, 5)
	for _, text := range texts {
		w.say(a, bob.target(), text)
	}
	reading, goOn := n1.db.holdUp(t, "after Missed")
	b = phone.dial(n1, last)
	b.expect(wire.Welcome)
	<-reading
	w.say(a, bob.target(), "meanwhile")
	c := n1.conn(b)
	eventually(t, "the message is heard of", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.seen > c.cursor.Position+int64(len(texts))
	})
	goOn()
	b.hears(append(texts, "meanwhile")...)
	if f := b.expect(wire.Synced); f.Source != wire.SourceHistory {
		t.Errorf("synced: %s", f.raw)
	}
}

// at returns a copy of the conn's cursor.
func (c *conn) at() cluster.Offset {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cursor.Clone()
}

// Redis that ran out of memory may have counted an entry and not kept it.
func TestAHoleInTheQueueIsPassedOver(t *testing.T) {
	onEachRedis(t, func(w *world) {
		n := w.node("n1")
		_, alice := w.person(n, "alice")
		bob, phone := w.person(n, "bob")
		a, b := alice.connect(n, ""), phone.connect(n, "")
		w.say(a, bob.target(), "before")
		w.do("HINCRBY", "tl:{u:"+string(bob.id)+"}:meta", "head", "1")
		w.say(a, bob.target(), "after")
		w.say(a, bob.target(), "and after")
		b.hears("before", "after", "and after")
		last := b.offset()
		w.do("HINCRBY", "tl:{u:"+string(bob.id)+"}:meta", "head", "1")
		n.sweepAll()
		eventually(w.t, "level with the head", func() bool { return n.conn(b).isLive() })
		w.say(a, bob.target(), "the end")
		b.hears("the end")
		b.hangUp()
		b = phone.connect(n, last)
		b.hears("the end")
	})
}

// isLive reports whether the conn takes pushes.
func (c *conn) isLive() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.behind
}

// The cursor's time says how far the queue has been seen. The lobby, which has
// seqs of its own, must not move it beyond a message that was lost on its way.
func TestLobbyDoesNotMoveTheTimeOfTheQueue(t *testing.T) {
	onEachRedis(t, func(w *world) {
		n := w.node("n1")
		_, alice := w.person(n, "alice")
		bob, phone := w.person(n, "bob")
		a, b := alice.connect(n, ""), phone.connect(n, "")
		early, _ := cluster.ParseOffset(b.offset())
		early.At -= 600_000 // as if the last message had been ten minutes ago
		b.hangUp()
		b = phone.connect(n, early.String())
		n.lose(messages)
		w.say(a, bob.target(), "lost")
		n.lose(nil)
		w.sql("UPDATE messages SET at = datetime(at, '-2 minutes')")
		w.say(a, lobbyTarget, "hello")
		b.hears("hello")
		w.do("FLUSHALL")
		b.hears("lost")
	})
}
