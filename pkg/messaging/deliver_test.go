package messaging

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// Redis away: everything is kept and said to be, and delivered in its order when
// Redis is back, at the latest a moment after.
func TestWhileRedisIsAway(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		n.submit("a")
		n.wantAnswers("1 live", "a")
		n.c.setUp(false)
		n.submit("b")
		n.wantAnswers("2 kept", "b")
		n.submit("c", "d")
		n.wantAnswers("3 kept, 4 kept", "c", "d")
		n.submit("b") // again: as kept as before
		n.wantAnswers("2 kept+2 kept", "b")
		pass(time.Hour)
		n.wantDelivered("a")
		n.c.setUp(true)
		pass(retryEvery)
		n.wantDelivered("a b c d")
		n.submit("e")
		n.wantAnswers("5 live", "e")
		pass(forgotten)
		n.wantDelivered("a b c d e")
		n.wantWaiting("")
	})
}

// Whoever knows that Redis is back may say so.
func TestANudgeIsHeardAtOnce(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		n.c.setUp(false)
		n.submit("a")
		n.wantAnswers("1 kept", "a")
		n.c.setUp(true)
		n.Nudge()
		n.Nudge()
		n.wantDelivered("a")
	})
}

// A delivery that failed half-way is done again from its beginning, ahead of all
// that was committed meanwhile, and what had arrived does not arrive twice.
func TestADeliveryThatFailed(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		gate := make(chan struct{})
		n.a.hook(func(int64, []*chat.Pending) error { <-gate; return nil })
		var broken atomic.Bool
		broken.Store(true)
		n.c.hook(func(batch []chat.Delivery, search int) (int, error) {
			if broken.Load() {
				return len(batch) / 2, errors.New("cut off")
			}
			if search == 0 && slices.ContainsFunc(batch, func(d chat.Delivery) bool { return d.Seq <= 5 }) {
				t.Error("a repeat would not be found")
			}
			return 0, nil
		})
		n.submit("x")
		synctest.Wait() // alone in its batch, since the others came later
		n.submit("a", "b", "c", "d")
		gate <- struct{}{}
		gate <- struct{}{}
		n.wantAnswers("1 kept, 2 kept, 5 kept", "x", "a", "d")
		close(gate)
		n.submit("e")
		n.wantAnswers("6 kept", "e")
		n.wantDelivered("") // half of one is none
		pass(retryEvery)
		n.wantDelivered("x a b") // half of all, which are tried together
		broken.Store(false)
		pass(2 * retryEvery)
		n.wantDelivered("x a b c d e")
		pass(forgotten)
		n.wantWaiting("")
	})
}

// Many batches wait for Redis: more than are read at a time.
func TestAllThatWaitedIsDelivered(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		n.c.setUp(false)
		ids := numbered("m", 2*reapBatch+7)
		for _, id := range ids {
			n.submit(id)
			n.wantAnswers(id[1:]+" kept", id)
		}
		var calls atomic.Int64
		n.c.hook(func([]chat.Delivery, int) (int, error) { calls.Add(1); return 0, nil })
		n.c.setUp(true)
		pass(retryEvery)
		n.wantDelivered(strings.Join(ids, " "))
		if got := calls.Load(); got > 3 {
			t.Errorf("%d batches were delivered by %d calls: it would fall behind faster", len(ids), got)
		}
		pass(forgotten)
		n.wantWaiting("")
	})
}

// Sends do not pause for Redis to be caught up with, and are live again soon
// after it is back nevertheless.
func TestLiveAgainUnderLoad(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		n.a.hook(func(int64, []*chat.Pending) error { pass0(time.Millisecond); return nil })
		n.c.hook(func([]chat.Delivery, int) (int, error) { pass0(time.Millisecond); return 0, nil })
		n.c.setUp(false)
		var ids []string
		say := func(many int) {
			for range many {
				ids = append(ids, fmt.Sprint("m", len(ids)+1))
				n.submit(ids[len(ids)-1])
				pass0(100 * time.Microsecond)
			}
		}
		say(1000)
		n.c.setUp(true)
		say(10_000)
		if got := n.answered(ids[len(ids)-1000]); !strings.HasSuffix(got, "live") {
			t.Errorf("most of a second after Redis came back a send is answered %q", got)
		}
		pass(forgotten)
		n.wantDelivered(strings.Join(ids, " "))
		n.wantWaiting("")
	})
}

