package store

import (
	"context"
	"sync"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/uptrace/bun"
)

// crowd is who was in a room at a version of it, and until when each of them may
// not write.
type crowd struct {
	version int64
	all     []chat.UserID
	muted   map[chat.UserID]time.Time // zero: not muted
}

// crowds remembers who is in rooms. A crowd is right as long as the room's
// version is its own, and the version is read under the lock of each commit: so
// most messages cost no query, and none goes by an old list.
type crowds struct {
	mu   sync.Mutex
	m    map[chat.ConversationID]*crowd
	size int // members in all of them
}

// maxCrowds bounds how many members are remembered; then it begins anew.
const maxCrowds = 500_000

func (c *crowds) get(room chat.Conversation) *crowd {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.m[room.ID]; k != nil && k.version == room.Version {
		return k
	}
	return nil
}

func (c *crowds) put(id chat.ConversationID, k *crowd) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.m[id]; old != nil {
		c.size -= len(old.all)
	}
	if c.m == nil || c.size+len(k.all) > maxCrowds {
		c.m, c.size = map[chat.ConversationID]*crowd{}, 0
	}
	c.m[id] = k
	c.size += len(k.all)
}

// crowdsOf returns who is in rooms whose heads are locked, or were just read.
func (s *Messages) crowdsOf(ctx context.Context, q bun.IDB, rooms []chat.Conversation) (map[chat.ConversationID]*crowd, error) {
	out := make(map[chat.ConversationID]*crowd, len(rooms))
	var unknown []chat.ConversationID
	for _, r := range rooms {
		if out[r.ID] = s.crowds.get(r); out[r.ID] == nil {
			unknown = append(unknown, r.ID)
			out[r.ID] = &crowd{version: r.Version, muted: map[chat.UserID]time.Time{}}
		}
	}
	if len(unknown) == 0 {
		return out, nil
	}
	var rows []memberRow
	err := q.NewSelect().Model(&rows).Column("conversation_id", "user_id", "muted_until").Where("conversation_id IN (?)", bun.List(unknown)).Scan(ctx)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		k := out[rows[i].ConversationID]
		k.all = append(k.all, rows[i].UserID)
		k.muted[rows[i].UserID] = rows[i].MutedUntil.UTC()
	}
	return out, nil
}

// remember keeps crowds that were read in a transaction which is committed, or
// outside of any.
func (s *Messages) remember(of map[chat.ConversationID]*crowd) {
	for id, k := range of {
		s.crowds.put(id, k)
	}
}

// Crowd returns who is in a room now.
func (s *Messages) Crowd(ctx context.Context, id chat.ConversationID) (all []chat.UserID, err error) {
	err = s.db.query(ctx, "store.crowd", func(ctx context.Context, q bun.IDB) error {
		return q.NewSelect().Table("members").Column("user_id").Where("conversation_id = ?", id).Scan(ctx, &all)
	})
	return all, err
}

// may says why somebody may not write to a room, "" if they may.
func (k *crowd) may(u chat.UserID, at time.Time) chat.Kind {
	until, there := k.muted[u]
	switch {
	case !there:
		return chat.NotAMember
	case until.After(at):
		return chat.Muted
	}
	return ""
}

// queuedAmong returns the rooms among some conversations whose messages go to the
// queues of their members.
func queuedAmong(all map[chat.ConversationID]chat.Conversation) (rooms []chat.Conversation) {
	for _, c := range all {
		if !c.Direct && !c.Log() {
			rooms = append(rooms, c)
		}
	}
	return rooms
}
