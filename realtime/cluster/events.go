package cluster

import (
	"context"
	"strings"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// eventMark begins the conversation of a queue entry that is an event. No
// conversation's id begins so.
const eventMark = "@"

// EventPlace is where an event stands among the messages of a queue: a
// conversation of its own, with nothing else in it.
func EventPlace(id string) chat.ConversationID { return chat.ConversationID(eventMark + id) }

// IsEvent reports whether the entry is an event, and not a message.
func (e *Entry) IsEvent() bool { return strings.HasPrefix(string(e.Conversation), eventMark) }

// DeliverEvents appends events to the queues of those they are for, and
// publishes once to each node that holds some of them. Search is as for Deliver.
func (c *Cluster) DeliverEvents(ctx context.Context, events []chat.Event, search int) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	byUser := map[chat.UserID]*parcel{}
	var parcels []*parcel
	for i := range events {
		e := &events[i]
		p := byUser[e.To]
		if p == nil {
			p = &parcel{user: e.To}
			byUser[e.To] = p
			parcels = append(parcels, p)
		}
		p.entries = append(p.entries, Entry{Conversation: EventPlace(e.ID), At: e.At.UnixMilli(), Body: wire.EncodeEvent(e)})
		p.own = append(p.own, false)
	}
	if err := c.appendQueues(ctx, parcels, search); err != nil {
		return c.unwell("deliver events", err)
	}
	out := map[chat.NodeID]*Envelope{}
	generation := c.generation.Load()
	for _, p := range parcels {
		p.address(out, generation)
	}
	return c.unwell("publish", c.publishBy(ctx, c.r.once, out))
}
