package verify

import (
	"math"
	"slices"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// An op is a request that may end sessions: a SignIn or an End. One that was not
// answered may take effect for a while yet.

// never is later than any history.
const never = time.Duration(math.MaxInt64)

// refused reports whether an op certainly did nothing.
func (e *Event) refused() bool {
	switch e.Code {
	case chat.RateLimited, chat.BadCredentials, chat.SessionEnded, chat.Invalid, chat.Malformed, chat.TokenExpired, chat.TokenInvalid,
		chat.Unauthorized, chat.AccountDisabled, chat.Forbidden, chat.NotFound:
		return true
	}
	return false
}

// unansweredWithin is how long a request that nobody answered may still take
// effect.
const unansweredWithin = 30 * time.Second

// over is when an op had taken effect, if it ever did.
func (e *Event) over() time.Duration {
	if e.Code == noAnswer {
		return e.At + unansweredWithin
	}
	return e.At
}

// hits reports whether an op is one that ends a grant, had it been there.
func (w *world) hits(op *Event, g *grant) bool {
	same := op.Device == g.device.device
	if op.What == End {
		return (op.How == HowLogout) == same
	}
	switch {
	case op == g.signIn:
		return false
	case same, w.policy == chat.Single:
		return true
	case w.policy == chat.PerPlatform:
		return op.Platform == g.signIn.Platform
	}
	return false
}

// mayEnd are the ops that may have ended a grant before a time.
func (w *world) mayEnd(g *grant, before time.Duration) []*Event {
	var ops []*Event
	for _, op := range w.ops[g.device.user] {
		if op.Began < before && op.over() > g.signIn.Began && !op.refused() && w.hits(op, g) {
			ops = append(ops, op)
		}
	}
	return ops
}

// ended returns the op that has certainly ended a grant, or nil: the first that
// was asked for after the grant had been answered, and worked.
func (w *world) ended(g *grant) *Event {
	var by *Event
	for _, op := range w.mayEnd(g, never) {
		if op.Code != "" || op.Began <= g.signIn.At || op.How == HowLogout && op.Grant != g.n {
			continue
		}
		if by == nil || op.At < by.At {
			by = op
		}
	}
	return by
}

// reasons are what a device may be told when one of some ops has ended it.
func reasons(ops []*Event, d *device) []chat.Reason {
	var all []chat.Reason
	for _, op := range ops {
		switch {
		case op.What == SignIn && op.Device == d.device: // its own successor
			all = append(all, chat.SignedInElsewhere, chat.SignedOut, chat.Replaced)
		case op.What == SignIn:
			all = append(all, chat.SignedInElsewhere)
		case op.How == HowOthers:
			all = append(all, chat.DeviceRemoved, chat.SignedOut)
		case op.How == HowPassword:
			all = append(all, chat.PasswordChanged)
		case op.How == HowLogout:
			all = append(all, chat.SignedOut)
		}
	}
	return all
}

// Codes that say how a socket ended and nothing about who may be signed in.
var silentCloses = []int{closeNone, closeNormal, 1001, closeBroken, 1009, 1011, 1012, 1013, 4000, 4002, 4008, 4029}

// Close codes as they stand in Closed events. 4001, 4004 and 4006 are verdicts.
const (
	closeNone   = 0 // the connection did not come about
	closeNormal = 1000
	closeBroken = 1006
)

// verdict reports whether a connection was closed because of who it was.
func (x *conn) verdict() bool {
	return x.kicked != nil || x.closed != nil && !slices.Contains(silentCloses, x.closed.Close)
}
