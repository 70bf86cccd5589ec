package messaging

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// leave commits a batch of another node, which does not deliver it.
func (n *node) leave(boot string, nr int64, clients ...string) {
	n.t.Helper()
	var batch []*chat.Pending
	for _, id := range clients {
		p := &chat.Pending{}
		p.Conversation, p.ClientID, p.From.ID = chat.Lobby, id, "bob"
		batch = append(batch, p)
	}
	if err := n.a.keep(boot, nr, batch); err != nil {
		n.t.Fatal(err)
	}
}

func TestWhatADeadNodeLeftIsDelivered(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		n.c.setAlive("me", "alive")
		n.leave("dead", 9, "a", "b")
		n.leave("alive", 1, "not ours")
		n.leave("dead", 10, "c")
		pass(reapAfter - time.Millisecond)
		n.wantDelivered("") // it may have been seen alive a moment too late
		pass(2 * reapEvery)
		n.wantDelivered("a b c")
		n.wantWaiting("alive1")
		pass(time.Hour)
		n.wantWaiting("alive1")
		n.c.setAlive("me")
		pass(2 * reapEvery)
		n.wantDelivered("a b c not ours")
		n.wantWaiting("")
	})
}

// What waits here for Redis is no leftover of somebody else, whether or not the
// other nodes see this one.
func TestANodeReapsOnlyOthers(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		n.c.setAlive("another")
		n.leave("me", 99, "mine")
		pass(time.Minute)
		n.wantDelivered("")
		n.wantWaiting("me99")
	})
}

// Before it is known who is alive, nobody is dead; and without Redis nothing
// can be done for those who are.
func TestNobodyIsDeadUnseen(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		n.c.setAlive()
		n.leave("dead", 1, "a")
		pass(time.Minute)
		n.wantDelivered("")
		n.c.setUp(false)
		n.c.setAlive("me")
		pass(time.Minute)
		n.wantDelivered("")
		n.c.setUp(true)
		n.a.goAway(true)
		pass(time.Minute)
		n.wantDelivered("")
		n.a.goAway(false)
		pass(2 * reapEvery)
		n.wantDelivered("a")
		n.wantWaiting("")
	})
}

// A dead node left more than is read at a time, and Redis fails in between.
func TestReapingGoesOnWhereItStopped(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		var want []string
		for i := range 2*reapBatch + 30 {
			id := fmt.Sprint("m", i)
			want = append(want, id)
			n.leave("dead", int64(i+1), id)
		}
		calls := 0
		n.c.hook(func(batch []chat.Delivery, search int) (int, error) {
			if search == 0 {
				t.Error("a repeat would not be found")
			}
			if calls++; calls%70 == 0 {
				return len(batch), errDown // it had arrived
			}
			return 0, nil
		})
		pass(reapAfter + 6*reapEvery)
		n.wantDelivered(strings.Join(want, " "))
		n.wantWaiting("")
	})
}

// All that a dead node left is delivered at once, however much.
func TestReapingAllAtOnce(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		for i := range 5 * reapBatch {
			n.leave("dead", int64(i+1), fmt.Sprint("m", i))
		}
		pass(reapAfter + reapEvery)
		n.wantWaiting("")
	})
}

// What was delivered by the node itself just before it died is not delivered
// twice.
func TestReapingWhatHadArrived(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		dead := newNode(t, n.a, n.c)
		dead.Messenger = New(n.a, n.c, Options{Boot: "dead", Log: quiet})
		dead.start()
		dead.submit("a")
		dead.wantAnswers("1 live", "a")
		dead.submit("b")
		dead.wantAnswers("2 live", "b")
		n.a.goAway(true) // it cannot clear the outbox any more
		dead.stop()
		n.a.goAway(false)
		n.wantWaiting("dead1 dead2")
		pass(reapAfter + 2*reapEvery)
		n.wantDelivered("a b")
		n.wantWaiting("")
	})
}
