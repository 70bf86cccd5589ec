package chat

import "time"

// Pending is a message on its way into the database. Append gives it its Seq
// and At.
type Pending struct {
	Delivery
	Digest [16]byte // tells a repetition from another message under the same client id
	// Repeated says that the sender had committed this client id before: Seq and
	// At are those of the first time, and nothing new is to be delivered.
	Repeated bool
	// FriendsOnly says that in a direct conversation only friends may write.
	FriendsOnly bool
	// Err is set for this message alone: Conflict, when the client id was used
	// for something else; Unavailable, when its conversation is locked; what
	// Conversation.Shut says.
	Err error
}

// Range names messages of one conversation, both ends included.
type Range struct {
	Conversation ConversationID
	From, To     int64
}

// Leftover is a batch that a node committed and has not yet told the database
// it delivered. N counts a run of a node's batches, from 1.
type Leftover struct {
	Node   string // the run of the node that committed it
	N      int64
	At     time.Time
	Ranges []Range
}

// Missed is what of one conversation a device has not seen: Messages, ascending,
// and where that is not all, the Gap that comes before them.
type Missed struct {
	Conversation ConversationID
	Messages     []Message
	Gap          bool
	After        int64 // the seq before the gap
}
