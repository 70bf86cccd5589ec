package verify

import (
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// What says what kind of thing an Event is.
type What string

// What happens. Requests are noted before they are written, answers after they
// were read; a request over HTTP that is one event carries both times.
const (
	Begin   What = "begin"   // the run: Policy, Lossy, Tag
	Head    What = "head"    // Conversation had come to Seq before anything was sent
	SignIn  What = "sign_in" // over HTTP, Began to At, with Grant for a number; Code if it failed
	End     What = "end"     // over HTTP: this Grant ended sessions; How says whose
	Ask     What = "ask"     // over HTTP, with Grant's token, something that any session may; Code if refused
	Quiet   What = "quiet"   // from here on nobody sends
	Settled What = "settled" // the device came back in the end, and waited for what it may have missed
	Strand  What = "strand"  // the device could not come back in the end

	Connect What = "connect" // Conn is opened with Grant and Offset; Node is the URL
	Leave   What = "leave"   // this side ends Conn, or stops reading it; How says which
	Closed  What = "closed"  // Conn has ended, with Close

	Send     What = "send"     // ID, To and Text; over HTTP, Conn is the request's own
	Received What = "received" // Offset is reported
	Ping     What = "ping"     // ID
	Read     What = "read"     // Conversation is read up to Seq; over HTTP, Began to At, Code if it failed

	Welcome What = "welcome" // Session, Node, Offset
	Message What = "message" // a message with Offset
	Queued  What = "event"   // anything else with Offset
	Gap     What = "gap"     // Conversation, messages between After and Before are not pushed
	Synced  What = "synced"  // Count, Source, Offset
	Ack     What = "ack"     // ID, Conversation, Seq, Written, Live
	Refusal What = "refusal" // ID if it answers something, Code
	Pong    What = "pong"    // ID
	Receipt What = "receipt" // From has read Conversation up to Seq
	Kicked  What = "kicked"  // Reason
	Drain   What = "drain"   // the node asks to come back later

	Pull   What = "pull"   // User has read the history of Conversation after After, Began to At; Code if it failed
	Kept   What = "kept"   // one message of the Pull with the same Conn
	Cursor What = "cursor" // over HTTP, Began to At: User's read cursor of Conversation is Seq
)

// How a connection is left, and whose sessions are ended.
const (
	HowBye     = "bye"     // with a close frame
	HowDrop    = "drop"    // the TCP connection is cut
	HowFreeze  = "freeze"  // nothing is read or written any more, and nobody is told
	HowReplace = "replace" // the device is about to connect elsewhere

	HowOthers   = "others"   // all other devices removed
	HowPassword = "password" // another password: all other devices
	HowLogout   = "logout"   // the device itself
)

// Event is one line of a history. Which fields count depends on What; User,
// Device and Conn say to whom it happened, and where.
type Event struct {
	N      int           `json:"n"`  // its place in the history, from 1
	At     time.Duration `json:"at"` // since the run began, in nanoseconds, never going back
	What   What          `json:"what"`
	User   chat.UserID   `json:"user,omitempty"`
	Device chat.DeviceID `json:"device,omitempty"`
	Conn   int           `json:"conn,omitempty"`  // numbers sockets, and HTTP requests that send
	Began  time.Duration `json:"began,omitempty"` // when what was answered at At was asked

	Grant    int            `json:"grant,omitempty"` // numbers sign-ins
	Platform chat.Platform  `json:"platform,omitempty"`
	Session  chat.SessionID `json:"session,omitempty"`
	Node     string         `json:"node,omitempty"`

	ID           string              `json:"id,omitempty"` // made by the sender
	To           *wire.Target        `json:"to,omitempty"`
	Conversation chat.ConversationID `json:"conversation,omitempty"`
	Seq          int64               `json:"seq,omitempty"`
	After        int64               `json:"after_seq,omitempty"`
	Before       int64               `json:"before_seq,omitempty"`
	From         chat.UserID         `json:"from,omitempty"`
	Text         string              `json:"text,omitempty"`    // not of strangers, who may be in the lobby
	Written      string              `json:"written,omitempty"` // the server's time of the message
	Live         bool                `json:"live,omitempty"`

	Offset string      `json:"offset,omitempty"`
	Count  int         `json:"count,omitempty"`
	Source string      `json:"source,omitempty"`
	How    string      `json:"how,omitempty"`
	Code   chat.Kind   `json:"code,omitempty"`
	Reason chat.Reason `json:"reason,omitempty"`
	Close  int         `json:"close,omitempty"`
	Detail string      `json:"detail,omitempty"`

	Policy chat.Policy `json:"policy,omitempty"`
	Lossy  bool        `json:"redis_may_be_lost,omitempty"`
	Tag    string      `json:"tag,omitempty"` // every text of the run begins with it
}

// History is everything that happened in a run, in order. Its first event is
// Begin.
type History []Event
