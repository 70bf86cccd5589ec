package verify

import (
	"slices"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// Within these times after a session was ended its socket is told and closed,
// and nobody is let in with its token. The promise is one second; the rest is
// for the way, and for a Redis that is away.
const (
	kickWithin      = 2 * time.Second
	kickWithinLossy = 30 * time.Second
)

func (w *world) kickWithin() time.Duration {
	if w.lossy {
		return kickWithinLossy
	}
	return kickWithin
}

// told: a device that was signed out is told why, on its socket and at each
// attempt to come back.
func (c *checker) told() {
	for _, g := range c.grants {
		op := c.ended(g)
		if op == nil {
			continue
		}
		c.toldOverHTTP(g, op)
		for _, x := range g.conns {
			if x.verdict() && x.closedAt() > op.Began {
				c.toldWhy(g, x, op)
			}
			if x.welcome == nil {
				continue
			}
			if till := max(op.At, x.welcome.At) + c.kickWithin(); x.heard > till {
				c.report(RuleNotTold, evidence(g.signIn, x.connect, op), "%s was signed out, and %s later its socket was still served",
					g.device, (x.heard - op.At).Round(time.Millisecond))
			}
		}
	}
}

// toldOverHTTP: its token is answered session_ended from then on.
func (c *checker) toldOverHTTP(g *grant, op *Event) {
	for _, ask := range c.asks {
		if ask.Grant == g.n && ask.Began > op.At+c.kickWithin() && !slices.Contains([]chat.Kind{"", chat.SessionEnded, chat.RateLimited, chat.Unavailable, noAnswer}, ask.Code) {
			c.report(RuleNotTold, evidence(op, ask), "%s was signed out, and its token was answered with %s instead of session_ended", g.device, ask.Code)
		}
	}
}

// taken: a device has one socket: where another took over, the first is told
// and closed. One that is silent may be a node's that is no more.
func (c *checker) taken() {
	for _, x := range c.conns {
		if x.leave == nil || x.leave.How != HowReplace {
			continue
		}
		next := x.successor()
		switch {
		case next == nil:
		case x.heard > next.welcome.At+c.kickWithin():
			c.report(RuleNotTold, evidence(x.connect, next.connect, next.welcome), "%s connected elsewhere, and %s later its old socket was still served",
				x.device, (x.heard - next.welcome.At).Round(time.Millisecond))
		case x.kicked == nil && x.closed != nil && x.closed.Close == wire.CloseReplaced:
			c.report(RuleNotTold, evidence(x.connect, next.connect, x.closed), "%s connected elsewhere, and its old socket was closed without a word", x.device)
		}
	}
}

// successor is the next connection of the device that was let in after this one
// was left.
func (x *conn) successor() *conn {
	for _, other := range x.device.conns {
		if other.connect.N > x.leave.N && other.welcome != nil {
			return other
		}
	}
	return nil
}

func (x *conn) closedAt() time.Duration {
	switch {
	case x.kicked != nil:
		return x.kicked.At
	case x.closed != nil:
		return x.closed.At
	}
	return 0
}

// toldWhy holds how a socket was ended against what may have ended it.
func (c *checker) toldWhy(g *grant, x *conn, op *Event) {
	if x.kicked == nil {
		c.report(RuleNotTold, evidence(op, x.connect, x.closed), "%s was signed out, and its connection was closed with %d without a word", g.device, x.closed.Close)
		return
	}
	if x.kicked.Reason == chat.Replaced {
		return // by a connection of its own: wrongKicks looks at that
	}
	if may := reasons(c.mayEnd(g, x.kicked.At), g.device); !slices.Contains(may, x.kicked.Reason) {
		c.report(RuleNotTold, evidence(op, x.connect, x.kicked), "%s was told %q when it was signed out, which is not why", g.device, x.kicked.Reason)
	}
	if x.closed != nil && x.leave == nil && x.closed.Close != wire.CloseKicked && !slices.Contains(silentCloses, x.closed.Close) {
		c.report(RuleNotTold, evidence(op, x.kicked, x.closed), "%s was signed out, and its connection was closed with %d", g.device, x.closed.Close)
	}
}

// cameBack: whoever was signed out stays out until signing in again.
func (c *checker) cameBack() {
	for _, g := range c.grants {
		op := c.ended(g)
		if op == nil {
			continue
		}
		from := op.At + c.kickWithin()
		for _, x := range g.conns {
			if x.welcome != nil && x.connect.At > from {
				c.report(RuleCameBack, evidence(g.signIn, op, x.connect, x.welcome), "%s was signed out, and was let in %s later without signing in again",
					g.device, (x.connect.At - op.At).Round(time.Millisecond))
			}
		}
		for _, ask := range c.asks {
			if ask.Grant == g.n && ask.Code == "" && ask.Began > from {
				c.report(RuleCameBack, evidence(g.signIn, op, ask), "%s was signed out, and %s later its token was still good", g.device, (ask.Began - op.At).Round(time.Millisecond))
			}
		}
	}
}

// wrongKicks: nobody else is closed or refused.
func (c *checker) wrongKicks() {
	for _, x := range c.conns {
		g := c.byGrant[x.grant]
		if g == nil || !x.verdict() {
			continue
		}
		switch at := x.closedAt(); {
		case x.kicked != nil && x.kicked.Reason == chat.Replaced:
			if !x.replaced() && len(c.mayEnd(g, at)) == 0 {
				c.report(RuleWrongKick, evidence(x.connect, x.kicked), "%s was told that it is connected elsewhere, and it was not", x.device)
			}
		case x.kicked == nil && x.closed.Close == wire.CloseReplaced && x.leave != nil && x.leave.How == HowReplace: // taken looks at it
		case len(c.mayEnd(g, at)) == 0:
			c.report(RuleWrongKick, evidence(g.signIn, x.connect, x.kicked, x.closed), "%s was closed out, although nobody had signed it out", x.device)
		}
	}
	for _, ask := range c.asks {
		if g := c.byGrant[ask.Grant]; g != nil && ask.Code == chat.SessionEnded && len(c.mayEnd(g, ask.At)) == 0 {
			c.report(RuleWrongKick, evidence(g.signIn, ask), "%s was told that its session has ended, and nobody had ended it", g.device)
		}
	}
}

// replaced reports whether another connection of the device may have taken over.
func (x *conn) replaced() bool {
	return slices.ContainsFunc(x.device.conns, func(other *conn) bool {
		return other != x && other.connect.At < x.kicked.At &&
			(other.connect.At >= x.connect.At || other.closed == nil || other.closed.Close == closeNone || other.closed.At > x.connect.At)
	})
}
