package cluster

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/tieline/tieline/pkg/chat"
)

// Presence is derived: somebody is online who has a session that is open on a
// node whose lease is running, or that closed less than the grace time ago.

// watchTTL is how long a node's interest in a user lasts unless it is renewed.
const watchTTL = 2 * time.Minute

// onlineAge is how old a list of everybody online may be when it is paged.
const onlineAge = time.Second

// Status is a presence and, of somebody who is only within the grace time, when
// that ends.
type Status struct {
	chat.Presence
	Until time.Time
}

// Presences returns the presence of each user that has any session; who is not
// in the answer is offline. LastSeen is not known here.
func (c *Cluster) Presences(ctx context.Context, users []chat.UserID) (map[chat.UserID]Status, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	p := c.r.c.Pipeline()
	held := make([]*redis.StringSliceCmd, len(users))
	for i, u := range users {
		held[i] = p.HVals(ctx, keySessions(u))
	}
	clock := p.Time(ctx)
	if _, err := p.Exec(ctx); err != nil {
		return nil, c.unwell("presence", err)
	}
	var open []chat.Session
	for _, h := range held {
		for _, h := range h.Val() {
			if s, ok := readSession("", "", h); ok && isOpen(h) {
				open = append(open, s)
			}
		}
	}
	if err := c.learn(ctx, open); err != nil {
		return nil, err
	}
	out := make(map[chat.UserID]Status, len(users))
	for i, u := range users {
		if s := c.derive(held[i].Val(), clock.Val()); s.Online {
			out[u] = s
		}
	}
	return out, nil
}

func (c *Cluster) derive(held []string, clock time.Time) Status {
	var s Status
	open := false
	for _, h := range held {
		session, ok := readSession("", "", h)
		if !ok {
			continue
		}
		till := number(h[strings.LastIndexByte(h, '|')+1:])
		switch {
		case till == 0 && c.holds(session):
			open = true
		case till > clock.UnixMilli():
			if t := time.UnixMilli(till); t.After(s.Until) {
				s.Until = t
			}
		default:
			continue
		}
		s.Online = true
		if !slices.Contains(s.Devices, session.Platform) {
			s.Devices = append(s.Devices, session.Platform)
		}
	}
	if open {
		s.Until = time.Time{}
	}
	slices.Sort(s.Devices)
	return s
}

// Watch notes that this node wants to know of changes of these users' presence;
// Unwatch takes it back.
func (c *Cluster) Watch(ctx context.Context, users []chat.UserID) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	p := c.r.c.Pipeline()
	till := float64(time.Now().Add(watchTTL).UnixMilli())
	for _, u := range users {
		p.ZAdd(ctx, keyWatchers(u), redis.Z{Score: till, Member: string(c.o.Node)})
		p.PExpire(ctx, keyWatchers(u), watchTTL)
	}
	_, err := p.Exec(ctx)
	return c.unwell("watch", err)
}

// Unwatch takes back what Watch noted.
func (c *Cluster) Unwatch(ctx context.Context, users []chat.UserID) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	p := c.r.c.Pipeline()
	for _, u := range users {
		p.ZRem(ctx, keyWatchers(u), string(c.o.Node))
	}
	_, err := p.Exec(ctx)
	return c.unwell("unwatch", err)
}

// TellWatchers lets nodes know that a user's presence may have changed.
func (c *Cluster) TellWatchers(ctx context.Context, u chat.UserID, nodes []chat.NodeID) error {
	if len(nodes) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out := map[chat.NodeID]*Envelope{}
	for _, n := range nodes {
		out[n] = &Envelope{Changed: []chat.UserID{u}}
	}
	return c.unwell("watchers", c.publish(ctx, out))
}

// Hold notes in the list of everybody online that this node holds some users
// and no longer holds others. With fresh the list is made anew.
func (c *Cluster) Hold(ctx context.Context, held, gone []chat.UserID, fresh bool) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	key := keyOnline(c.o.Node)
	p := c.r.c.Pipeline()
	if fresh {
		p.Del(ctx, key)
	}
	if len(held) > 0 {
		p.SAdd(ctx, key, anys(held)...)
	}
	if len(gone) > 0 {
		p.SRem(ctx, key, anys(gone)...)
	}
	p.PExpire(ctx, key, 3*leaseTime)
	_, err := p.Exec(ctx)
	return c.unwell("hold", err)
}

func anys(users []chat.UserID) []any {
	out := make([]any, len(users))
	for i, u := range users {
		out[i] = string(u)
	}
	return out
}

// onlineCache is the sorted list of everybody online, read at most once a
// second however many ask.
type onlineCache struct {
	mu   sync.Mutex
	at   time.Time
	list []chat.UserID
}

// Online returns a page of everybody online but those who are hidden, sorted by
// id, after the user named by the cursor, and how many there are.
func (c *Cluster) Online(ctx context.Context, hidden []chat.UserID, cursor string, limit int) (page []chat.UserID, next string, total int, err error) {
	list, err := c.everybodyOnline(ctx)
	if err != nil {
		return nil, "", 0, err
	}
	total = len(list)
	without := make(map[chat.UserID]bool, len(hidden))
	for _, u := range hidden {
		if _, online := slices.BinarySearch(list, u); online {
			without[u] = true
			total--
		}
	}
	from, found := slices.BinarySearch(list, chat.UserID(cursor))
	if found {
		from++
	}
	for _, u := range list[from:] {
		if without[u] {
			continue
		}
		if len(page) == limit {
			return page, string(page[limit-1]), total, nil
		}
		page = append(page, u)
	}
	return page, "", total, nil
}

func (c *Cluster) everybodyOnline(ctx context.Context) ([]chat.UserID, error) {
	c.online.mu.Lock()
	defer c.online.mu.Unlock()
	if time.Since(c.online.at) < onlineAge {
		return c.online.list, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	p := c.r.c.Pipeline()
	var sets []*redis.StringSliceCmd
	for _, n := range c.Nodes() {
		sets = append(sets, p.SMembers(ctx, keyOnline(n.ID)))
	}
	if len(sets) > 0 {
		if _, err := p.Exec(ctx); err != nil {
			return nil, c.unwell("online", err)
		}
	}
	var list []chat.UserID
	for _, s := range sets {
		for _, u := range s.Val() {
			list = append(list, chat.UserID(u))
		}
	}
	slices.Sort(list)
	c.online.list, c.online.at = slices.Compact(list), time.Now()
	return c.online.list, nil
}
