package chat

// Delivery is a committed message on its way to those who should have it.
type Delivery struct {
	Message
	// Origin is the session (or, for one sent over HTTP, the device) that has the
	// message by its acknowledgement and is not pushed it.
	Origin string
	// Session says that Origin is a session.
	Session bool
	// Recipients are those whose queues get it; nil when Log is set.
	Recipients []UserID
	// Log says that the room is too large for queues: its own log gets it once,
	// and every node with members.
	Log bool
}

// Reading is a read cursor that moved, and who is to be told.
type Reading struct {
	Conversation ConversationID
	Reader       UserID
	Session      SessionID // that knows already; may be empty
	Seq          int64
	Tell         []UserID // the reader, and the other person of a direct conversation
}
