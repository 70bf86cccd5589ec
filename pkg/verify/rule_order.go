package verify

import (
	"maps"
	"slices"

	"github.com/tieline/tieline/pkg/chat"
)

// places: one place holds one message, the same for everybody.
func (c *checker) places() {
	holds := map[spot]*attempt{}
	for _, l := range c.letters {
		for _, a := range l.attempts {
			if !a.acked() {
				continue
			}
			at := a.reply.spot()
			if other := holds[at]; other == nil {
				holds[at] = a
			} else if other.letter != l {
				c.report(RuleOneSeq, evidence(other.send, other.reply, a.send, a.reply),
					"%q and %q were both acknowledged as seq %d of %s", other.letter.id, l.id, at.seq, at.in)
			}
		}
	}
	seen := map[spot]*Event{}
	for _, p := range c.pulls {
		for _, e := range p.kept {
			c.agree(holds[e.spot()], seen, e)
		}
	}
	for _, d := range c.devices {
		for _, e := range d.messages() {
			c.agree(holds[e.spot()], seen, e)
		}
	}
}

// messages are all that the device was shown, by place.
func (d *device) messages() []*Event {
	all := append(slices.Collect(maps.Values(d.shown)), d.again...)
	slices.SortFunc(all, func(a, b *Event) int { return a.N - b.N })
	return all
}

// agree holds what somebody saw in a place against what was acknowledged for it
// and what others saw there.
func (c *checker) agree(ack *attempt, seen map[spot]*Event, e *Event) {
	first := seen[e.spot()]
	switch {
	case first == nil:
		seen[e.spot()] = e
	case first.From != e.From || first.Text != e.Text || first.Written != e.Written:
		c.report(RuleDisagree, evidence(first, e), "seq %d of %s is not the same for %s as for %s", e.Seq, e.Conversation, e.User, first.User)
		return
	default:
		return
	}
	if ack == nil {
		return
	}
	if sender := ack.letter.user; e.From != sender || !c.saidSo(ack.letter, e.Text) || e.Written != ack.reply.Written {
		c.report(RuleDisagree, evidence(ack.send, ack.reply, e),
			"seq %d of %s was acknowledged to %s for %q, and %s was shown something else there", e.Seq, e.Conversation, sender, ack.letter.id, e.User)
	}
}

// saidSo reports whether a text is one that was sent under the letter's id.
func (c *checker) saidSo(l *letter, text string) bool {
	return slices.ContainsFunc(l.attempts, func(a *attempt) bool { return a.send.Text == text })
}

// holes: the seqs of a history ascend by one.
func (c *checker) holes() {
	for _, p := range c.pulls {
		if p.done == nil || p.done.Code != "" {
			continue
		}
		next, before := p.done.After+1, (*Event)(nil)
		for _, e := range p.kept {
			if e.Seq != next {
				c.report(RuleHole, evidence(before, e, p.done), "in the history of %s, as %s was shown it, seq %d stands where seq %d belongs",
					e.Conversation, e.User, e.Seq, next)
				break
			}
			next, before = next+1, e
		}
	}
}

// order: what was sent on one connection has seqs in the order sent. Left out is
// what was refused on the way, and what was also sent some other way before it
// was acknowledged there.
func (c *checker) order() {
	for _, x := range c.conns {
		newest := map[chat.ConversationID]*attempt{}
		for _, a := range x.attempts {
			if !a.acked() || !a.onceOn(x) {
				continue
			}
			before := newest[a.reply.Conversation]
			if before != nil && a.alone() && a.reply.Seq < before.reply.Seq {
				c.report(RuleOrder, evidence(before.send, before.reply, a.send, a.reply),
					"%s sent %q before %q on one connection, and they became seq %d and seq %d of %s",
					x.device, before.letter.id, a.letter.id, before.reply.Seq, a.reply.Seq, a.reply.Conversation)
			}
			if before == nil || before.reply.Seq < a.reply.Seq {
				newest[a.reply.Conversation] = a
			}
		}
	}
}

// onceOn reports whether a letter was sent once on a connection.
func (a *attempt) onceOn(x *conn) bool {
	n := 0
	for _, other := range a.letter.attempts {
		if other.send.Conn == x.n {
			n++
		}
	}
	return n == 1
}

// alone reports whether nobody else had sent the letter before this attempt was
// answered.
func (a *attempt) alone() bool {
	for _, other := range a.letter.attempts {
		if other != a && other.send.N < a.reply.N {
			return false
		}
	}
	return true
}

// overtaken: what was sent on one connection, once, is shown in the order sent.
func (c *checker) overtaken() {
	for _, d := range c.devices {
		for _, x := range c.conns {
			if x.device != d {
				c.overtakenOf(d, x)
			}
		}
	}
}

func (c *checker) overtakenOf(d *device, x *conn) {
	latest := map[chat.ConversationID]*Event{}
	for _, a := range x.attempts {
		if !a.acked() || len(a.letter.attempts) > 1 {
			continue
		}
		e := d.shown[a.reply.spot()]
		if e == nil {
			continue
		}
		before := latest[e.Conversation]
		if before != nil && e.N < before.N && e.Seq > before.Seq {
			c.report(RuleOvertaken, evidence(before, e, a.send), "%s was shown seq %d of %s before seq %d, which the same connection had sent earlier",
				d, e.Seq, e.Conversation, before.Seq)
		}
		if before == nil || before.N < e.N {
			latest[e.Conversation] = e
		}
	}
}
