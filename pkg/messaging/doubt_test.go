package messaging

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// lose makes the next Append lose its answer; turnUp commits it after all.
func (n *node) lose() (turnUp func()) {
	var lost []*chat.Pending
	var as int64
	n.a.hook(func(nr int64, batch []*chat.Pending) error {
		n.a.hook(nil)
		as = nr
		for _, p := range batch { // the senders' own are answered, and not looked at any more
			one := *p
			lost = append(lost, &one)
		}
		return errAway
	})
	return func() {
		n.t.Helper()
		if lost == nil {
			n.t.Fatal("nothing was lost")
		}
		if err := n.a.keep("me", as, lost); err != nil {
			n.t.Fatal(err)
		}
	}
}

// The database does not answer a commit: the senders are told to try again. If
// it is there after all it is delivered, whether they do or not.
func TestACommitInDoubt(t *testing.T) {
	for name, again := range map[string]bool{"sent again": true, "given up": false} {
		t.Run(name, func(t *testing.T) {
			alone(t, func(t *testing.T, n *node) {
				turnUp := n.lose()
				n.submit("a")
				n.wantAnswers("unavailable", "a")
				turnUp()
				n.submit("b")
				n.wantAnswers("2 live", "b")
				if again {
					n.submit("a")
					n.wantAnswers("unavailable+1 live", "a")
				}
				pass(forgotten)
				n.wantDelivered("a b")
				n.wantWaiting("")
				pass(2 * doubtFor)
				n.wantDelivered("a b")
			})
		})
	}
}

// A commit may have been on its way for most of a minute.
func TestACommitThatTurnsUpLate(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		turnUp := n.lose()
		n.submit("a")
		n.wantAnswers("unavailable", "a")
		for _, id := range numbered("m", 50) {
			n.submit(id)
			pass(time.Second)
		}
		turnUp()
		pass(forgotten)
		n.wantDelivered(strings.Join(append(numbered("m", 50), "a"), " "))
		pass(2 * doubtFor)
		n.wantWaiting("")
	})
}

// A commit in doubt turns up while Redis is away, too.
func TestInDoubtAndRedisAway(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		n.c.setUp(false)
		n.submit("a")
		n.wantAnswers("1 kept", "a")
		turnUp := n.lose()
		n.submit("b")
		n.wantAnswers("unavailable", "b")
		n.submit("c")
		n.wantAnswers("2 kept", "c")
		pass(2 * doubtFor)
		turnUp()
		pass(2 * doubtFor)
		n.c.setUp(true)
		pass(2 * time.Second)
		n.wantDelivered("a b c") // by their batches
		pass(2 * doubtFor)
		n.wantWaiting("")
	})
}

// Redis goes away before anybody could look for a commit in doubt: its note is
// not cleared with those of its neighbours.
func TestInDoubtWhenRedisGoesAway(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		n.submit("a")
		n.wantAnswers("1 live", "a")
		turnUp := n.lose()
		n.submit("b")
		n.wantAnswers("unavailable", "b")
		n.submit("c")
		n.wantAnswers("2 live", "c")
		turnUp()
		n.c.setUp(false)
		pass(2 * doubtFor)
		n.wantWaiting("me2 me3")
		n.c.setUp(true)
		pass(forgotten)
		n.wantDelivered("a c b")
		n.wantWaiting("")
	})
}

// More commits were in doubt than are looked for at a time, all had happened,
// and Redis is back only when no more are to be expected.
func TestAllInDoubtHadHappened(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		var turnUp []func()
		ids := numbered("m", 2*reapBatch+50)
		for _, id := range ids {
			turnUp = append(turnUp, n.lose())
			n.submit(id)
			synctest.Wait()
		}
		n.c.setUp(false)
		for _, f := range turnUp {
			f()
		}
		pass(2 * doubtFor)
		n.c.setUp(true)
		n.submit("later")
		pass(10 * forgetEvery)
		n.wantDelivered("later " + strings.Join(ids, " "))
		n.wantWaiting("")
	})
}

// A commit that nobody has heard of yet is not taken for delivered because a
// later one is found in the outbox before its turn.
func TestInDoubtBehindALaterBatch(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		n.c.setUp(false)
		n.submit("a")
		n.wantAnswers("1 kept", "a")
		// While the outbox is being read, b is lost and c is committed.
		gate := make(chan struct{})
		n.a.hookLeftovers(func() { <-gate })
		n.c.setUp(true)
		pass(retryEvery)
		turnUp := n.lose()
		n.submit("b")
		synctest.Wait()
		n.submit("c")
		synctest.Wait()
		close(gate)
		pass(2 * retryEvery)
		n.wantDelivered("a c")
		n.wantAnswers("unavailable", "b")
		turnUp()
		pass(forgotten)
		n.wantDelivered("a c b")
		pass(2 * doubtFor)
		n.wantWaiting("")
	})
}

// The database is away for a while and everybody keeps trying: each try is a
// commit in doubt. Those that had happened are delivered as soon as it is back,
// the last as well as the first, and the outbox does not grow for long.
func TestManyCommitsInDoubt(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		first := n.lose()
		n.submit("first")
		synctest.Wait()
		n.a.goAway(true)
		const tries = 500
		for _, id := range numbered("m", tries) {
			n.submit(id)
			pass(50 * time.Millisecond)
		}
		n.a.goAway(false)
		last := n.lose()
		n.submit("last")
		synctest.Wait()
		last()
		first()
		n.submit("later")
		n.wantAnswers("unavailable, unavailable, 3 live", "first", "last", "later")
		var asked atomic.Int64
		n.a.hookLeftovers(func() { asked.Add(1) })
		pass(3 * time.Second)
		if got := asked.Load(); got > 6 {
			t.Errorf("the outbox was read %d times", got)
		}
		n.wantDelivered("first last later")
		pass(2 * doubtFor)
		n.submit("latest")
		pass(forgotten)
		n.wantWaiting("")
	})
}
