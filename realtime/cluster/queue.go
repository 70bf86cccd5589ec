package cluster

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/tieline/tieline/pkg/chat"
)

// Page is a part of a user's queue.
type Page struct {
	Generation int64 // that it was read under
	Head       int64 // the newest position
	First      int64 // the oldest that is kept; Head+1 when none is
	Entries    []Queued
	More       bool // there may be more after these
}

// ReadQueue returns up to count entries after a position, oldest first. The
// queue then belongs to the node's generation: one of an older generation was
// forgotten, and is empty from here on.
func (c *Cluster) ReadQueue(ctx context.Context, u chat.UserID, after int64, count int) (Page, error) {
	var under string
	reply, err := c.run(ctx, "queue", func(gen string) *call {
		under = gen
		return &call{script: pageScript, keys: []string{keyMeta(u), keyQueue(u)}, args: []any{gen, after, count}}
	})
	if err != nil || len(reply) != 3 {
		return Page{}, err
	}
	p := Page{Generation: number(under), Head: number(reply[0]), First: number(reply[1])}
	list, _ := reply[2].([]any)
	p.More = count > 0 && len(list) == count
	for _, e := range list {
		if q, ok := readEntry(e); ok {
			q.User = u
			p.Entries = append(p.Entries, q)
		}
	}
	return p, nil
}

// readEntry reads what append.lua wrote: position-0, then k, o and b.
func readEntry(v any) (q Queued, ok bool) {
	pair, _ := v.([]any)
	if len(pair) != 2 {
		return q, false
	}
	fields := texts(pair[1])
	if len(fields) != 6 {
		return q, false
	}
	id, _, _ := strings.Cut(text(pair[0]), "-")
	key := strings.Split(fields[1], " ")
	if len(key) != 3 {
		return q, false
	}
	q.Position, _ = strconv.ParseInt(id, 10, 64)
	q.Conversation = chat.ConversationID(key[0])
	q.Seq, _ = strconv.ParseInt(key[1], 10, 64)
	q.At, _ = strconv.ParseInt(key[2], 10, 64)
	q.Origin, q.Body = fields[3], []byte(fields[5])
	return q, true
}

// Receipt is a device's word that it has everything up to an offset.
type Receipt struct {
	User   chat.UserID
	Device chat.DeviceID
	Offset Offset
}

// trimAfter is how long an entry stays when every device has received it. It
// exceeds the time in which what a dead node left is delivered again.
const trimAfter = 30 * time.Second

// NoteReceived notes how far devices have received, and trims what every device
// of a user had a while ago. A note for another generation is left out.
func (c *Cluster) NoteReceived(ctx context.Context, receipts []Receipt) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	calls := make([]*call, len(receipts))
	for i := range receipts {
		r := &receipts[i]
		calls[i] = &call{
			script: receivedScript,
			keys:   []string{keyMeta(r.User), keyQueue(r.User), keyDevices(r.User)},
			args:   []any{strconv.FormatInt(r.Offset.Generation, 10), string(r.Device), r.Offset.String(), r.Offset.Position, trimAfter.Milliseconds()},
		}
	}
	return c.unwell("received", pipeline(ctx, c.r.c, calls))
}

// ReadLog returns what a room's log has after a seq, up to count messages, in
// order. Holes are the caller's to notice: the log is a cache of the history.
func (c *Cluster) ReadLog(ctx context.Context, room chat.ConversationID, after int64, count int) ([]Logged, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	members, err := c.r.c.ZRangeByScore(ctx, keyLog(room), &redis.ZRangeBy{Min: "(" + strconv.FormatInt(after, 10), Max: "+inf", Count: int64(count)}).Result()
	if err != nil {
		return nil, c.unwell("log", err)
	}
	out := make([]Logged, 0, len(members))
	for _, m := range members {
		r := reader{b: []byte(m)}
		if l := r.logged(); !r.bad {
			out = append(out, l)
		}
	}
	return out, nil
}
