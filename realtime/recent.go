package realtime

import (
	"hash/maphash"
	"slices"

	"github.com/tieline/tieline/pkg/chat"
)

// recent remembers the newest messages that a socket was shown or has
// acknowledged, so that one that comes by a second way (the history after Redis
// was lost, the outbox after it was away) is not shown twice. It is a cache:
// what has fallen out of it may be shown again, as the contract allows then.
type recent struct {
	keys []uint64
	next int
}

// How many messages are remembered: usually, and while Redis is away.
const (
	recentUsually = 256
	recentAway    = 4096
)

var recentSeed = maphash.MakeSeed()

func recentKey(c chat.ConversationID, seq int64) uint64 {
	return maphash.Comparable(recentSeed, struct {
		c   chat.ConversationID
		seq int64
	}{c, seq})
}

func (r *recent) has(key uint64) bool { return slices.Contains(r.keys, key) }

// add remembers a message, in place of the oldest when there are most already.
func (r *recent) add(key uint64, most int) {
	if len(r.keys) < most {
		r.keys = append(r.keys, key)
		return
	}
	r.next %= len(r.keys)
	r.keys[r.next] = key
	r.next++
}
