package cluster

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/trace"
	"github.com/tieline/tieline/pkg/wire"
)

// searchRecent is how many of the newest entries are searched for repeats when a
// delivery is tried again at once.
const searchRecent = 512

// parcel is what one user's queue gets of a batch, and what came of it.
type parcel struct {
	user    chat.UserID
	entries []Entry
	own     []bool // said by the user, in a session that has it by its ack
	call    *call
}

// Deliver appends a batch of committed messages to the queues of those who
// should have them, one script a recipient, and publishes once to each node
// that holds some of them. Search is 0 for messages that are delivered for the
// first time, else how far back repeats are looked for. Those without any open
// socket are returned if Options.Absences says so.
func (c *Cluster) Deliver(ctx context.Context, batch []chat.Delivery, search int) (absent []chat.UserID, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	parcels, logged := sortParcels(batch)
	out := map[chat.NodeID]*Envelope{}
	if err := c.appendLogs(ctx, logged); err != nil {
		return nil, c.unwell("deliver", err)
	}
	if err := c.appendQueues(ctx, parcels, search); err != nil {
		return nil, c.unwell("deliver", err)
	}
	generation := c.generation.Load()
	for _, p := range parcels {
		p.address(out, generation)
		c.notePublished(p)
	}
	if len(logged) > 0 {
		out[""] = &Envelope{Generation: generation, Logged: logged}
	}
	for i := range logged {
		c.o.Trace.Note(logged[i].Conversation, logged[i].Seq, trace.Event{Stage: trace.Published, Detail: "every node"})
	}
	return c.absent(parcels), c.unwell("publish", c.publishBy(ctx, c.r.once, out)) // over the connection that is warm
}

// absent returns whose every open session, if there is any, is on a node that
// died lately: Redis forgets those later.
func (c *Cluster) absent(parcels []*parcel) (users []chat.UserID) {
	if !c.o.Absences {
		return nil
	}
	c.mu.Lock()
	over := c.over
	c.mu.Unlock()
	for _, p := range parcels {
		reply, _ := p.call.cmd.Val().([]any)
		if len(reply) != 5 {
			continue
		}
		if !slices.ContainsFunc(texts(reply[1]), func(n string) bool { return !slices.Contains(over, chat.NodeID(n)) }) {
			users = append(users, p.user)
		}
	}
	return users
}

// sortParcels groups a batch by recipient and encodes each message once; its
// sender's devices get it with the sender's own id of it.
func sortParcels(batch []chat.Delivery) ([]*parcel, []Logged) {
	byUser := make(map[chat.UserID]*parcel, len(batch))
	var parcels []*parcel
	var logged []Logged
	for i := range batch {
		d := &batch[i]
		entry := Entry{Conversation: d.Conversation, Seq: d.Seq, At: d.At.UnixMilli(), Origin: d.Origin}
		others := wire.EncodeMessage(&d.Message, "")
		own := wire.WithClientID(others, d.ClientID)
		if d.Log {
			entry.Body = others
			logged = append(logged, Logged{Entry: entry, Sender: d.From.ID, Own: own})
			continue
		}
		for _, u := range d.Recipients {
			entry.Body = others
			if u == d.From.ID {
				entry.Body = own
			}
			p := byUser[u]
			if p == nil {
				p = &parcel{user: u}
				byUser[u] = p
				parcels = append(parcels, p)
			}
			p.entries = append(p.entries, entry)
			p.own = append(p.own, d.Session && u == d.From.ID)
		}
	}
	return parcels, logged
}

// appendQueues runs the scripts. A call whose reply was lost may have run, so
// what failed is tried once more with a search for repeats, and then may follow
// its slot to another server.
func (c *Cluster) appendQueues(ctx context.Context, parcels []*parcel, search int) error {
	todo := parcels
	var err error
	for _, client := range []redis.UniversalClient{c.r.once, c.r.c} {
		calls := make([]*call, len(todo))
		for i, p := range todo {
			calls[i] = c.appendCall(p, search)
			p.call = calls[i]
		}
		err = pipeline(ctx, client, calls)
		var again []*parcel
		behind := false
		for _, p := range todo {
			reply, _ := p.call.cmd.Val().([]any)
			if p.call.cmd.Err() != nil || stale(reply) {
				again = append(again, p)
				behind = behind || stale(reply)
			}
		}
		if len(again) == 0 {
			return nil
		}
		if behind {
			if err = c.followGeneration(ctx); err != nil {
				return err
			}
			err = errStale
		}
		todo, search = again, max(search, searchRecent)
	}
	return err
}

func (c *Cluster) appendCall(p *parcel, search int) *call {
	args := make([]any, 0, 4+3*len(p.entries))
	args = append(args, c.gen(), c.o.QueueLength, c.o.QueueAge.Milliseconds(), search)
	for i := range p.entries {
		e := &p.entries[i]
		args = append(args, entryKey(e), e.Origin, e.Body)
	}
	return &call{script: appendScript, keys: []string{keyMeta(p.user), keyQueue(p.user), keySessions(p.user)}, args: args}
}

// entryKey tells queue entries apart and carries what the body need not be
// parsed for: conversation, seq and commit time.
func entryKey(e *Entry) string {
	b := make([]byte, 0, 64)
	b = append(b, e.Conversation...)
	b = append(b, ' ')
	b = strconv.AppendInt(b, e.Seq, 10)
	b = append(b, ' ')
	return string(strconv.AppendInt(b, e.At, 10))
}

