package messaging

import (
	"context"
	"sync"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// roomCache remembers what conversations are and whose, which never changes once
// they are made, and for a while their gates, which do. When it is full it begins
// anew.
type roomCache struct {
	mu     sync.Mutex
	m      map[chat.ConversationID]known
	doubts int // how often something was doubted
}

type known struct {
	chat.Conversation
	at time.Time
}

// maxRoomCache bounds the cache; gateAge is how long a gate is believed if no
// word comes that it changed. Messages do not go by it: their gate is read under
// the lock of their commit.
const (
	maxRoomCache = 100_000
	gateAge      = 30 * time.Second
)

func newRoomCache() *roomCache { return &roomCache{m: map[chat.ConversationID]known{}} }

// get also returns how often something was doubted until now.
func (r *roomCache) get(id chat.ConversationID) (c known, ok bool, doubts int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, ok = r.m[id]
	return c, ok, r.doubts
}

// put remembers what was read. Its gate is not believed if something was doubted
// while it was read.
func (r *roomCache) put(c chat.Conversation, doubts int) known {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.m) >= maxRoomCache {
		clear(r.m)
	}
	c.LastSeq = 0 // that does change
	k := known{Conversation: c}
	if doubts == r.doubts {
		k.at = time.Now()
	}
	r.m[c.ID] = k
	return k
}

// doubt has the gates of conversations read again before they are believed; of
// all if none is named.
func (r *roomCache) doubt(ids []chat.ConversationID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.doubts++
	if len(ids) == 0 {
		for id := range r.m {
			ids = append(ids, id)
		}
	}
	for _, id := range ids {
		if c, ok := r.m[id]; ok {
			c.at = time.Time{}
			r.m[id] = c
		}
	}
}

// Doubt says that what people are to each other may have changed in some
// conversations; in any if none is named.
func (m *Messenger) Doubt(ids ...chat.ConversationID) { m.rooms.doubt(ids) }

// resolve finds the conversation that a target means to a sender, and makes the
// direct one where it is the first time. The error's kind is NotFound for what
// there is not, or is nothing to the sender.
func (m *Messenger) resolve(ctx context.Context, from chat.UserID, to chat.Target) (known, error) {
	id := to.Conversation
	switch {
	case to.User != "":
		id = chat.DirectID(from, to.User)
	case to.Room != "":
		id = to.Room
	}
	c, ok, doubts := m.rooms.get(id)
	if !ok {
		found, err := m.find(ctx, from, to.User, id)
		if err != nil {
			return c, err
		}
		c = m.rooms.put(found, doubts)
	}
	if !c.Has(from) || to.Room != "" && c.Direct {
		return c, chat.E("messaging.resolve", chat.NotFound, nil)
	}
	return c, nil
}

// find reads a conversation, or makes the direct one with a user.
func (m *Messenger) find(ctx context.Context, from, user chat.UserID, id chat.ConversationID) (chat.Conversation, error) {
	if user != "" {
		return m.h.OpenDirect(ctx, from, user)
	}
	return m.h.Conversation(ctx, id)
}

// Reachable returns whom a signal or a typing notice to a target goes to: the
// other person, or nil and all true for the lobby. The error's kind is Blocked,
// NotFriends or NotFound where it goes to nobody.
func (m *Messenger) Reachable(ctx context.Context, from chat.UserID, to chat.Target) (users []chat.UserID, all bool, err error) {
	c, err := m.resolve(ctx, from, to)
	if err != nil {
		return nil, false, err
	}
	if !c.Direct {
		return nil, true, nil
	}
	if time.Since(c.at) > gateAge {
		_, _, doubts := m.rooms.get(c.ID)
		if now, err := m.h.Conversation(ctx, c.ID); err == nil { // else what was known last
			c = m.rooms.put(now, doubts)
		}
	}
	if kind := c.Shut(from, m.o.FriendsOnly); kind != "" {
		return nil, false, chat.E("messaging.reachable", kind, nil)
	}
	return []chat.UserID{c.Peer(from)}, false, nil
}
