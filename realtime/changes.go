package realtime

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// Changes is told of people who came online, went offline, or changed devices.
// It may be told the same again, and of what is over already.
type Changes interface {
	Changed(ctx context.Context, now map[chat.UserID]chat.Presence) error
}

// changes finds out what became of people who came to this node or left it, or
// lost theirs when it died, and tells. Several changes that follow each other closely are told as one.
type changes struct {
	node *Node

	// Owned by run.
	told map[chat.UserID]chat.Presence // of those who are here

	mu      sync.Mutex
	waiting map[chat.UserID]struct{}
}

// How often changes are told, how many together, and how many may wait: further
// ones are let go.
const (
	changesEvery = 500 * time.Millisecond
	changesBatch = 500
	changesMost  = 50_000
)

func newChanges(n *Node) *changes {
	return &changes{node: n, told: map[chat.UserID]chat.Presence{}, waiting: map[chat.UserID]struct{}{}}
}

// Orphaned says that a node died that held some people.
func (n *Node) Orphaned(users []chat.UserID) { n.changes.add(users...) }

// add has people looked at soon.
func (c *changes) add(users ...chat.UserID) {
	if c.node.o.Changes == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, u := range users {
		if _, there := c.waiting[u]; !there && len(c.waiting) >= changesMost {
			c.node.metrics.drops.WithLabelValues("changes").Inc()
			continue
		}
		c.waiting[u] = struct{}{}
	}
}

// take returns some of those who are to be looked at.
func (c *changes) take() (some []chat.UserID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for u := range c.waiting {
		if len(some) == changesBatch {
			break
		}
		delete(c.waiting, u)
		some = append(some, u)
	}
	return some
}

func (c *changes) run(ctx context.Context) error {
	if c.node.o.Changes == nil {
		return nil
	}
	tick := time.NewTicker(changesEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for c.node.c.Up() && c.tell(ctx) {
		}
	}
}

// tell looks at some people and tells what is new of them. It reports whether
// there may be more.
func (c *changes) tell(ctx context.Context) bool {
	some := c.take()
	if len(some) == 0 {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	now, err := c.node.c.Presences(ctx, some)
	if err != nil {
		c.add(some...)
		return false
	}
	news := map[chat.UserID]chat.Presence{}
	for _, u := range some {
		s, had := now[u], c.told[u]
		switch {
		case !s.Until.IsZero(): // the grace time is not over by the clock of Redis
			c.add(u)
		case had.Online != s.Online || !slices.Equal(had.Devices, s.Devices) || !s.Online:
			news[u] = s.Presence
		}
	}
	if len(news) > 0 {
		if err := c.node.o.Changes.Changed(ctx, news); err != nil {
			c.node.log.Debug("changes of presence are told later", "error", err)
			c.add(some...)
			return false
		}
	}
	for _, u := range some {
		if p, isNew := news[u]; isNew {
			c.told[u] = p
		}
		if len(c.node.hub.of(u)) == 0 {
			delete(c.told, u)
		}
	}
	return len(some) == changesBatch
}
