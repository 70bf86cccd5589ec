package verify

import (
	"fmt"
	"maps"
	"slices"
)

// twice: a device that resumed with its last offset is shown each message once.
// Where Redis may be lost, a repetition is allowed.
func (c *checker) twice() {
	if c.lossy {
		return
	}
	for _, d := range c.devices {
		covered := map[int]int{}
		for _, x := range d.conns {
			covered[x.n] = d.covered(x)
		}
		latest := maps.Clone(d.shown)
		for _, e := range d.again {
			before := latest[e.spot()]
			latest[e.spot()] = e
			x := c.byConn[e.Conn]
			if before.Conn == e.Conn {
				c.report(RuleTwice, evidence(before, e), "%s was shown seq %d of %s twice on one connection", d, e.Seq, e.Conversation)
			} else if before.N <= covered[e.Conn] {
				c.report(RuleTwice, evidence(before, x.connect, e),
					"%s was shown seq %d of %s again, although it had resumed behind it", d, e.Seq, e.Conversation)
			}
		}
	}
	c.echoes()
}

// covered says up to which event of the history a connection need not repeat
// what the device was shown: the newest frame with the offset that it resumed
// from, or without one, with the offset that it had certainly reported.
func (d *device) covered(x *conn) int {
	if x.connect.Offset != "" {
		return d.marked(x.connect.Offset, x.connect.N)
	}
	covered := 0
	for _, old := range d.conns {
		if r := old.reported(); r != nil && old.closed.N < x.connect.N {
			covered = max(covered, d.marked(r.Offset, r.N))
		}
	}
	return covered
}

// marked finds the newest frame with an offset before some event.
func (d *device) marked(offset string, before int) int {
	for _, m := range slices.Backward(d.marks) {
		if m.N < before && m.Offset == offset {
			return m.N
		}
	}
	return 0
}

// reported returns the newest report that the server has certainly read: a ping
// after it was answered, and both sides said goodbye.
func (x *conn) reported() *Event {
	if x.ponged == nil || x.leave == nil || x.leave.How != HowBye || x.closed == nil || x.closed.Close != closeNormal {
		return nil
	}
	for _, r := range slices.Backward(x.reports) {
		if r.N < x.ponged.N {
			return r
		}
	}
	return nil
}

// echoes: the connection that sent a message has it by the ack, and is not
// shown it.
func (c *checker) echoes() {
	for _, l := range c.letters {
		a := l.attempts[0]
		if len(l.attempts) > 1 || !a.acked() {
			continue
		}
		if d := c.byPlace[place{a.send.User, a.send.Device}]; d != nil {
			if e := d.shown[a.reply.spot()]; e != nil && e.Conn == a.send.Conn {
				c.report(RuleTwice, evidence(a.send, a.reply, e), "%s was shown %q, which it had sent on the same connection", d, l.id)
			}
		}
	}
}

// ids: one id is one message, whoever asks.
func (c *checker) ids() {
	for _, l := range c.letters {
		ack := l.ack()
		for _, a := range l.attempts {
			if a.acked() && a.reply.spot() != ack.spot() {
				c.report(RuleTwoSeqs, evidence(l.first(), ack, a.send, a.reply),
					"%q of %s was acknowledged as seq %d of %s, and as seq %d of %s", l.id, l.user, ack.Seq, ack.Conversation, a.reply.Seq, a.reply.Conversation)
				break
			}
		}
	}
	c.keptTwice()
}

// keptTwice looks for one id with two places in the history.
func (c *checker) keptTwice() {
	at := map[letterKey]*Event{}
	for _, p := range c.pulls {
		for _, e := range p.kept {
			if c.kept[e.spot()] != e {
				continue // another reader's; holding them together is places' part
			}
			key := letterKey{e.From, e.ID}
			if a := c.byText[said{e.From, e.Text}]; a != nil {
				key = a.letter.letterKey
			}
			if key.id == "" {
				continue
			}
			if at[key] == nil {
				at[key] = e
			} else if at[key].spot() != e.spot() {
				c.report(RuleTwoSeqs, evidence(at[key], e),
					"%q of %s stands in the history as seq %d of %s, and as seq %d of %s", key.id, key.user, at[key].Seq, at[key].Conversation, e.Seq, e.Conversation)
			}
		}
	}
}

// body is what two sends of one id must have in common.
func (e *Event) body() string {
	if e.To == nil {
		return e.Text
	}
	return fmt.Sprintf("%s %s %s %s", e.To.User, e.To.Room, e.To.Conversation, e.Text)
}
