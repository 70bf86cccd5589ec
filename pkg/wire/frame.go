package wire

import (
	"encoding/json"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// What a client sends.
const (
	Send     = "send"     // id, to, message            → ack or error
	Received = "received" // offset                     → nothing
	Read     = "read"     // conversation, seq          → nothing
	Typing   = "typing"   // to, on                     → nothing (both ways)
	Signal   = "signal"   // to, data                   → nothing unless refused (both ways)
	Watch    = "watch"    // users                      → presence, now and on each change
	Unwatch  = "unwatch"  // users                      → nothing
	History  = "history"  // conversation, before_seq?, after_seq?, limit? → history (both ways)
	Ping     = "ping"     //                            → pong
)

// What the server sends besides.
const (
	Welcome  = "welcome"  // first, once
	Message  = "message"  // offset, then the fields of the message
	Gap      = "gap"      // more was missed here than is pushed
	Synced   = "synced"   // everything else missed has now been sent
	Ack      = "ack"      // answers send: committed
	Error    = "error"    // answers anything refused
	Receipt  = "receipt"  // somebody read up to seq
	Presence = "presence" // who is online, of those watched
	Event    = "event"    // offset, name, data: something else happened that is queued like a message
	Kicked   = "kicked"   // signed out, then close 4001 (4004, 4006)
	Drain    = "drain"    // this node is going away, then close 1012
	Pong     = "pong"
)

// Target is where a frame goes: exactly one field is set.
type Target struct {
	User         chat.UserID         `json:"user,omitempty"`
	Room         chat.ConversationID `json:"room,omitempty"`
	Conversation chat.ConversationID `json:"conversation,omitempty"`
}

// Draft is the message of a send frame.
type Draft struct {
	Kind     chat.MessageKind `json:"kind"`
	Text     string           `json:"text,omitempty"`
	Media    string           `json:"media,omitempty"`
	ReplyTo  int64            `json:"reply_to,omitempty"`
	Mentions []chat.UserID    `json:"mentions,omitempty"`
}

// ClientFrame is any frame from a client; which fields count depends on Type.
type ClientFrame struct {
	Type         string              `json:"type"`
	ID           string              `json:"id,omitempty"`
	To           *Target             `json:"to,omitempty"`
	Message      *Draft              `json:"message,omitempty"`
	Offset       string              `json:"offset,omitempty"`
	Conversation chat.ConversationID `json:"conversation,omitempty"`
	Seq          int64               `json:"seq,omitempty"`
	BeforeSeq    int64               `json:"before_seq,omitempty"`
	AfterSeq     int64               `json:"after_seq,omitempty"`
	Limit        int                 `json:"limit,omitempty"`
	On           bool                `json:"on,omitempty"`
	Data         json.RawMessage     `json:"data,omitempty"`
	Users        []chat.UserID       `json:"users,omitempty"`
}

// WelcomeFrame greets a socket. Offset is where this session starts from: what
// was missed since comes next, then SyncedFrame.
type WelcomeFrame struct {
	Type        string         `json:"type"`
	Session     chat.SessionID `json:"session"`
	User        chat.UserID    `json:"user"`
	Device      chat.DeviceID  `json:"device"`
	Node        chat.NodeID    `json:"node"`
	Offset      string         `json:"offset"`
	Resumed     bool           `json:"resumed"` // the client's own offset was taken up
	Queued      int64          `json:"queued"`  // about how many frames were missed
	HeartbeatMS int64          `json:"heartbeat_ms"`
	Time        Time           `json:"time"`
}

// GapFrame declares messages that are not pushed: those strictly between.
type GapFrame struct {
	Type         string              `json:"type"`
	Conversation chat.ConversationID `json:"conversation"`
	AfterSeq     int64               `json:"after_seq"`
	BeforeSeq    int64               `json:"before_seq"`
}

// SyncedFrame follows every welcome, after what was missed.
type SyncedFrame struct {
	Type   string `json:"type"`
	Offset string `json:"offset"`
	Count  int    `json:"count"`
	Source string `json:"source"` // SourceQueue or SourceHistory
}

// Where a resume took what was missed from.
const (
	SourceQueue   = "queue"
	SourceHistory = "history"
)

// AckFrame says that a message is committed. Live is false when its delivery
// waits for Redis.
type AckFrame struct {
	Type         string              `json:"type,omitempty"`
	Re           string              `json:"re,omitempty"`
	Conversation chat.ConversationID `json:"conversation"`
	Seq          int64               `json:"seq"`
	At           Time                `json:"at"`
	Live         bool                `json:"live"`
}

// ErrorFrame refuses one frame; the connection goes on.
type ErrorFrame struct {
	Type   string      `json:"type"`
	Re     string      `json:"re,omitempty"`
	Code   chat.Kind   `json:"code"`
	Detail string      `json:"detail"`
	Reason chat.Reason `json:"reason,omitempty"` // of session_ended
	Retry  bool        `json:"retry"`
}

// HistoryFrame answers history; items ascend by seq.
type HistoryFrame struct {
	Type  string            `json:"type"`
	Re    string            `json:"re,omitempty"`
	Items []json.RawMessage `json:"items"`
}

// ReceiptFrame says how far somebody has read.
type ReceiptFrame struct {
	Type         string              `json:"type"`
	Conversation chat.ConversationID `json:"conversation"`
	User         chat.UserID         `json:"user"`
	Seq          int64               `json:"seq"`
}

// PresenceFrame says who is online, of those watched.
type PresenceFrame struct {
	Type  string                         `json:"type"`
	Users map[chat.UserID]PresenceStatus `json:"users"`
}

// PresenceStatus is one person's presence, here and in the HTTP API.
type PresenceStatus struct {
	Online   bool            `json:"online"`
	Devices  []chat.Platform `json:"devices"`
	LastSeen *Time           `json:"last_seen,omitempty"`
}

// TypingFrame says that somebody is writing, or no longer is.
type TypingFrame struct {
	Type string      `json:"type"`
	From chat.UserID `json:"from"`
	To   Target      `json:"to"`
	On   bool        `json:"on"`
}

// SignalFrame carries whatever two clients agreed on.
type SignalFrame struct {
	Type string          `json:"type"`
	From chat.UserID     `json:"from"`
	To   Target          `json:"to"`
	Data json.RawMessage `json:"data"`
}

// KickedFrame comes before a close with 4001, 4004 or 4006.
type KickedFrame struct {
	Type   string        `json:"type"`
	Reason chat.Reason   `json:"reason"`
	Device chat.DeviceID `json:"device"`
}

// DrainFrame asks a client to come back after a while; then close 1012.
type DrainFrame struct {
	Type          string `json:"type"`
	ReconnectInMS int64  `json:"reconnect_in_ms"`
}

// PongFrame answers ping.
type PongFrame struct {
	Type string `json:"type"`
	Re   string `json:"re,omitempty"`
}

// Time is an instant on the wire: RFC 3339 in UTC with milliseconds.
type Time struct{ time.Time }

// TimeFormat is how a Time is written.
const TimeFormat = "2006-01-02T15:04:05.000Z"

// MarshalJSON writes the time in UTC.
func (t Time) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, len(TimeFormat)+2)
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, TimeFormat)
	return append(b, '"'), nil
}
