package chat

import "time"

// HookName says what a hook tells of. Names cross the wire, so they are only
// ever added, never changed.
type HookName string

// The hooks.
const (
	UserRegistered  HookName = "user.registered"
	ReportCreated   HookName = "report.created"
	MessageOffline  HookName = "message.offline"
	PresenceChanged HookName = "presence.changed"
)

// Hook is something that a program of the operator's is to be told of, and what
// came of the attempts.
type Hook struct {
	ID        string
	User      UserID // those of one user are told in the order of their ids
	Name      HookName
	Body      string // JSON, as it is posted
	CreatedAt time.Time
	DueAt     time.Time // when it is tried next; zero: given up
	Attempts  int
	Error     string // why the last attempt failed; "": there was none
}

// Absence is somebody who had no open socket anywhere when a message for them
// was put into their queue.
type Absence struct {
	User    UserID
	Message *Message
}
