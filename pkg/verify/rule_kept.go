package verify

import (
	"maps"
	"slices"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// lost: what was acknowledged is in the history, for each of its readers.
func (c *checker) lost() {
	readers := map[chat.ConversationID][]*pull{}
	for _, p := range c.pulls {
		if p.done != nil && p.done.Code == "" {
			readers[p.done.Conversation] = append(readers[p.done.Conversation], p)
		}
	}
	for _, l := range c.letters {
		ack := l.ack()
		if ack == nil {
			continue
		}
		for _, p := range readers[ack.Conversation] {
			if ack.Seq > p.done.After && ack.At < p.done.Began && p.at[ack.spot()] == nil {
				c.report(RuleLost, evidence(l.first(), ack, p.done),
					"%q was acknowledged as seq %d of %s, and is not in the history that %s was shown", l.id, ack.Seq, ack.Conversation, p.done.User)
			}
		}
	}
}

// undelivered: every device that came back in the end was shown every message
// kept from the first to the last of those that it must have.
func (c *checker) undelivered() {
	for _, d := range c.devices {
		if d.settled == nil || d.start == nil {
			continue
		}
		for _, at := range c.missing(d) {
			var sent, ack *Event
			if l := c.letterAt(at); l != nil {
				sent, ack = l.first(), l.ack()
			}
			c.report(RuleUndelivered, evidence(sent, ack, c.kept[at], d.settled),
				"seq %d of %s was never shown to %s, though it came back in the end", at.seq, at.in, d)
		}
	}
}

// missing lists what a device must have been shown and was not. It has a start.
func (w *world) missing(d *device) (lack []spot) {
	spans := w.spans(d)
	for _, in := range slices.Sorted(maps.Keys(spans)) {
		for seq := spans[in].from; seq <= spans[in].to; seq++ {
			at := spot{in, seq}
			if d.shown[at] != nil || w.kept[at] == nil && w.bySpot[at] == nil || d.declared(at) {
				continue
			}
			if l := w.letterAt(at); l == nil || !l.by(d) {
				lack = append(lack, at)
			}
		}
	}
	return lack
}

// span is a range of seqs, both ends included.
type span struct{ from, to int64 }

// spans says which part of each conversation a device must have: between the
// messages that were first sent after it had signed in, and acknowledged.
// Whatever else has a seq in between was kept in between.
func (w *world) spans(d *device) map[chat.ConversationID]span {
	spans := map[chat.ConversationID]span{}
	for _, l := range w.letters {
		ack := l.ack()
		if ack == nil || l.first().N < d.start.N || !l.first().isFor(d) {
			continue
		}
		s, known := spans[ack.Conversation]
		if !known {
			s = span{ack.Seq, ack.Seq}
		}
		spans[ack.Conversation] = span{min(s.from, ack.Seq), max(s.to, ack.Seq)}
	}
	return spans
}

// letterAt finds the letter that became a message, acknowledged or not.
func (w *world) letterAt(at spot) *letter {
	if l := w.bySpot[at]; l != nil {
		return l
	}
	if kept := w.kept[at]; kept != nil {
		if a := w.byText[said{kept.From, kept.Text}]; a != nil && kept.Text != "" {
			return a.letter
		}
	}
	return nil
}

// levelWithin is how long after an ack a connection may begin and be told that
// it is level without having been shown the message. The promise knows no such
// time: it keeps what happens at once from being judged.
const (
	levelWithin      = 2 * time.Second
	levelWithinLossy = 10 * time.Second
)

// missedAtSync: "synced" comes after everything that was missed.
func (c *checker) missedAtSync() {
	grace := levelWithin
	if c.lossy {
		grace = levelWithinLossy
	}
	for _, d := range c.devices {
		if d.start == nil {
			continue
		}
		var level []*conn
		for _, x := range d.conns {
			if x.synced != nil {
				level = append(level, x)
			}
		}
		for _, l := range c.letters {
			ack := l.ack()
			if ack == nil || !ack.Live || l.first().N < d.start.N || !l.first().isFor(d) || l.by(d) {
				continue
			}
			c.missedBy(d, level, ack, ack.At+grace)
		}
	}
}

// missedBy looks at the first connection that had to bring a message.
func (c *checker) missedBy(d *device, level []*conn, ack *Event, from time.Duration) {
	i, _ := slices.BinarySearchFunc(level, from, func(x *conn, t time.Duration) int { return int(x.connect.At - t) })
	if i == len(level) {
		return
	}
	x, shown := level[i], d.shown[ack.spot()]
	if (shown == nil || shown.N > x.synced.N) && !d.declared(ack.spot()) {
		c.report(RuleSynced, evidence(ack, x.connect, x.synced, shown),
			"%s was told that it is level without having been shown seq %d of %s, acknowledged %s before it connected",
			d, ack.Seq, ack.Conversation, (x.connect.At - ack.At).Round(time.Millisecond))
	}
}