// A Redis that hangs makes nobody wait for longer than one call of it takes,
// whatever there is to be delivered.
func TestRedisHangs(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		turnUp := n.lose()
		n.submit("lost")
		n.wantAnswers("unavailable", "lost")
		turnUp()
		n.c.hook(func([]chat.Delivery, int) (int, error) { pass0(time.Second); return 0, errDown })
		ids := numbered("m", 200)
		for _, id := range ids {
			n.submit(id)
			pass0(70 * time.Millisecond)
		}
		pass(5 * time.Second)
		for _, id := range ids {
			if took := n.took(id); took > 1500*time.Millisecond {
				t.Errorf("%s was answered after %v: %s", id, took, n.answered(id))
			}
		}
		n.wantDelivered("")
		n.c.hook(nil)
		pass(3 * time.Second)
		if got := n.c.delivered(); strings.Replace(got, "lost ", "", 1) != strings.Join(ids, " ") || !strings.Contains(got, "lost ") {
			t.Errorf("delivered is %q", got)
		}
	})
}

// A Redis that is back but slow, and more waits for it than it takes in one go:
// there is progress, and answers are still given meanwhile.
func TestCatchingUpSlowly(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		n.c.setUp(false)
		ids := numbered("m", 150)
		for _, id := range ids {
			n.submit(id)
			n.wantAnswers(id[1:]+" kept", id)
		}
		n.c.hook(func([]chat.Delivery, int) (int, error) { pass0(100 * time.Millisecond); return 0, nil })
		n.c.setUp(true)
		for range 20 {
			ids = append(ids, fmt.Sprint("m", len(ids)+1))
			n.submit(ids[len(ids)-1])
			pass(2 * time.Second)
			if took := n.took(ids[len(ids)-1]); took > time.Second {
				t.Errorf("%s was answered after %v", ids[len(ids)-1], took)
			}
		}
		n.wantDelivered(strings.Join(ids, " "))
		n.wantAnswers("170 live", "m170")
		pass(forgotten)
		n.wantWaiting("")
	})
}

// pass0 is pass for a part of the world that must not wait for all others.
func pass0(d time.Duration) { <-time.After(d) }

// What was delivered leaves the outbox soon, also when the database was away at
// that moment.
func TestTheOutboxIsCleared(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		n.submit("a")
		n.wantDelivered("a")
		pass(forgetAfter*forgetEvery - time.Millisecond) // for nodes that do not reach Redis
		n.wantWaiting("me1")
		n.a.goAway(true)
		pass(10 * forgetEvery)
		n.wantWaiting("me1")
		n.a.goAway(false)
		pass(forgotten)
		n.wantWaiting("")
	})
}

// What was delivered lately, to a Redis that others had given up, is delivered
// again, ahead of what comes later; what is older they found in the history.
func TestDeliveredAgain(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		n.submit("old")
		pass(forgotten)
		n.submit("a")
		n.submit("b")
		n.wantDelivered("old a b")
		var again []string
		n.c.hook(func(batch []chat.Delivery, search int) (int, error) {
			for _, d := range batch {
				again = append(again, fmt.Sprint(d.ClientID, search > 0))
			}
			return 0, nil
		})
		n.Redeliver()
		synctest.Wait()
		n.submit("c")
		n.wantAnswers("4 live", "c")
		if want := []string{"atrue", "btrue", "cfalse"}; !slices.Equal(again, want) {
			t.Errorf("delivered again: %q, want %q", again, want)
		}
		n.wantDelivered("old a b c")
		pass(forgotten)
		n.wantWaiting("")
		n.Redeliver()
		n.wantAnswers("4 live", "c")
		if len(again) != 3 {
			t.Errorf("delivered again: %q", again)
		}
	})
}

// Redis is back, the database is not: what waits goes on waiting.
func TestCatchingUpNeedsTheDatabase(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		n.c.setUp(false)
		n.submit("a", "b")
		n.wantAnswers("1 kept, 2 kept", "a", "b")
		n.a.goAway(true)
		n.c.setUp(true)
		pass(time.Minute)
		n.wantDelivered("")
		n.submit("c")
		n.wantAnswers("unavailable", "c")
		n.a.goAway(false)
		pass(time.Second)
		n.wantDelivered("a b")
		n.submit("c")
		n.wantAnswers("unavailable+3 live", "c")
		n.wantDelivered("a b c")
	})
}
