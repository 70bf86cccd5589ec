package messaging

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/tieline/tieline/pkg/chat"
)

// register is an Absences that remembers, each absence once, unless it is away.
type register struct {
	mu   sync.Mutex
	away bool
	told []string // client ids with who was absent, in order
	had  map[string]bool
}

func (r *register) Absent(_ context.Context, all []chat.Absence) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.away {
		return errAway
	}
	for _, a := range all {
		s := fmt.Sprint(a.Message.ClientID, " ", a.User)
		if !r.had[s] {
			r.had[s] = true
			r.told = append(r.told, s)
		}
	}
	return nil
}

func (r *register) goAway(away bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.away = away
}

func (r *register) wantTold(t *testing.T, want string) {
	t.Helper()
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if got := strings.Join(r.told, ", "); got != want {
		t.Errorf("told is %q, want %q", got, want)
	}
}

// withRegister runs a test with a node that tells a register who of "bob" and
// "ann" is away: both.
func withRegister(t *testing.T, test func(t *testing.T, n *node, r *register)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &register{had: map[string]bool{}}
		n := newNode(t, newArchive(), newCourier(t))
		n.Messenger = New(n.a, n.c, Options{Boot: "me", Log: quiet, Absences: r})
		n.c.away = []chat.UserID{"ann", "bob"}
		n.start()
		defer n.stop()
		test(t, n, r)
	})
}

// toBob is what ann says to bob under a client id.
func toBob(client string) Outgoing {
	o := ann(client, "text")
	o.To = chat.Target{User: "bob"}
	return o
}

// Whoever is away is told of once, and neither senders nor rooms are.
func TestWhoIsAwayIsTold(t *testing.T) {
	withRegister(t, func(t *testing.T, n *node, r *register) {
		n.send(toBob("a"))
		n.wantAnswers("1 live", "a")
		n.submit("in the lobby")
		self := toBob("to herself")
		self.To.User = "ann"
		n.send(self)
		n.send(toBob("a")) // repeated
		r.wantTold(t, "a bob")
		n.c.mu.Lock()
		n.c.away = nil
		n.c.mu.Unlock()
		n.send(toBob("b"))
		r.wantTold(t, "a bob")
		pass(forgotten)
		n.wantWaiting("")
	})
}

// Nobody waits for their answer because it cannot be told who was away; the
// messages stay in the outbox until it can.
func TestTellingIsInTheWayOfNoAnswer(t *testing.T) {
	withRegister(t, func(t *testing.T, n *node, r *register) {
		n.submit("before")
		n.wantAnswers("1 live", "before")
		r.goAway(true)
		n.send(toBob("a"))
		n.wantAnswers("1 live", "a")
		n.send(toBob("b"))
		n.wantAnswers("2 live", "b")
		n.submit("after")
		n.wantAnswers("2 live", "after")
		pass(10 * forgotten)
		n.wantWaiting("me2 me3 me4")
		r.wantTold(t, "")
		r.goAway(false)
		pass(forgotten)
		r.wantTold(t, "a bob, b bob")
		n.wantWaiting("")
	})
}

// What finds no room is told, too, in the end.
func TestMoreAreAwayThanThereIsRoomFor(t *testing.T) {
	withRegister(t, func(t *testing.T, n *node, r *register) {
		r.goAway(true)
		const many = absentMost + 1000
		for i := range many {
			n.send(toBob(fmt.Sprint(i)))
			if i%100 == 0 {
				synctest.Wait()
			}
		}
		pass(forgotten)
		if n.absent.size > absentMost {
			t.Errorf("%d wait", n.absent.size)
		}
		r.goAway(false)
		pass(10 * forgotten)
		if len(r.told) != many {
			t.Errorf("%d are told of", len(r.told))
		}
		n.wantWaiting("")
	})
}

// What Redis did not take at once is told of when it does, and what a dead node
// left before it leaves the outbox.
func TestWhoIsAwayIsToldOfLeftovers(t *testing.T) {
	withRegister(t, func(t *testing.T, n *node, r *register) {
		n.c.setUp(false)
		n.send(toBob("a"))
		n.wantAnswers("1 kept", "a")
		r.wantTold(t, "")
		n.c.setUp(true)
		pass(2 * retryEvery)
		r.wantTold(t, "a bob")

		r.goAway(true)
		p := &chat.Pending{}
		p.Conversation, p.ClientID, p.From.ID, p.To.User = chat.DirectID("ann", "bob"), "b", "ann", "bob"
		if err := n.a.keep("dead", 1, []*chat.Pending{p}); err != nil {
			t.Fatal(err)
		}
		pass(forgotten + 2*reapAfter)
		n.wantWaiting("dead1")
		r.goAway(false)
		pass(2 * reapEvery)
		n.wantWaiting("")
		r.wantTold(t, "a bob, b bob")
	})
}

// A node that ends tells what it can.
func TestTheEndIsTold(t *testing.T) {
	withRegister(t, func(t *testing.T, n *node, r *register) {
		r.goAway(true)
		n.send(toBob("a"))
		synctest.Wait()
		r.goAway(false)
		n.stop()
		r.wantTold(t, "a bob")
		n.wantWaiting("")
	})
}
