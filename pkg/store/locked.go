package store

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/uptrace/bun"
)

// errLocked says that a head was not had in time.
var errLocked = errors.New("a conversation is locked by somebody else")

// lockedHeads are conversations that somebody else was found to keep locked: a
// node that froze in the middle of a transaction, or a hand at the server. A
// batch does not wait for them again, so they hold up nobody but themselves.
type lockedHeads struct {
	mu    sync.Mutex
	until map[chat.ConversationID]time.Time
}

// lockedFor is for how long a head is in doubt. When it is found to be free
// before, it no longer is.
const lockedFor = 10 * time.Second

// among returns the conversations of some messages that are in doubt.
func (l *lockedHeads) among(fresh []*chat.Pending) (ids []chat.ConversationID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.until) == 0 {
		return nil
	}
	for _, id := range idsOf(fresh) {
		if until, ok := l.until[id]; ok && time.Now().Before(until) {
			ids = append(ids, id)
		}
	}
	return ids
}

// found notes which of those in doubt are free.
func (l *lockedHeads) found(doubtful, free []chat.ConversationID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.until == nil {
		l.until = map[chat.ConversationID]time.Time{}
	}
	for _, id := range doubtful {
		if slices.Contains(free, id) {
			delete(l.until, id)
		} else {
			l.until[id] = time.Now().Add(lockedFor)
		}
	}
}

// notLocked locks those heads in doubt that can be had at once, and returns the
// messages that need no other; the rest are to be sent again later.
func (s *Messages) notLocked(ctx context.Context, tx bun.Tx, fresh []*chat.Pending, doubtful []chat.ConversationID) ([]*chat.Pending, error) {
	if len(doubtful) == 0 {
		return fresh, nil
	}
	var free []chat.ConversationID
	err := tx.NewSelect().Table("conversations").Column("id").Where("id IN (?)", bun.List(doubtful)).For("UPDATE SKIP LOCKED").Scan(ctx, &free)
	if err != nil {
		return nil, err
	}
	s.locked.found(doubtful, free)
	var some []*chat.Pending
	for _, p := range fresh {
		p.Err = nil
		if slices.Contains(doubtful, p.Conversation) && !slices.Contains(free, p.Conversation) {
			p.Err = &chat.Error{Kind: chat.Unavailable, Op: "store.append", Err: errLocked, Retry: time.Second}
			continue
		}
		some = append(some, p)
	}
	return some, nil
}

// idsOf returns the conversations of some messages, each once.
func idsOf(fresh []*chat.Pending) (ids []chat.ConversationID) {
	for _, h := range headsOf(fresh, time.Time{}) {
		ids = append(ids, h.ID)
	}
	return ids
}
