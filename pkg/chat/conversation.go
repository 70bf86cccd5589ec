package chat

import "time"

// Conversation is a direct conversation of two people, or a room.
type Conversation struct {
	ID      ConversationID
	Direct  bool
	A, B    UserID // of a direct one, sorted
	Name    string // of a room
	LastSeq int64
	LastAt  time.Time
}

// Peer returns the other person of a direct conversation.
func (c *Conversation) Peer(of UserID) UserID {
	if c.A == of {
		return c.B
	}
	return c.A
}

// Overview is a conversation as one of its members finds it in their list.
type Overview struct {
	Conversation
	Peer    User // of a direct one
	Last    *Message
	ReadSeq int64 // the newest seq that this member has read on any device
	Unread  int64 // messages of others beyond ReadSeq
	Muted   bool
}
