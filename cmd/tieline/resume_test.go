package main_test

import (
	"fmt"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// Promise 4: by offset, to any node, exactly what was missed comes; without one,
// what the device has not reported; what it has reported does not come again,
// even if it brings an older offset.
func TestResumingByOffsetAndByDevice(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob := s.User("alice"), s.User("bob")
	bob.On("n1")
	start := bob.newestOffset()
	alice.On("n2").Says(bob, "one")
	bob.Hears("one")
	afterOne := bob.newestOffset()
	alice.Says(bob, "two")
	bob.Hears("two")
	bob.Leaves()
	alice.Says(bob, "three")

	bob.Returns("n2").Synced(1, wire.SourceQueue)
	bob.Hears("three")
	bob.Leaves()
	bob.rewinds(afterOne, "n1").Synced(2, wire.SourceQueue)
	bob.Hears("two", "three")
	bob.Leaves()
	bob.rewinds(start, "n2").Synced(3, wire.SourceQueue)
	bob.Hears("one", "two", "three")
	bob.Leaves()
	bob.rewinds("", "n1").Synced(3, wire.SourceQueue) // nothing was reported
	bob.Hears("one", "two", "three")
	bob.Reports()
	bob.Leaves()
	alice.Says(bob, "four")
	bob.rewinds("", "n2").Synced(1, wire.SourceQueue)
	bob.Hears("four")
	bob.Leaves()
	bob.rewinds(start, "n1").Synced(1, wire.SourceQueue) // "four" was not reported
	bob.Hears("four")
	phone := bob.Device("phone", chat.IOS) // from its signing in
	alice.Says(bob, "five")
	phone.On("n2").Synced(1, wire.SourceQueue)
	phone.Hears("five")
	bob.Hears("five")
	bob.HearsNothing()
}

// rewinds connects with another offset than the newest one.
func (d *device) rewinds(offset, node string) *device {
	d.s.t.Helper()
	d.Forgets()
	d.setOffset(offset)
	return d.Returns(node)
}

// Promise 4, section 3: the device that sent a message has the ack; when it goes
// on from before, the message comes like any other.
func TestOnesOwnMessagesWhenResuming(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob := s.User("alice"), s.User("bob")
	alice.On("n1")
	before := alice.newestOffset()
	bob.On("n2")
	alice.Says(bob, "mine")
	bob.Says(alice, "yours")
	alice.Hears("yours")
	alice.HearsNothing()
	alice.Leaves()
	alice.rewinds(before, "n2").Synced(2, wire.SourceQueue)
	alice.Hears("mine", "yours")
	bob.rewindsWhile("", "n1").Hears("mine", "yours")
}

// rewindsWhile leaves first.
func (d *device) rewindsWhile(offset, node string) *device {
	d.s.t.Helper()
	d.Leaves()
	return d.rewinds(offset, node)
}

// ReturnsWhenItMay is Returns to a node that may not be able to let anybody in
// just now, and says so.
func (d *device) ReturnsWhenItMay(node string) *device {
	d.s.t.Helper()
	d.eventually("it is let in", func() bool {
		d.Tries(node)
		err := d.line.await(d.within, func() bool { return len(d.line.queues[wire.Synced]) > 0 })
		if err == nil {
			return true
		}
		if f, _ := d.line.next(wire.Error, 0); f.Code != chat.Unavailable || !f.Retry {
			d.fail("is not let in: %v", err)
		}
		return false
	})
	d.check()
	return d
}

// MayBeShownAnything has nobody look at what this device is shown. Where queues
// are very short, what somebody says pushes out of their own queue what their own
// devices have yet to pass over, and the history fills it in.
func (d *device) MayBeShownAnything() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen = nil
}

