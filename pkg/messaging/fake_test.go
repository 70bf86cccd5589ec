package messaging

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// archive is a History in memory, in which everybody but "nobody" has an account.
type archive struct {
	Amender // what a test sets
	mu      sync.Mutex
	before  func(n int64, batch []*chat.Pending) error // asked ahead of each Append; may wait
	ahead   func()                                     // called ahead of each Leftovers; may wait
	away    bool                                       // nothing is answered
	rooms   map[chat.ConversationID]chat.Conversation
	said    map[chat.ConversationID][]chat.Message
	kept    map[string]*chat.Pending // by sender and client id
	outbox  map[string]map[int64]chat.Leftover
	crowds  map[chat.ConversationID][]chat.UserID
	sizes   []int // of the batches committed
}

func newArchive() *archive {
	return &archive{
		rooms: map[chat.ConversationID]chat.Conversation{chat.Lobby: {ID: chat.Lobby}},
		said:  map[chat.ConversationID][]chat.Message{}, kept: map[string]*chat.Pending{}, outbox: map[string]map[int64]chat.Leftover{},
	}
}

var errAway = chat.E("archive", chat.Unavailable, nil)

// in runs f unless the archive is away.
func (a *archive) in(f func()) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.away {
		return errAway
	}
	f()
	return nil
}

func (a *archive) goAway(away bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.away = away
}

// hook sets what is asked ahead of each Append: it may wait, and refuse.
func (a *archive) hook(before func(n int64, batch []*chat.Pending) error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.before = before
}

// hookLeftovers sets what is called ahead of each Leftovers, and may wait.
func (a *archive) hookLeftovers(ahead func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ahead = ahead
}

func (a *archive) Append(_ context.Context, node string, n int64, batch []*chat.Pending) error {
	a.mu.Lock()
	before := a.before
	a.mu.Unlock()
	if before != nil {
		if err := before(n, batch); err != nil {
			return err
		}
	}
	return a.keep(node, n, batch)
}

// keep commits a batch.
func (a *archive) keep(node string, n int64, batch []*chat.Pending) error {
	return a.in(func() {
		left := chat.Leftover{Node: node, N: n, At: time.Now()}
		for _, p := range batch {
			key := string(p.From.ID) + " " + p.ClientID
			if had := a.kept[key]; had != nil {
				p.Repeated, p.Seq, p.At = true, had.Seq, had.At
				if had.Digest != p.Digest {
					p.Err = chat.E("archive", chat.Conflict, nil)
				}
				continue
			}
			p.Seq, p.At = int64(len(a.said[p.Conversation])+1), left.At
			a.said[p.Conversation] = append(a.said[p.Conversation], p.Message)
			a.kept[key] = p
			left.Ranges = append(left.Ranges, chat.Range{Conversation: p.Conversation, From: p.Seq, To: p.Seq})
		}
		a.sizes = append(a.sizes, len(batch))
		if len(left.Ranges) == 0 {
			return
		}
		if a.outbox[node] == nil {
			a.outbox[node] = map[int64]chat.Leftover{}
		}
		a.outbox[node][n] = left
	})
}

// waiting shows the batches in the outbox.
func (a *archive) waiting() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []string
	for _, node := range slices.Sorted(maps.Keys(a.outbox)) {
		for _, n := range slices.Sorted(maps.Keys(a.outbox[node])) {
			out = append(out, fmt.Sprint(node, n))
		}
	}
	return strings.Join(out, " ")
}

func (a *archive) Leftovers(_ context.Context, node string, after int64, limit int) (left []chat.Leftover, err error) {
	a.mu.Lock()
	ahead := a.ahead
	a.mu.Unlock()
	if ahead != nil {
		ahead()
	}
	err = a.in(func() {
		for _, n := range slices.Sorted(maps.Keys(a.outbox[node])) {
			if n > after && len(left) < limit {
				left = append(left, a.outbox[node][n])
			}
		}
	})
	return left, err
}

func (a *archive) OldLeftovers(_ context.Context, alive []string, before time.Time, limit int) (left []chat.Leftover, err error) {
	err = a.in(func() {
		for _, node := range slices.Sorted(maps.Keys(a.outbox)) {
			for _, n := range slices.Sorted(maps.Keys(a.outbox[node])) {
				if l := a.outbox[node][n]; !slices.Contains(alive, node) && l.At.Before(before) && len(left) < limit {
					left = append(left, l)
				}
			}
		}
	})
	return left, err
}

func (a *archive) Delivered(_ context.Context, node string, from, to int64) error {
	return a.in(func() {
		maps.DeleteFunc(a.outbox[node], func(n int64, _ chat.Leftover) bool { return from <= n && n <= to })
	})
}

