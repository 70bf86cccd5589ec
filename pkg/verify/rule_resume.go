package verify

import "strings"

// strangers: a direct message is shown to its two people, and what is shown in
// the name of one of ours was sent by them.
func (c *checker) strangers() {
	for _, d := range c.devices {
		for _, e := range d.messages() {
			if c.tag == "" || !strings.HasPrefix(e.Text, c.tag) {
				continue
			}
			a := c.byText[said{e.From, e.Text}]
			switch {
			case a == nil:
				c.report(RuleStranger, evidence(e), "%s was shown %q of %s, who never sent it", d, e.Text, e.From)
			case !a.send.isFor(d):
				c.report(RuleStranger, evidence(a.send, e), "%s was shown seq %d of %s, which %s had sent to %s", d, e.Seq, e.Conversation, e.From, a.send.To.User)
			}
		}
	}
}

// counts: "synced" says how many frames with an offset came since the welcome.
func (c *checker) counts() {
	for _, x := range c.conns {
		if x.synced == nil || x.welcome == nil {
			continue
		}
		n := 0
		for _, e := range x.frames {
			if (e.What == Message || e.What == Queued) && e.N < x.synced.N {
				n++
			}
		}
		if n != x.synced.Count {
			c.report(RuleSynced, evidence(x.connect, x.welcome, x.synced), "%s was told that %d frames had been sent since the welcome, and %d had come",
				x.device, x.synced.Count, n)
		}
	}
}

// offsets: on a connection an offset that was followed by another never comes
// again, nor one that came before the one resumed from.
func (c *checker) offsets() {
	for _, x := range c.conns {
		gone := c.offsetsBefore(x)
		now := (*Event)(nil)
		for _, e := range x.frames {
			if now != nil && e.Offset != now.Offset {
				gone[now.Offset] = now
			}
			if old := gone[e.Offset]; old != nil {
				c.report(RuleOffset, evidence(old, x.connect, now, e), "%s was sent the offset %s after one that follows it", x.device, e.Offset)
				break
			}
			now = e
		}
	}
}

// offsetsBefore are the offsets that came, on one connection, before the one
// that another resumed from.
func (c *checker) offsetsBefore(x *conn) map[string]*Event {
	gone := map[string]*Event{}
	at := x.connect.Offset
	if at == "" {
		return gone
	}
	for _, old := range x.device.conns {
		if old.n == x.n {
			continue
		}
		var passed []*Event
		for _, e := range old.frames {
			if e.Offset == at && e.N < x.connect.N {
				for _, p := range passed {
					gone[p.Offset] = p
				}
				break
			}
			passed = append(passed, e)
		}
	}
	return gone
}

// gapLeast is how many messages of one conversation must be missed for a part
// of them to be declared instead of sent.
const gapLeast = 1000

// gaps: only a part too long to push is declared.
func (c *checker) gaps() {
	for _, d := range c.devices {
		for _, g := range d.gaps {
			if missed := c.heads[g.Conversation] - g.After; g.Before <= g.After || missed <= gapLeast {
				c.report(RuleGap, evidence(g), "%s was told of a gap in %s after seq %d, and no more than %d messages can have been missed there",
					d, g.Conversation, g.After, missed)
			}
		}
	}
}

// stranded: a device that is signed in can come back. Of an account that was
// given to the run nobody knows whether it is: then it counts what it was told.
func (c *checker) stranded() {
	for _, d := range c.devices {
		if d.strand == nil {
			continue
		}
		excused := len(d.conns) > 0 && d.conns[len(d.conns)-1].verdict()
		if g := c.byGrant[d.strand.Grant]; g != nil {
			excused = len(c.mayEnd(g, d.strand.At)) > 0
		}
		if !excused {
			c.report(RuleStranded, evidence(d.start, d.strand), "%s could not come back in the end: %s", d, d.strand.Detail)
		}
	}
}