// Promise 4: where the queue does not reach back, because it is short, too old
// or was lost, the history fills in by itself; what nobody ever gave out as an
// offset starts from what was reported.
func TestResumingBeyondTheQueue(t *testing.T) {
	t.Parallel()
	s := newStory(t, setting("TIELINE_QUEUE_LENGTH", "10"))
	alice, bob, carol := s.User("alice"), s.User("bob"), s.User("carol")
	alice.On("n1").MayBeShownAnything()
	carol.On("n1")
	bob.On("n2").Leaves()
	var want []string
	for i := range 300 {
		want = append(want, fmt.Sprint("a", i))
		alice.Shouts(bob, want[i])
	}
	last := alice.Says(bob, "the last")
	bob.Returns("n1").Synced(301, wire.SourceHistory)
	bob.Hears(append(want, "the last")...)
	if last.Seq != 301 {
		t.Errorf("the last one is seq %d", last.Seq)
	}
	bob.Reports()
	bob.Leaves()
	carol.Says(bob, "from carol")
	alice.Says(bob, "from alice")
	s.Redis.Flush()
	bob.ReturnsWhenItMay("n2")
	bob.HearsAll("from carol", "from alice")
	bob.Leaves()
	for _, offset := range []string{"garbage", "0.0.0", "1.1.1", "99.1.1", "1.99999999999999.1"} {
		bob.rewinds(offset, "n1")
		bob.StaysOn()
		bob.Leaves()
	}
	bob.Forgets().Returns("n1")
	alice.Says(bob, "at the end")
	for f := (frame{}); f.Text != "at the end"; {
		var err error
		if f, err = bob.line.next(wire.Message, bob.within); err != nil {
			t.Fatal(err)
		}
	}
}

// Promise 4: more than a thousand missed of one conversation are declared by a
// gap, whose part the history has; other conversations come in full.
func TestAGapIsDeclared(t *testing.T) {
	t.Parallel()
	s := newStory(t, setting("TIELINE_QUEUE_LENGTH", "20"))
	alice, bob, carol := s.User("alice"), s.User("bob"), s.User("carol")
	alice.On("n1").MayBeShownAnything()
	bob.On("n2").Leaves()
	carol.On("n2").Says(bob, "from carol")
	const many = 1300
	var said []Said
	for i := range many {
		said = append(said, alice.Shouts(bob, fmt.Sprint(i+1)))
	}
	for _, one := range said {
		alice.Acked(one)
	}
	carol.Says(bob, "from carol, too")
	id := alice.SaysAgain(said[0]).Conversation
	bob.Returns("n1").Synced(-1, wire.SourceHistory)
	after, before := bob.SeesGap(id)
	if after != 0 || before < 2 || before > many-999 {
		t.Errorf("the gap is from %d to %d of %d", after, before, many)
	}
	var heard, other int64
	for heard < many || other < 2 {
		f, err := bob.line.next(wire.Message, bob.within)
		switch {
		case err != nil:
			t.Fatalf("after %d: %v", heard, err)
		case f.Conversation != id:
			other++
		case heard == 0 && f.Seq != before, heard > 0 && f.Seq != heard+1:
			t.Fatalf("seq %d comes after %d, behind a gap until %d", f.Seq, heard, before)
		default:
			heard = f.Seq
		}
	}
	bob.HearsNothing()
	for from := after; from+1 < before; { // as a client does: page by page
		var page client.Page[wire.MessageBody]
		query := fmt.Sprintf("?after_seq=%d&before_seq=%d&limit=200", from, before)
		s.Node("n2").Asks("GET", "/api/v1/conversations/"+string(id)+"/messages"+query, bob.grant.AccessToken, "").into(s, &page)
		if len(page.Items) == 0 {
			t.Fatalf("the gap after %d is empty", from)
		}
		for _, m := range page.Items {
			if from++; m.Seq != from || m.Text != fmt.Sprint(from) {
				t.Fatalf("in the gap, %+v is in place %d", m, from)
			}
		}
	}
}

// Promise 3, S4.3: one order for everybody, from 1 and without holes, with many
// senders on all nodes at once, and everything arrives once.
func TestOneOrderForEverybody(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	const people, each = 6, 25
	var users []*User
	for i := range people {
		users = append(users, s.User(fmt.Sprint("user", i)))
		users[i].On(s.nodes[i%2].id)
	}
	var said [people][]Said
	for n := range each {
		for i, u := range users {
			said[i] = append(said[i], u.Shouts(lobby, fmt.Sprint(i, " ", n)))
		}
	}
	seqs := map[int64]string{}
	for i, u := range users {
		last := int64(0)
		for _, one := range said[i] {
			one = u.Acked(one)
			if one.Seq <= last || seqs[one.Seq] != "" {
				t.Errorf("%q of %s got seq %d after %d; it is that of %q", one.Text, u.name, one.Seq, last, seqs[one.Seq])
			}
			seqs[one.Seq], last = one.Text, one.Seq
		}
	}
	var all []string
	for seq := range int64(people * each) {
		all = append(all, seqs[seq+1])
	}
	users[0].FindsInHistory(chat.Lobby, all...)
	for i, u := range users {
		var others []string
		for _, text := range all {
			if text[0] != fmt.Sprint(i)[0] {
				others = append(others, text)
			}
		}
		u.HearsAll(others...)
		u.HearsNothing()
	}
}
