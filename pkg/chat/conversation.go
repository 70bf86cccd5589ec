package chat

import "time"

// Conversation is a direct conversation of two people, or a room.
type Conversation struct {
	ID      ConversationID
	Direct  bool
	A, B    UserID // of a direct one, sorted
	Gate    Gate   // of a direct one
	Name    string // of a room
	Version int64  // of who is in a room, and what they may do
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

// Recipients returns whose queues get the messages of a direct conversation;
// those of a room are its members.
func (c *Conversation) Recipients() []UserID {
	switch {
	case !c.Direct:
		return nil
	case c.A == c.B:
		return []UserID{c.A}
	}
	return []UserID{c.A, c.B}
}

// Log reports whether the room has a log of its own instead of queues.
func (c *Conversation) Log() bool { return c.ID == Lobby }

// Has reports whether somebody is a member, as far as the conversation itself
// can tell: everybody of the lobby, the two of a direct one.
func (c *Conversation) Has(u UserID) bool {
	if c.Direct {
		return u == c.A || u == c.B
	}
	return c.ID == Lobby
}
