package verify

import "github.com/tieline/tieline/pkg/chat"

// conflicts: the same id with another body is told so, and nothing else is.
func (c *checker) conflicts() {
	for _, l := range c.letters {
		bodies := map[string]*attempt{}
		for _, a := range l.attempts {
			if bodies[a.send.body()] == nil {
				bodies[a.send.body()] = a
			}
		}
		if len(bodies) == 1 {
			c.falseConflict(l)
			continue
		}
		c.untoldConflict(l)
	}
}

// falseConflict: repeating a send is no conflict.
func (c *checker) falseConflict(l *letter) {
	for _, a := range l.attempts {
		if a.reply != nil && a.reply.Code == chat.Conflict {
			c.report(RuleConflict, evidence(l.first(), a.send, a.reply),
				"%q of %s was refused as a conflict, although nothing else was ever sent under that id", l.id, l.user)
			return
		}
	}
}

// untoldConflict: of several bodies under one id one is kept, and the others are
// told conflict, or to try again.
func (c *checker) untoldConflict(l *letter) {
	kept := c.keptAttempt(l)
	if kept == nil {
		return
	}
	for _, a := range l.attempts {
		switch {
		case a.reply == nil || a.send.body() == kept.send.body():
		case a.acked():
			c.report(RuleConflict, evidence(kept.send, kept.reply, a.send, a.reply),
				"%q of %s was acknowledged with another body than the one that is kept", l.id, l.user)
		case a.reply.Code != chat.Conflict && !excused(a.reply.Code) && kept.reply.N < a.send.N:
			c.report(RuleConflict, evidence(kept.send, kept.reply, a.send, a.reply),
				"%q of %s was sent again with another body, and told %s instead of conflict", l.id, l.user, a.reply.Code)
		}
	}
}

// keptAttempt is an acknowledged attempt with the body that the history shows,
// or else the first that was acknowledged.
func (c *checker) keptAttempt(l *letter) *attempt {
	var kept *attempt
	for _, a := range l.attempts {
		if !a.acked() {
			continue
		}
		if kept == nil {
			kept = a
		}
		if shown := c.kept[a.reply.spot()]; shown != nil && shown.Text == a.send.Text {
			return a
		}
	}
	return kept
}

// excused are refusals that say nothing about the message.
func excused(code chat.Kind) bool {
	switch code {
	case chat.RateLimited, chat.Unavailable, chat.SessionEnded, chat.TokenExpired, chat.TokenInvalid, chat.Unauthorized, chat.AccountDisabled, chat.Muted:
		return true
	}
	return false
}
