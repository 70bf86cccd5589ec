package storetest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// A crowd is many committers on two nodes who send the same messages, again and
// again, some of them with another body under the same id.
type crowd struct {
	k       *talk
	senders []chat.User
	rooms   []chat.ConversationID

	mu   sync.Mutex
	said map[saying]string             // sender, id and body: the answer
	left map[string]map[chat.Range]int // node and batch: what it is to deliver
}

// saying is one of several bodies under one id.
type saying struct {
	sender int
	client string
	body   int
}

const (
	committers = 8
	rounds     = 12 // batches of each
	perBatch   = 14
	shared     = 100 // ids that all of them send
)

// room is where it is said. Two bodies go to two rooms, so that transactions
// also meet crosswise: at the head of a room and at an id.
func (s saying) room(rooms []chat.ConversationID) chat.ConversationID {
	return rooms[(s.sender+len(s.client)+int(s.client[len(s.client)-1])+s.body)%len(rooms)]
}

func (c *crowd) pending(s saying) *chat.Pending {
	return says(c.senders[s.sender], s.room(c.rooms), s.client, fmt.Sprint("body ", s.body))
}

// commit is what one of them does. Besides what everybody sends it has messages
// of its own, which have to keep their order.
func (c *crowd) commit(me int, rnd *rand.Rand) error {
	messages, node := c.k.Messages, fmt.Sprint("node", me)
	if me%2 == 1 {
		messages = c.k.other
	}
	last := map[chat.ConversationID]int64{}
	for n := range int64(rounds) {
		var batch, own []*chat.Pending
		var what []saying
		for i := range 1 + rnd.IntN(perBatch) {
			s := saying{sender: rnd.IntN(len(c.senders)), client: fmt.Sprint("shared", rnd.IntN(shared)), body: max(0, rnd.IntN(5)-3)}
			if i%4 == 0 {
				s = saying{sender: me % len(c.senders), client: fmt.Sprint("own ", me, n, i)}
			}
			p := c.pending(s)
			if i%4 == 0 {
				own = append(own, p)
			}
			batch, what = append(batch, p), append(what, s)
		}
		if err := messages.Append(c.k.ctx, node, n+1, batch); err != nil {
			return err
		}
		for _, p := range own {
			if p.Repeated || p.Err != nil || p.Seq <= last[p.Conversation] {
				return fmt.Errorf("own message: %+v after %d", p, last[p.Conversation])
			}
			last[p.Conversation] = p.Seq
		}
		if err := c.note(fmt.Sprint(node, " ", n+1), batch, what); err != nil {
			return err
		}
	}
	return nil
}

// note compares answers with those that others had.
func (c *crowd) note(node string, batch []*chat.Pending, what []saying) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, p := range batch {
		answer := fmt.Sprint(p.Conversation, " ", p.Seq, " ", p.At.Format(time.RFC3339Nano), " ", chat.KindOf(p.Err))
		if had, ok := c.said[what[i]]; ok && had != answer {
			return fmt.Errorf("%+v was answered %q and %q", what[i], had, answer)
		}
		c.said[what[i]] = answer
		if !p.Repeated {
			if c.left[node] == nil {
				c.left[node] = map[chat.Range]int{}
			}
			c.left[node][chat.Range{Conversation: p.Conversation, From: p.Seq, To: p.Seq}]++
		}
	}
	return nil
}

// Whoever sends what on which node at the same time: each conversation counts
// from 1 without holes, each id is there once, everyone who repeats it has the
// same answer, and the outbox names each message once.
func TestManyCommittersOneOrder(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		c := &crowd{k: k, senders: k.people("ann", "bob", "cid"), said: map[saying]string{}, left: map[string]map[chat.Range]int{}}
		c.rooms = []chat.ConversationID{
			chat.Lobby, k.direct(c.senders[0], c.senders[1]).ID, k.direct(c.senders[1], c.senders[2]).ID, k.direct(c.senders[2], c.senders[0]).ID,
		}
		var wg sync.WaitGroup
		for me := range committers {
			wg.Go(func() {
				if err := c.commit(me, rand.New(rand.NewPCG(1, uint64(me)))); err != nil {
					t.Error(me, err)
				}
			})
		}
		wg.Wait()
		c.checkHistory(t)
		c.checkOutbox(t)
	})
}

func (c *crowd) checkHistory(t *testing.T) {
	t.Helper()
	kept := map[string]string{} // sender and id: place and body
	ids := map[string]bool{}
	for _, room := range c.rooms {
		list := c.k.all(room)
		if now := c.k.now(room); now.LastSeq != int64(len(list)) {
			t.Errorf("%s: %d messages, the head is %d", room, len(list), now.LastSeq)
		}
		for i, m := range list {
			if m.Seq != int64(i+1) {
				t.Fatalf("%s: %d comes after %d", room, m.Seq, i)
			}
			kept[m.From.Username+" "+m.ClientID] = fmt.Sprint(m.Conversation, " ", m.Seq, " ", m.At.Format(time.RFC3339Nano), " ") + m.Text
		}
	}
	for s, answer := range c.said {
		id := c.senders[s.sender].Username + " " + s.client
		ids[id] = true
		place, body := kept[id][:max(0, len(kept[id])-len("body 0"))], fmt.Sprint("body ", s.body)
		want := place
		if kept[id] != place+body {
			want = place + string(chat.Conflict)
		}
		if answer != want {
			t.Errorf("%s with %s was answered %q, kept is %q", id, body, answer, kept[id])
		}
	}
	if len(ids) != len(kept) {
		t.Errorf("%d ids were sent, %d are kept", len(ids), len(kept))
	}
}

func (c *crowd) checkOutbox(t *testing.T) {
	t.Helper()
	nodes, err := c.k.LeftoverNodes(c.k.ctx)
	wants(t, err, "")
	have := map[string]map[chat.Range]int{}
	for node, newest := range nodes {
		left, err := c.k.Leftovers(c.k.ctx, node, 0, rounds+1)
		wants(t, err, "")
		if last := left[len(left)-1].N; last != newest {
			t.Errorf("%s: the newest is %d, not %d", node, last, newest)
		}
		for _, l := range left {
			have[fmt.Sprint(l.Node, " ", l.N)] = each(l.Ranges)
		}
	}
	if !maps.EqualFunc(have, c.left, maps.Equal[map[chat.Range]int]) {
		t.Errorf("the outbox has %v\nwant %v", slices.Sorted(maps.Keys(have)), slices.Sorted(maps.Keys(c.left)))
	}
}

// each counts the messages that ranges name, one by one.
func each(ranges []chat.Range) map[chat.Range]int {
	out := map[chat.Range]int{}
	for _, g := range ranges {
		for seq := g.From; seq <= g.To; seq++ {
			out[chat.Range{Conversation: g.Conversation, From: seq, To: seq}]++
		}
	}
	return out
}
