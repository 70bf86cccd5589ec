package client

import (
	"slices"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// Bounds of what a sequencer remembers and holds back.
const (
	maxTracks = 8192 // conversations; beyond it one at rest is forgotten
	maxHeld   = 256  // messages held back in one conversation
)

// arrival is a message on its way from the socket to the handler.
type arrival struct {
	msg  Message
	mark *mark // its place in the order of offsets
	at   time.Time
}

// track is what is known of one conversation.
type track struct {
	next int64 // the lowest seq, counted from where we came in, not handed on yet
	seen spans // handed on, acknowledged, or declared a gap
	held []arrival
}

// sequencer puts the messages of each conversation into the order of their seqs
// and drops what was handed on before. Pushes come in that order but for
// moments when several senders overtake each other; so a message that is ahead
// waits a short while for those before it. It belongs to one goroutine.
type sequencer struct {
	patience time.Duration // how long a message waits; not positive: not at all
	tracks   map[chat.ConversationID]*track
	waiting  int // messages held in all
}

func newSequencer(patience time.Duration) *sequencer {
	return &sequencer{patience: patience, tracks: map[chat.ConversationID]*track{}}
}

// admit takes a message that has just arrived and returns what may be handed on
// now. fresh is false when the message was handed on before or is held already.
func (s *sequencer) admit(a arrival) (ready []arrival, fresh bool) {
	seq := a.msg.Seq
	t, known := s.tracks[a.msg.Conversation]
	if !known {
		t = s.start(a.msg.Conversation, seq)
	}
	if t.seen.has(seq) || t.holds(seq) {
		return nil, false
	}
	if seq > t.next && s.patience > 0 {
		s.hold(t, a)
		if len(t.held) > maxHeld {
			return s.let(t), true
		}
		return nil, true
	}
	a.msg.Late = seq < t.next && known
	t.seen.add(seq, seq)
	if seq < t.next {
		return []arrival{a}, true
	}
	t.next = t.seen.after(seq)
	return append([]arrival{a}, s.follow(t)...), true
}

// fill notes seqs that will not be pushed, or are known already, and returns
// what waited for them.
func (s *sequencer) fill(c chat.ConversationID, from, to int64) []arrival {
	if from > to {
		return nil
	}
	t, known := s.tracks[c]
	if !known {
		t = s.start(c, from)
	}
	t.seen.add(from, to)
	if t.seen.has(t.next) {
		t.next = t.seen.after(t.next)
	}
	return s.follow(t)
}

// due returns what has waited long enough, with everything that it held up, and
// when to ask again (zero: nothing waits).
func (s *sequencer) due(now time.Time) (ready []arrival, again time.Time) {
	if s.waiting == 0 {
		return nil, time.Time{}
	}
	for _, t := range s.tracks {
		for len(t.held) > 0 && now.Sub(t.oldest()) >= s.patience {
			ready = append(ready, s.skip(t)...)
		}
		if len(t.held) > 0 {
			if at := t.oldest().Add(s.patience); again.IsZero() || at.Before(again) {
				again = at
			}
		}
	}
	return ready, again
}

// flush returns everything that waits.
func (s *sequencer) flush() (ready []arrival) {
	if s.waiting == 0 {
		return nil
	}
	for _, t := range s.tracks {
		ready = append(ready, s.let(t)...)
	}
	return ready
}

func (s *sequencer) start(c chat.ConversationID, next int64) *track {
	if len(s.tracks) >= maxTracks {
		for id, t := range s.tracks {
			if len(t.held) == 0 {
				delete(s.tracks, id)
				break
			}
		}
	}
	t := &track{next: next}
	s.tracks[c] = t
	return t
}

func (t *track) holds(seq int64) bool {
	return slices.ContainsFunc(t.held, func(a arrival) bool { return a.msg.Seq == seq })
}

func (t *track) oldest() time.Time {
	at := t.held[0].at
	for _, a := range t.held[1:] {
		if a.at.Before(at) {
			at = a.at
		}
	}
	return at
}

func (s *sequencer) hold(t *track, a arrival) {
	i, _ := slices.BinarySearchFunc(t.held, a.msg.Seq, func(h arrival, seq int64) int { return int(h.msg.Seq - seq) })
	t.held = slices.Insert(t.held, i, a)
	s.waiting++
}

// follow takes what is next in turn off the held ones.
func (s *sequencer) follow(t *track) (ready []arrival) {
	for len(t.held) > 0 && t.held[0].msg.Seq <= t.next {
		a := t.held[0]
		t.held = t.held[1:]
		s.waiting--
		t.seen.add(a.msg.Seq, a.msg.Seq)
		t.next = t.seen.after(a.msg.Seq)
		ready = append(ready, a)
	}
	return ready
}

// skip gives up waiting for what is missing before the first held message.
func (s *sequencer) skip(t *track) []arrival {
	t.next = t.held[0].msg.Seq
	return s.follow(t)
}

// let gives up waiting in this conversation altogether.
func (s *sequencer) let(t *track) (ready []arrival) {
	for len(t.held) > 0 {
		ready = append(ready, s.skip(t)...)
	}
	return ready
}