// address puts a parcel into the envelopes of the nodes that hold its user.
// Entries that were in the queue already become a nudge: the position that the
// user's sockets must have reached. What a user with one open session said goes
// without its body, since that session has it; should it be another session
// after all, that one reads its queue.
func (p *parcel) address(out map[chat.NodeID]*Envelope, generation int64) {
	reply, _ := p.call.cmd.Val().([]any)
	if len(reply) != 5 {
		return
	}
	position, alone := number(reply[0]), number(reply[4]) == 1
	nodes, _ := reply[1].([]any)
	skipped, _ := reply[2].([]any)
	for _, n := range nodes {
		node := chat.NodeID(text(n))
		e := out[node]
		if e == nil {
			e = &Envelope{Generation: generation}
			out[node] = e
		}
		if len(skipped) > 0 {
			e.Queued = append(e.Queued, Queued{User: p.user, Position: number(reply[3])})
			continue
		}
		for i := range p.entries {
			q := Queued{User: p.user, Position: position + int64(i), Entry: p.entries[i]}
			if alone && p.own[i] {
				q.Body = nil
			}
			e.Queued = append(e.Queued, q)
		}
	}
}

// notePublished remembers where a parcel was queued and which nodes were told.
func (c *Cluster) notePublished(p *parcel) {
	reply, _ := p.call.cmd.Val().([]any)
	if c.o.Trace == nil || len(reply) != 5 {
		return
	}
	position, nodes := number(reply[0]), strings.Join(texts(reply[1]), " ")
	for i := range p.entries {
		e := &p.entries[i]
		c.o.Trace.Note(e.Conversation, e.Seq, trace.Event{Stage: trace.Queued, User: p.user, Detail: strconv.FormatInt(position+int64(i), 10)})
		c.o.Trace.Note(e.Conversation, e.Seq, trace.Event{Stage: trace.Published, User: p.user, Detail: nodes})
	}
}

// appendLogs adds to the logs of large rooms. A log is sorted by seq, which the
// database gave, so adding twice, or out of order, changes nothing.
func (c *Cluster) appendLogs(ctx context.Context, logged []Logged) error {
	if len(logged) == 0 {
		return nil
	}
	p := c.r.c.Pipeline()
	rooms := map[chat.ConversationID]bool{}
	for i := range logged {
		l := &logged[i]
		w := writer{}
		w.logged(l)
		p.ZAdd(ctx, keyLog(l.Conversation), redis.Z{Score: float64(l.Seq), Member: w.b})
		rooms[l.Conversation] = true
	}
	for r := range rooms {
		p.ZRemRangeByRank(ctx, keyLog(r), 0, -logLength-1)
		p.PExpire(ctx, keyLog(r), c.o.QueueAge)
	}
	_, err := p.Exec(ctx)
	return err
}

// publish sends each node its envelope; node "" is everybody. What is lost here
// is found by the receiving node's own checks, so it is tried once more and not
// waited for. PublishBy is for what must not come twice.
func (c *Cluster) publish(ctx context.Context, out map[chat.NodeID]*Envelope) error {
	return c.publishBy(ctx, c.r.c, out)
}

func (c *Cluster) publishBy(ctx context.Context, client redis.UniversalClient, out map[chat.NodeID]*Envelope) error {
	if len(out) == 0 {
		return nil
	}
	p := client.Pipeline()
	for n, e := range out {
		to := channelOf(n)
		if n == "" {
			to = channelAll
		}
		c.r.publish(ctx, p, to, e.Encode())
	}
	_, err := p.Exec(ctx)
	return err
}

// Tell publishes finished frames to the sockets of users, wherever they are:
// neither queued nor stored.
func (c *Cluster) Tell(ctx context.Context, frames []Frame) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	p := c.r.c.Pipeline()
	held := map[chat.UserID]*redis.StringSliceCmd{}
	for _, f := range frames {
		for _, u := range f.Users {
			if held[u] == nil {
				held[u] = p.HVals(ctx, keySessions(u))
			}
		}
	}
	if _, err := p.Exec(ctx); err != nil {
		return c.unwell("tell", err)
	}
	out := map[chat.NodeID]*Envelope{}
	for _, f := range frames {
		for _, u := range f.Users {
			for _, n := range openNodes(held[u].Val()) {
				e := out[n]
				if e == nil {
					e = &Envelope{}
					out[n] = e
				}
				one := f
				one.Users = []chat.UserID{u}
				e.Frames = append(e.Frames, one)
			}
		}
	}
	return c.unwell("tell", c.publishBy(ctx, c.r.once, out)) // at most once
}

// Read tells the other person, and the reader's other devices, how far a
// conversation is read.
func (c *Cluster) Read(ctx context.Context, r chat.Reading) error {
	data := wire.Encode(wire.ReceiptFrame{Type: wire.Receipt, Conversation: r.Conversation, User: r.Reader, Seq: r.Seq})
	return c.Tell(ctx, []Frame{{Users: r.Tell, Except: r.Session, Data: data}})
}

// TellAll publishes a finished frame to every socket of every node.
func (c *Cluster) TellAll(ctx context.Context, f Frame) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	f.Users = nil
	return c.unwell("tell", c.publishBy(ctx, c.r.once, map[chat.NodeID]*Envelope{"": {Frames: []Frame{f}}}))
}

// TellRelated tells all nodes that two people have become something else to each
// other, so that what they remember of it is read again. Of a pair of one only
// what that one looks like is different.
func (c *Cluster) TellRelated(ctx context.Context, pairs []chat.Pair) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return c.unwell("tell", c.publish(ctx, map[chat.NodeID]*Envelope{"": {Related: pairs}}))
}

// TellRooms tells all nodes that something has changed in rooms.
func (c *Cluster) TellRooms(ctx context.Context, rooms []chat.ConversationID) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return c.unwell("tell", c.publish(ctx, map[chat.NodeID]*Envelope{"": {Rooms: rooms}}))
}
