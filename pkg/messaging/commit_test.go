package messaging

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// While one batch is being committed the next one gathers, up to a number of
// messages and an amount of text.
func TestBatchesGather(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		gate := make(chan struct{})
		n.a.hook(func(int64, []*chat.Pending) error { <-gate; return nil })
		n.submit("first")
		synctest.Wait()
		n.submit(numbered("m", 2*maxBatch+50)...)
		for _, id := range numbered("long", 150) {
			n.send(ann(id, strings.Repeat("x", chat.MaxText)))
		}
		close(gate)
		synctest.Wait()
		perBatch := maxBytes/chat.MaxText + 1
		if got, want := n.a.sizes, []int{1, maxBatch, maxBatch, 50 + perBatch, perBatch, 150 - 2*perBatch}; !slices.Equal(got, want) {
			t.Errorf("batches of %v, want %v", got, want)
		}
		if got := len(n.c.queue); got != 1+2*maxBatch+50+150 {
			t.Errorf("%d were delivered", got)
		}
	})
}

// A message that the database will not have is refused, and nothing else: not
// what came with it, not the order of the rest.
func TestOneBadMessageRefusesNoOther(t *testing.T) {
	for _, bad := range [][]string{{"m1"}, {"m33"}, {"m100"}, {"m7", "m8", "m64"}, {}, numbered("m", 100)} {
		alone(t, func(t *testing.T, n *node) {
			gate := make(chan struct{})
			refused := chat.E("archive", chat.Invalid, errors.New("will not have it"))
			n.a.hook(func(_ int64, batch []*chat.Pending) error {
				<-gate
				for _, p := range batch {
					if slices.Contains(bad, p.ClientID) {
						return refused
					}
				}
				return nil
			})
			n.submit("first")
			synctest.Wait()
			ids := numbered("m", 100)
			n.submit(ids...)
			close(gate)
			synctest.Wait()
			seq, good := 1, []string{"first"}
			for _, id := range ids {
				want := "invalid"
				if !slices.Contains(bad, id) {
					seq++
					good = append(good, id)
					want = fmt.Sprint(seq, " live")
				}
				n.wantAnswers(want, id)
			}
			n.wantDelivered(strings.Join(good, " "))
			pass(forgotten)
			n.wantWaiting("")
		})
	}
}

// A database that is away refuses everybody at once, and nobody for good.
func TestWhileTheDatabaseIsAway(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		n.submit("a")
		n.wantAnswers("1 live", "a")
		n.a.goAway(true)
		n.submit("b", "c", "a")
		n.wantAnswers("1 live+unavailable, unavailable, unavailable", "a", "b", "c")
		n.a.goAway(false)
		n.submit("c", "b", "a")
		n.wantAnswers("1 live+unavailable+1 live, unavailable+3 live, unavailable+2 live", "a", "b", "c")
		n.wantDelivered("a c b")
	})
}

// One commit may take long, but not for ever.
func TestACommitThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, newArchive(), newCourier(t))
		n.Messenger.h = &stuck{archive: n.a}
		n.start()
		defer n.stop()
		n.submit("a")
		pass(commitWithin)
		n.wantAnswers("unavailable", "a")
		if took := n.took("a"); took != commitWithin {
			t.Error(took)
		}
	})
}

// tally is an Observer that counts.
type tally struct {
	mu     sync.Mutex
	counts map[string]int
}

func (o *tally) add(what string, n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.counts[what] += n
}

func (o *tally) Sent(n int)                       { o.add("sent", n) }
func (o *tally) Refused(kind chat.Kind, n int)    { o.add("refused "+string(kind), n) }
func (o *tally) Committed(n int, _ time.Duration) { o.add("committed", n) }
func (o *tally) Delivered(n int, _ time.Duration) { o.add("delivered", n) }
func (o *tally) Postponed(n int)                  { o.add("postponed", n) }
func (o *tally) Waiting(n int)                    { o.add("waiting", min(n, 0)) }

func TestWhatAnObserverHears(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := &tally{counts: map[string]int{}}
		n := newNode(t, newArchive(), newCourier(t))
		n.Messenger = New(n.a, n.c, Options{Boot: "me", Log: quiet, Observe: seen})
		n.start()
		defer n.stop()
		n.submit("a", "b", "")
		synctest.Wait()
		n.c.setUp(false)
		n.submit("c")
		synctest.Wait()
		n.a.goAway(true)
		n.submit("d")
		synctest.Wait()
		want := "map[committed:3 delivered:2 postponed:1 refused invalid:1 refused unavailable:1 sent:4 waiting:0]"
		if got := fmt.Sprint(seen.counts); got != want {
			t.Errorf("have %s\nwant %s", got, want)
		}
	})
}
