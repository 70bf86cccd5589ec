package verify

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// race is a number of sign-ins of one user that were under way at once and
// displace each other, with nothing else going on.
type race struct {
	grants   []*grant
	end      time.Duration // the last one was answered
	next     time.Duration // something else was asked
	disputed bool          // something else was going on
}

// survivors: of several sign-ins at once that displace each other, one stays.
func (c *checker) survivors() {
	for _, r := range c.races() {
		if r.disputed || len(r.grants) < 2 {
			continue
		}
		in, out := c.standing(r)
		switch {
		case len(in) > 1:
			c.report(RuleSurvivors, raceEvidence(in, (*conn).entry), "%s signed in at once, and afterwards %d of them were let in: %s",
				names(r.grants), len(in), names(grantsOf(in, c)))
		case len(out) == len(r.grants):
			c.report(RuleSurvivors, raceEvidence(out, (*conn).exit), "%s signed in at once, and all of them were told to go", names(r.grants))
		}
	}
}

// races groups the sign-ins that overlap, of each user.
func (c *checker) races() []*race {
	var all []*race
	for _, user := range slices.Sorted(maps.Keys(c.ops)) {
		ops := slices.Clone(c.ops[user])
		slices.SortStableFunc(ops, func(a, b *Event) int { return int(a.Began - b.Began) })
		var now *race
		for _, op := range ops {
			if op.refused() {
				continue
			}
			if now == nil || op.Began > now.end {
				if now != nil {
					now.next = op.Began
				}
				now = &race{next: never}
				all = append(all, now)
			}
			now.add(c.world, op)
		}
	}
	return all
}

func (r *race) add(w *world, op *Event) {
	r.end = max(r.end, op.over())
	g := w.byGrant[op.Grant]
	if op.What != SignIn || op.Code != "" || g == nil || g.signIn != op {
		r.disputed = true
		return
	}
	for _, other := range r.grants {
		if !w.hits(op, other) || other.device == g.device {
			r.disputed = true
		}
	}
	r.grants = append(r.grants, g)
}

// standing finds, for each of the racers, a connection that shows it in after
// the race, and one that shows it was told to go.
func (c *checker) standing(r *race) (in, out []*conn) {
	settled := r.end + c.kickWithin()
	for _, g := range r.grants {
		var stays, goes *conn
		for _, x := range g.conns {
			if c.stays(x, settled, r.next) {
				stays = x
			}
			if x.verdict() && x.closedAt() < r.next && (x.kicked == nil || x.kicked.Reason != chat.Replaced) {
				goes = x
			}
		}
		switch {
		case stays != nil && (goes == nil || goes.closedAt() < stays.connect.At):
			in = append(in, stays)
		case goes != nil:
			out = append(out, goes)
		}
	}
	return in, out
}

// stays reports whether a connection shows its device in after a time, and
// before something else happened: it was let in, or was still served.
func (c *checker) stays(x *conn, from, next time.Duration) bool {
	if x.welcome == nil || x.connect.At >= next {
		return false
	}
	return x.connect.At > from || x.heard > from && from < next
}

func (x *conn) entry() *Event { return x.welcome }

func (x *conn) exit() *Event {
	if x.kicked != nil {
		return x.kicked
	}
	return x.closed
}

func raceEvidence(conns []*conn, shows func(*conn) *Event) []*Event {
	var all []*Event
	for _, x := range conns {
		all = append(all, x.connect, shows(x))
	}
	return all
}

func grantsOf(conns []*conn, c *checker) []*grant {
	var all []*grant
	for _, x := range conns {
		all = append(all, c.byGrant[x.grant])
	}
	return all
}

func names(grants []*grant) string {
	var all []string
	for _, g := range grants {
		all = append(all, g.device.String())
	}
	return strings.Join(all, ", ")
}
