package chat

import "time"

// Operator is the actor of what is done on the command line.
const Operator = "operator"

// Deed is something that an administrator does. It is written down before it is
// done: one that then failed stays in the log as an attempt.
type Deed struct {
	ID     string // NewID: later ones are greater
	At     time.Time
	Actor  string // a user's id, or Operator
	Action string // what is done: "user.disable"
	Target string // to whom or what: an id, or what names it on the command line
	Detail string // how; at most MaxDetail characters
}

// The bounds of what is written down of complaints and deeds, in characters.
const (
	MaxReason = 64
	MaxDetail = 2000
	MaxTarget = 255
)
