package cluster

import (
	"context"
	"strconv"
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
// What queues and logs have of a message that has changed, changes with it.
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
	if err := pipeline(ctx, c.r.c, c.amendments(events)); err != nil {
		return c.unwell("amend", err)
	}
	if err := c.appendQueues(ctx, parcels, search); err != nil {
		return c.unwell("deliver events", err)
	}
	out := map[chat.NodeID]*Envelope{}
	generation := c.generation.Load()
	for _, p := range parcels {
		p.address(out, generation)
	}
	if noted := notedBy(events); len(noted) > 0 {
		out[""] = &Envelope{Noted: noted}
	}
	return c.unwell("publish", c.publishBy(ctx, c.r.once, out))
}

// amendments are the calls that bring queues and logs up to date with what
// happened to messages: one that was recalled is taken out of the queue, and in
// the log of a large room each is as it is now.
func (c *Cluster) amendments(events []chat.Event) (calls []*call) {
	for i := range events {
		e := &events[i]
		m := e.Data.Message
		switch {
		case m == nil:
		case isLogged(m):
			w := writer{}
			w.logged(&Logged{
				Entry:  Entry{Conversation: m.Conversation, Seq: m.Seq, At: m.At.UnixMilli(), Body: wire.EncodeMessage(m, "")},
				Sender: m.From.ID, Own: wire.EncodeMessage(m, m.From.ID),
			})
			calls = append(calls, &call{script: relogScript, keys: []string{keyLog(m.Conversation)}, args: []any{m.Seq, w.b}})
		case e.Name == chat.MessageRecalled:
			key := string(m.Conversation) + " " + strconv.FormatInt(m.Seq, 10) + " "
			calls = append(calls, &call{script: purgeScript, keys: []string{keyQueue(e.To)}, args: []any{key, c.o.QueueLength}})
		}
	}
	return calls
}

// isLogged reports whether a message is one of a room with a log, whose members
// are too many for an event each.
func isLogged(m *chat.Message) bool {
	in := chat.Conversation{ID: m.Conversation, Direct: m.To.User != ""}
	return in.Log()
}

// notedBy returns what everybody is told live of rooms with a log. Who did it has
// the event in the queue.
func notedBy(events []chat.Event) (noted []Noted) {
	for i := range events {
		e := events[i]
		if m := e.Data.Message; m != nil && isLogged(m) {
			by := e.To
			e.To = ""
			noted = append(noted, Noted{But: by, Body: wire.EncodeEvent(&e)})
		}
	}
	return noted
}
