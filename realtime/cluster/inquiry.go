package cluster

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/trace"
)

// Ask asks all nodes what became of a message.
type Ask struct {
	ID           string
	From         chat.NodeID
	Conversation chat.ConversationID
	Seq          int64
}

// Answer is what one node remembers of it.
type Answer struct {
	ID     string
	Node   chat.NodeID
	Events []byte // JSON of []trace.Event
}

// inquiry is what this node asks and is asked.
type inquiry struct {
	asked chan Ask // to be answered; those that find no room are not

	mu      sync.Mutex
	waiting map[string]chan Answer
}

// answerWithin is how long the other nodes may take.
const answerWithin = time.Second

func newInquiry() inquiry {
	return inquiry{asked: make(chan Ask, 16), waiting: map[string]chan Answer{}}
}

// AskAll returns what every node remembers of a message, and the live nodes
// that did not answer in time.
func (c *Cluster) AskAll(ctx context.Context, conversation chat.ConversationID, seq int64) (events []trace.Event, silent []chat.NodeID, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	ask := Ask{ID: chat.NewID(), From: c.o.Node, Conversation: conversation, Seq: seq}
	answers := make(chan Answer, 64)
	c.inquiry.mu.Lock()
	c.inquiry.waiting[ask.ID] = answers
	c.inquiry.mu.Unlock()
	defer func() {
		c.inquiry.mu.Lock()
		delete(c.inquiry.waiting, ask.ID)
		c.inquiry.mu.Unlock()
	}()
	if err := c.publish(ctx, map[chat.NodeID]*Envelope{"": {Asks: []Ask{ask}}}); err != nil {
		return nil, nil, c.unwell("ask", err)
	}
	missing := map[chat.NodeID]bool{}
	for _, n := range c.Nodes() {
		missing[n.ID] = true
	}
	for len(missing) > 0 {
		select {
		case a := <-answers:
			var some []trace.Event
			if json.Unmarshal(a.Events, &some) == nil {
				events = append(events, some...)
			}
			delete(missing, a.Node)
			continue
		case <-ctx.Done():
		}
		for n := range missing {
			silent = append(silent, n)
		}
		break
	}
	trace.Sort(events)
	return events, silent, nil
}

// takeInquiry handles what of an envelope is between clusters; it never waits.
func (c *Cluster) takeInquiry(e *Envelope) {
	for _, a := range e.Asks {
		select {
		case c.inquiry.asked <- a:
		default:
		}
	}
	for _, a := range e.Answers {
		c.inquiry.mu.Lock()
		to := c.inquiry.waiting[a.ID]
		c.inquiry.mu.Unlock()
		select {
		case to <- a:
		default: // nobody waits any more
		}
	}
}

// answerAsks tells other nodes what this one remembers.
func (c *Cluster) answerAsks(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case a := <-c.inquiry.asked:
			events, err := json.Marshal(c.o.Trace.Of(a.Conversation, a.Seq))
			if err != nil {
				continue // strings and times always marshal
			}
			e := &Envelope{Answers: []Answer{{ID: a.ID, Node: c.o.Node, Events: events}}}
			if err := c.publish(ctx, map[chat.NodeID]*Envelope{a.From: e}); err != nil {
				c.o.Log.Debug("an inquiry was not answered", "error", err)
			}
		}
	}
}

// Received returns the offset that each device of a user last reported, as far
// as Redis knows.
func (c *Cluster) Received(ctx context.Context, u chat.UserID) (map[chat.DeviceID]Offset, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	all, err := c.r.c.HGetAll(ctx, keyMeta(u)).Result()
	if err != nil {
		return nil, c.unwell("received", err)
	}
	out := map[chat.DeviceID]Offset{}
	for field, value := range all {
		if len(field) > 2 && field[:2] == "r:" {
			if o, ok := ParseOffset(value); ok {
				out[chat.DeviceID(field[2:])] = o
			}
		}
	}
	return out, nil
}

func (w *writer) inquiry(e *Envelope) {
	w.num(int64(len(e.Asks)))
	for _, a := range e.Asks {
		w.str(a.ID)
		w.str(string(a.From))
		w.str(string(a.Conversation))
		w.num(a.Seq)
	}
	w.num(int64(len(e.Answers)))
	for _, a := range e.Answers {
		w.str(a.ID)
		w.str(string(a.Node))
		w.bytes(a.Events)
	}
}

func (r *reader) inquiry(e *Envelope) {
	for range r.count() {
		e.Asks = append(e.Asks, Ask{ID: r.str(), From: chat.NodeID(r.str()), Conversation: chat.ConversationID(r.str()), Seq: r.num()})
	}
	for range r.count() {
		e.Answers = append(e.Answers, Answer{ID: r.str(), Node: chat.NodeID(r.str()), Events: r.bytes()})
	}
}
