// Package trace remembers what became of recent messages on one node, so that
// an operator can be told why somebody did not get one.
package trace

import (
	"slices"
	"sync"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// Stage is a station on the way of a message.
type Stage string

// The stages, in the order in which a message passes them.
const (
	Committed Stage = "committed" // in the database; Detail: the node's batch
	Postponed Stage = "postponed" // Redis was away: left to the outbox
	Queued    Stage = "queued"    // in User's queue, or the room's log; Detail: the position
	Published Stage = "published" // to the nodes in Detail; none: User has no socket anywhere
	Pushed    Stage = "pushed"    // written for Device of User
	Acked     Stage = "acked"     // Device of User said it, and has the acknowledgement instead
	Behind    Stage = "behind"    // Device of User was catching up, and gets it in its turn
)

// Event is one thing that happened to a message on a node.
type Event struct {
	At     time.Time
	Stage  Stage
	Node   chat.NodeID
	User   chat.UserID
	Device chat.DeviceID
	Detail string
}

// Ring keeps the newest events of one node; older ones are forgotten. Its nil
// value keeps nothing. It may be used by many goroutines.
type Ring struct {
	node chat.NodeID

	mu    sync.Mutex
	notes []note
	next  int
}

type note struct {
	conversation chat.ConversationID
	seq          int64
	Event
}

// New returns a ring for so many events of a node.
func New(node chat.NodeID, size int) *Ring {
	return &Ring{node: node, notes: make([]note, 0, size)}
}

// Note remembers that something happened to a message now.
func (r *Ring) Note(c chat.ConversationID, seq int64, e Event) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	e.At, e.Node = time.Now(), r.node
	if len(r.notes) < cap(r.notes) {
		r.notes = append(r.notes, note{c, seq, e})
		return
	}
	if len(r.notes) == 0 {
		return
	}
	r.notes[r.next] = note{c, seq, e}
	r.next = (r.next + 1) % len(r.notes)
}

// Of returns what is remembered of a message, in the order in which it happened.
func (r *Ring) Of(c chat.ConversationID, seq int64) []Event {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []Event
	for i := range r.notes {
		n := &r.notes[(r.next+i)%len(r.notes)]
		if n.seq == seq && n.conversation == c {
			out = append(out, n.Event)
		}
	}
	return out
}

// Sort puts the events of several nodes in the order of their clocks.
func Sort(events []Event) {
	slices.SortStableFunc(events, func(a, b Event) int { return a.At.Compare(b.At) })
}
