package realtime

import (
	"context"
	"strconv"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/trace"
)

// Inquiry is what there is to say of a message's way: why did somebody (not) get
// it? Events are only as old as the nodes' rings reach back; what the database
// and Redis know is always there.
type Inquiry struct {
	Conversation chat.ConversationID
	Seq          int64
	Sender       chat.UserID
	CommittedAt  time.Time
	Recipients   []Arrival
	Events       []trace.Event
	Silent       []chat.NodeID // live nodes that did not answer
}

// Arrival is how far a message got with one of its recipients.
type Arrival struct {
	User   chat.UserID
	State  ArrivalState
	Online bool
	Behind []chat.DeviceID // that have not reported it as received
}

// ArrivalState is the furthest that a message got.
type ArrivalState string

// The states, the furthest last.
const (
	NotQueued  ArrivalState = "committed" // in the history only, as far as is known
	InQueue    ArrivalState = "queued"    // waits for the next connection
	ToSocket   ArrivalState = "pushed"    // written to a socket, not reported as received
	IsReceived ArrivalState = "received"  // reported as received by a device
)

// Inquire gathers what all nodes know of a message. NotFound when there is none.
func (n *Node) Inquire(ctx context.Context, id chat.ConversationID, seq int64) (Inquiry, error) {
	found, err := n.h.Load(ctx, []chat.Range{{Conversation: id, From: seq, To: seq}})
	if err != nil {
		return Inquiry{}, err
	}
	if len(found) == 0 {
		return Inquiry{}, chat.E("realtime.inquire", chat.NotFound, nil)
	}
	d := &found[0]
	q := Inquiry{Conversation: id, Seq: seq, Sender: d.From.ID, CommittedAt: d.At}
	if q.Events, q.Silent, err = n.c.AskAll(ctx, id, seq); err != nil {
		return Inquiry{}, err
	}
	online, err := n.c.Presences(ctx, d.Recipients)
	if err != nil {
		return Inquiry{}, err
	}
	for _, u := range d.Recipients {
		a := Arrival{User: u, State: NotQueued, Online: online[u].Online}
		if err := n.arrival(ctx, &a, q.Events); err != nil {
			return Inquiry{}, err
		}
		q.Recipients = append(q.Recipients, a)
	}
	return q, nil
}

// arrival reads from the events, and from what devices reported, how far a
// message got with one person.
func (n *Node) arrival(ctx context.Context, a *Arrival, events []trace.Event) error {
	position := int64(0)
	for _, e := range events {
		if e.User != a.User {
			continue
		}
		switch e.Stage {
		case trace.Queued:
			position, _ = strconv.ParseInt(e.Detail, 10, 64)
			a.State = InQueue
		case trace.Pushed, trace.Acked:
			a.State = ToSocket
		}
	}
	if position == 0 {
		return nil
	}
	received, err := n.c.Received(ctx, a.User)
	if err != nil {
		return err
	}
	for d, o := range received {
		if o.Position >= position {
			a.State = IsReceived
		} else {
			a.Behind = append(a.Behind, d)
		}
	}
	return nil
}
