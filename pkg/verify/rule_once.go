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
		latest := maps.Clone(d.shown)
		for _, e := range d.again {
			before := latest[e.spot()]
			latest[e.spot()] = e
			x := c.byConn[e.Conn]
			if x.shown[e.spot()] < e.N {
				c.report(RuleTwice, evidence(before, e), "%s was shown seq %d of %s twice on one connection", d, e.Seq, e.Conversation)
			} else if d.covers(x, e.spot(), map[int]bool{}) {
				c.report(RuleTwice, evidence(before, x.connect, e),
					"%s was shown seq %d of %s again, although it had resumed behind it", d, e.Seq, e.Conversation)
			}
		}
	}
	c.echoes()
}

// covers reports whether a connection began behind a message that the device
// had been shown: up to a frame with the offset that it resumed from, or that
// the device had certainly reported; or before the connection of that frame,
// which began behind it in turn.
func (d *device) covers(x *conn, s spot, seen map[int]bool) bool {
	if seen[x.n] {
		return false
	}
	seen[x.n] = true
	for _, m := range d.startOf(x) {
		y := d.conn(m.Conn)
		if n := y.shown[s]; n > 0 && n <= m.N || d.covers(y, s, seen) {
			return true
		}
	}
	return false
}

// startOf lists the frames that say where a connection began.
func (d *device) startOf(x *conn) []*Event {
	if x.connect.Offset != "" {
		return d.marked(x.connect.Offset, x.connect.N)
	}
	var all []*Event
	for _, old := range d.conns {
		if r := old.reported(); r != nil && old.closed.N < x.connect.N {
			all = append(all, d.marked(r.Offset, r.N)...)
		}
	}
	return all
}

// marked lists the frames with an offset before some event.
func (d *device) marked(offset string, before int) []*Event {
	all := d.marks[offset]
	n := 0
	for n < len(all) && all[n].N < before {
		n++
	}
	return all[:n]
}

func (d *device) conn(n int) *conn {
	i := slices.IndexFunc(d.conns, func(x *conn) bool { return x.n == n })
	return d.conns[i]
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