func (a *archive) Load(_ context.Context, ranges []chat.Range) (out []chat.Delivery, err error) {
	err = a.in(func() {
		for _, g := range ranges {
			for _, m := range a.said[g.Conversation][g.From-1 : g.To] {
				c := a.rooms[g.Conversation]
				out = append(out, chat.Delivery{Message: m, Recipients: c.Recipients(), Log: c.Log()})
			}
		}
	})
	return out, err
}

func (a *archive) Conversation(_ context.Context, id chat.ConversationID) (c chat.Conversation, err error) {
	found := false
	if err := a.in(func() { c, found = a.rooms[id] }); err != nil || found {
		return c, err
	}
	return c, chat.E("archive", chat.NotFound, nil)
}

func (a *archive) Crowd(_ context.Context, id chat.ConversationID) (all []chat.UserID, err error) {
	err = a.in(func() { all = a.crowds[id] })
	return all, err
}

func (a *archive) OpenDirect(_ context.Context, u, peer chat.UserID) (c chat.Conversation, err error) {
	if peer == "nobody" {
		return c, chat.E("archive", chat.NotFound, nil)
	}
	err = a.in(func() {
		c = chat.Conversation{ID: chat.DirectID(u, peer), Direct: true, A: min(u, peer), B: max(u, peer)}
		if peer == "gone" {
			c.Gate = chat.GateGone
		}
		a.rooms[c.ID] = c
	})
	return c, err
}

// What pages and lists there are is the store's own affair: it is told what was
// asked for.

func (a *archive) History(_ context.Context, c chat.Conversation, before, after int64, limit int) ([]chat.Message, error) {
	return []chat.Message{{Conversation: c.ID, Draft: chat.Draft{Text: fmt.Sprintf("%d..%d, %d", after, before, limit)}}}, nil
}

func (a *archive) Overviews(_ context.Context, u chat.UserID, cursor string, limit int) ([]chat.Overview, string, error) {
	return nil, fmt.Sprintf("%s %s %d", u, cursor, limit), nil
}

func (a *archive) Overview(_ context.Context, u chat.UserID, id chat.ConversationID) (chat.Overview, error) {
	c, err := a.Conversation(context.Background(), id)
	return chat.Overview{Conversation: c, Peer: chat.User{ID: c.Peer(u)}}, err
}

func (a *archive) MarkRead(_ context.Context, _ chat.UserID, _ chat.ConversationID, seq int64) (bool, error) {
	return seq < 100, a.in(func() {})
}

// courier is a Courier that remembers what it put into queues. Like the real
// one it finds repeats only where it is told to search for them.
type courier struct {
	t testing.TB

	mu     sync.Mutex
	before func(batch []chat.Delivery, search int) (put int, err error)
	down   bool
	alive  []string
	away   []chat.UserID // have no open socket
	queue  []chat.Delivery
	had    map[string]bool
	twice  int // deliveries of what had been delivered
	read   []chat.Reading
}

func newCourier(t testing.TB) *courier {
	return &courier{t: t, had: map[string]bool{}, alive: []string{"me"}}
}

// hook sets what is asked ahead of each Deliver: it may wait, and fail the call
// after the first so many messages were put.
func (c *courier) hook(before func(batch []chat.Delivery, search int) (put int, err error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.before = before
}

var errDown = chat.E("courier", chat.Unavailable, nil)

func (c *courier) Deliver(ctx context.Context, batch []chat.Delivery, search int) ([]chat.UserID, error) {
	put, failed := len(batch), error(nil)
	if !c.Up() {
		return nil, errDown
	}
	c.mu.Lock()
	before := c.before
	c.mu.Unlock()
	if before != nil {
		if put, failed = before(batch, search); failed == nil {
			put = len(batch)
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range batch[:put] {
		id := chat.MessageID(d.Conversation, d.Seq)
		switch {
		case !c.had[id]:
			c.had[id] = true
			c.queue = append(c.queue, d)
		case search == 0:
			if c.twice++; c.twice <= 5 {
				c.t.Errorf("%s was delivered twice", id)
			}
		}
	}
	return c.away, failed
}

func (c *courier) Up() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.down
}

func (c *courier) setUp(up bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = !up
}

func (c *courier) Alive() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.alive
}

func (c *courier) setAlive(boots ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.alive = boots
}

func (c *courier) Read(_ context.Context, r chat.Reading) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read = append(c.read, r)
	if c.down {
		return errDown
	}
	return nil
}

// delivered shows the client ids of what was put into queues, in that order.
func (c *courier) delivered() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]string, len(c.queue))
	for i, d := range c.queue {
		out[i] = d.ClientID
	}
	return strings.Join(out, " ")
}

// quiet is a log that nobody reads.
var quiet = slog.New(slog.DiscardHandler)

// stuck is an archive whose Append answers when its context ends.
type stuck struct{ *archive }

func (s *stuck) Append(ctx context.Context, _ string, _ int64, _ []*chat.Pending) error {
	<-ctx.Done()
	return ctx.Err()
}
