package messaging

import (
	"context"
	"sync"

	"github.com/tieline/tieline/pkg/chat"
)

// roomCache remembers what conversations are and whose: neither ever changes
// once made. When it is full it begins anew.
type roomCache struct {
	mu sync.Mutex
	m  map[chat.ConversationID]chat.Conversation
}

const maxRoomCache = 100_000

func newRoomCache() *roomCache { return &roomCache{m: map[chat.ConversationID]chat.Conversation{}} }

func (r *roomCache) get(id chat.ConversationID) (chat.Conversation, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, ok := r.m[id]
	return c, ok
}

func (r *roomCache) put(c chat.Conversation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.m) >= maxRoomCache {
		clear(r.m)
	}
	c.LastSeq = 0 // that does change
	r.m[c.ID] = c
}

// resolve finds the conversation that a target means to a sender, and makes the
// direct one where it is the first time. The error's kind is NotFound for what
// there is not, or is nothing to the sender.
func (m *Messenger) resolve(ctx context.Context, from chat.UserID, to chat.Target) (chat.Conversation, error) {
	id := to.Conversation
	switch {
	case to.User != "":
		id = chat.DirectID(from, to.User)
	case to.Room != "":
		id = to.Room
	}
	c, ok := m.rooms.get(id)
	if !ok {
		var err error
		if to.User != "" {
			c, err = m.h.OpenDirect(ctx, from, to.User)
		} else {
			c, err = m.h.Conversation(ctx, id)
		}
		if err != nil {
			return c, err
		}
		m.rooms.put(c)
	}
	if !c.Has(from) || to.Room != "" && c.Direct {
		return c, chat.E("messaging.resolve", chat.NotFound, nil)
	}
	return c, nil
}

// Reachable returns whom a signal or a typing notice to a target goes to: the
// other person, or nil and all true for the lobby.
func (m *Messenger) Reachable(ctx context.Context, from chat.UserID, to chat.Target) (users []chat.UserID, all bool, err error) {
	c, err := m.resolve(ctx, from, to)
	if err != nil {
		return nil, false, err
	}
	if !c.Direct {
		return nil, true, nil
	}
	return []chat.UserID{c.Peer(from)}, false, nil
}
