package realtime

import (
	"context"
	"maps"
	"slices"

	"github.com/tieline/tieline/pkg/chat"
)

// shunned is by whom a socket's user is blocked, among those that it watches:
// they are offline to it, whatever they do. What is to be read again, because
// something changed or may have, is in stale.
type shunned struct {
	by    map[*conn]map[chat.UserID]struct{}
	stale map[*conn]map[chat.UserID]struct{}
}

func newShunned() shunned {
	return shunned{by: map[*conn]map[chat.UserID]struct{}{}, stale: map[*conn]map[chat.UserID]struct{}{}}
}

// put adds users to a conn's in one of the maps.
func put(m map[*conn]map[chat.UserID]struct{}, c *conn, u chat.UserID) {
	if m[c] == nil {
		m[c] = map[chat.UserID]struct{}{}
	}
	m[c][u] = struct{}{}
}

// drop takes users out of a conn's in one of the maps.
func drop(m map[*conn]map[chat.UserID]struct{}, c *conn, u chat.UserID) {
	if delete(m[c], u); len(m[c]) == 0 {
		delete(m, c)
	}
}

func (s *shunned) forget(c *conn, u chat.UserID) {
	drop(s.by, c, u)
	drop(s.stale, c, u)
}

func (s *shunned) has(c *conn, u chat.UserID) bool {
	_, ok := s.by[c][u]
	return ok
}

// related has those sockets of two people that watch the other one told what
// they may see of them now.
func (w *watchers) related(p chat.Pair) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, way := range []chat.Pair{{A: p.A, B: p.B}, {A: p.B, B: p.A}} {
		if e := w.users[way.B]; e != nil {
			for c := range e.conns {
				if c.session.User == way.A {
					put(w.shun.stale, c, way.B)
				}
			}
		}
	}
	w.rouse()
}

// doubt has what a conn may see of users read again, with the next round.
func (w *watchers) doubt(c *conn, users []chat.UserID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, u := range users {
		put(w.shun.stale, c, u)
	}
}

// visible returns those of some users whose presence a conn may know.
func (w *watchers) visible(c *conn, users []chat.UserID) []chat.UserID {
	w.mu.Lock()
	defer w.mu.Unlock()
	var some []chat.UserID
	for _, u := range users {
		if !w.shun.has(c, u) {
			some = append(some, u)
		}
	}
	return some
}

// relateAll is related for everybody: words of changes may have been missed.
func (w *watchers) relateAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for u, e := range w.users {
		for c := range e.conns {
			put(w.shun.stale, c, u)
		}
	}
	w.rouse()
}

// relate reads again what is stale, and tells those for whom something changed.
func (w *watchers) relate(ctx context.Context) {
	w.mu.Lock()
	stale := w.shun.stale
	w.shun.stale = map[*conn]map[chat.UserID]struct{}{}
	w.mu.Unlock()
	for c, users := range stale {
		changed, err := w.readShunned(ctx, c, slices.Collect(maps.Keys(users)))
		if err != nil {
			w.node.log.Debug("blocks not read", "error", err)
			w.mu.Lock()
			for u := range users {
				put(w.shun.stale, c, u)
			}
			w.mu.Unlock()
			continue // with the next round
		}
		if len(changed) > 0 {
			w.ask(c, changed)
		}
	}
}

// readShunned reads who of some users has blocked a socket's, and returns those
// for whom that is not as before.
func (w *watchers) readShunned(ctx context.Context, c *conn, users []chat.UserID) (changed []chat.UserID, err error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	blockers, err := w.node.o.Blocks.Blockers(ctx, c.session.User, users)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, u := range users {
		e := w.users[u]
		if e == nil {
			continue
		}
		if _, watches := e.conns[c]; !watches {
			continue
		}
		now := slices.Contains(blockers, u)
		if now == w.shun.has(c, u) {
			continue
		}
		changed = append(changed, u)
		if now {
			put(w.shun.by, c, u)
		} else {
			drop(w.shun.by, c, u)
		}
	}
	return changed, nil
}
