package messaging

import (
	"context"
	"slices"
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
	crowd []chat.UserID // of a room, but the lobby
	at    time.Time
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
func (r *roomCache) put(c chat.Conversation, crowd []chat.UserID, doubts int) known {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.m) >= maxRoomCache {
		clear(r.m)
	}
	c.LastSeq = 0 // that does change
	k := known{Conversation: c, crowd: crowd}
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
// there is not, or is nothing to the sender. Whether a sender is in a room is for
// others to say: the commit, for a message.
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
		var found chat.Conversation
		var err error
		if to.User != "" {
			found, err = m.h.OpenDirect(ctx, from, to.User)
		} else {
			found, err = m.h.Conversation(ctx, id)
		}
		if err != nil {
			return c, err
		}
		c = m.rooms.put(found, nil, doubts)
	}
	if c.Direct && (!c.Has(from) || to.Room != "") {
		return c, chat.E("messaging.resolve", chat.NotFound, nil)
	}
	return c, nil
}

// entered resolves a conversation that somebody is to be in now; NotAMember.
func (m *Messenger) entered(ctx context.Context, u chat.UserID, id chat.ConversationID) (chat.Conversation, error) {
	c, err := m.resolve(ctx, u, chat.Target{Conversation: id})
	if err != nil || c.Has(u) {
		return c.Conversation, err
	}
	crowd, err := m.h.Crowd(ctx, c.ID)
	if err == nil && !slices.Contains(crowd, u) {
		err = chat.E("messaging.entered", chat.NotAMember, nil)
	}
	return c.Conversation, err
}

// Reachable returns whom a signal or a typing notice to a target goes to: the
// others in the conversation, or nil and all true for the lobby. The error's kind
// is Blocked, NotFriends, NotAMember or NotFound where it goes to nobody.
func (m *Messenger) Reachable(ctx context.Context, from chat.UserID, to chat.Target) (c chat.Conversation, users []chat.UserID, err error) {
	k, err := m.resolve(ctx, from, to)
	if err != nil || k.Log() {
		return k.Conversation, nil, err
	}
	if time.Since(k.at) > gateAge || !k.Direct && k.crowd == nil {
		k = m.renew(ctx, k)
	}
	if k.Direct {
		if kind := k.Shut(from, m.o.FriendsOnly); kind != "" {
			return k.Conversation, nil, chat.E("messaging.reachable", kind, nil)
		}
		return k.Conversation, []chat.UserID{k.Peer(from)}, nil
	}
	if !slices.Contains(k.crowd, from) {
		return k.Conversation, nil, chat.E("messaging.reachable", chat.NotAMember, nil)
	}
	return k.Conversation, k.crowd, nil
}

// renew reads again what two people are to each other, or who is in a room; what
// cannot be read stays as it was known last.
func (m *Messenger) renew(ctx context.Context, k known) known {
	_, _, doubts := m.rooms.get(k.ID)
	c, err := m.h.Conversation(ctx, k.ID)
	if err != nil {
		return k
	}
	var crowd []chat.UserID
	if !c.Direct {
		if crowd, err = m.h.Crowd(ctx, k.ID); err != nil {
			return k
		}
	}
	return m.rooms.put(c, crowd, doubts)
}
