package realtime

import (
	"sync"

	"github.com/tieline/tieline/pkg/chat"
)

// hub is who is connected here. Nothing waits under its lock: what is looked up
// is copied out.
type hub struct {
	mu      sync.RWMutex
	users   map[chat.UserID][]*conn
	total   int
	changed map[chat.UserID]struct{} // came or went since the list of everybody online was last told
}

func newHub() *hub {
	return &hub{users: map[chat.UserID][]*conn{}, changed: map[chat.UserID]struct{}{}}
}

func (h *hub) add(c *conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	u := c.session.User
	h.users[u] = append(h.users[u], c)
	h.total++
}

func (h *hub) remove(c *conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	u := c.session.User
	list := h.users[u]
	for i, other := range list {
		if other == c {
			// A new slice: copies that were handed out are still being read.
			list = append(append([]*conn(nil), list[:i]...), list[i+1:]...)
			h.total--
			break
		}
	}
	if len(list) == 0 {
		delete(h.users, u)
	} else {
		h.users[u] = list
	}
}

// of returns the connections of a user; the caller must not change the slice.
func (h *hub) of(u chat.UserID) []*conn {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.users[u]
}

// all returns every connection.
func (h *hub) all() []*conn {
	h.mu.RLock()
	defer h.mu.RUnlock()
	out := make([]*conn, 0, h.total)
	for _, list := range h.users {
		out = append(out, list...)
	}
	return out
}

// size returns how many connections and users there are.
func (h *hub) size() (conns, users int) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.total, len(h.users)
}

// touch notes that a user came, or is over the grace time of going.
func (h *hub) touch(u chat.UserID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.changed[u] = struct{}{}
}

// takeChanged returns who was touched since it was last called: those that are
// here, and those that are not.
func (h *hub) takeChanged() (here, gone []chat.UserID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for u := range h.changed {
		if len(h.users[u]) > 0 {
			here = append(here, u)
		} else {
			gone = append(gone, u)
		}
	}
	clear(h.changed)
	return here, gone
}

// everybody returns the users that are here.
func (h *hub) everybody() []chat.UserID {
	h.mu.RLock()
	defer h.mu.RUnlock()
	out := make([]chat.UserID, 0, len(h.users))
	for u := range h.users {
		out = append(out, u)
	}
	return out
}
