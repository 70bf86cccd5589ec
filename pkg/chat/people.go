package chat

import "time"

// The bounds of what people are to each other; texts are in characters.
const (
	MaxFriends        = 5000 // of one person
	MaxRequestMessage = 255
	MaxRemark         = 64
	MaxTags           = 20 // for one friend
	MaxTag            = 32
)

// Moments say who sees whose wall.
type Moments struct {
	HideMine   bool // they do not see mine
	HideTheirs bool // I do not see theirs
}

// Label is what a person notes about a friend, for themselves alone.
type Label struct {
	Remark  string
	Tags    []string
	Moments Moments
}

// Relation is what somebody is to a person, as that person has it.
type Relation struct {
	Friend  bool
	Blocked bool // by the person
	Starred bool
	Label
}

// RequestState is what became of a friend request.
type RequestState string

// The states of a friend request. Who asked sees an ignored one as pending.
const (
	RequestPending  RequestState = "pending"
	RequestAccepted RequestState = "accepted"
	RequestRejected RequestState = "rejected"
	RequestIgnored  RequestState = "ignored"
)

// FriendRequest is one person asking another to be friends.
type FriendRequest struct {
	ID        string
	From, To  Person
	Message   string
	State     RequestState
	CreatedAt time.Time
	HandledAt time.Time // zero while pending
}

// Asking is one person about to ask another to be friends, with what they note
// about them in case they will be.
type Asking struct {
	From, To UserID
	Message  string
	Label
}

// RelationChange is what a person changes of what they note about a friend;
// what is nil stays as it is.
type RelationChange struct {
	Remark     *string
	Tags       []string
	Starred    *bool
	HideMine   *bool
	HideTheirs *bool
}

// Apply makes the change.
func (c *RelationChange) Apply(r *Relation) {
	replace(&r.Remark, c.Remark)
	replace(&r.Starred, c.Starred)
	replace(&r.Moments.HideMine, c.HideMine)
	replace(&r.Moments.HideTheirs, c.HideTheirs)
	if c.Tags != nil {
		r.Tags = c.Tags
	}
}

func replace[T any](old, by *T) {
	if by != nil {
		*old = *by
	}
}

// Friend is somebody in a person's list of friends.
type Friend struct {
	User
	Relation
	Since time.Time
}

// Block is somebody on a person's list of blocks.
type Block struct {
	User
	Since time.Time
}

// Pair is two people.
type Pair struct{ A, B UserID }

// Gate is what two people are to each other, as their direct conversation has
// it: whether either may write to the other.
type Gate uint8

// The bits of a Gate; A and B are those of the Conversation.
const (
	GateBlockedByA Gate = 1 << iota
	GateBlockedByB
	GateFriends
	GateGone // one of the two accounts was removed
)

// Shut says why somebody may not write to the other person of a direct
// conversation, "" if they may: NotFound, Blocked, or NotFriends where only
// friends may.
func (c *Conversation) Shut(from UserID, friendsOnly bool) Kind {
	blocked := GateBlockedByB
	if from == c.B {
		blocked = GateBlockedByA
	}
	switch {
	case !c.Direct || c.A == c.B:
		return ""
	case c.Gate&GateGone != 0:
		return NotFound
	case c.Gate&blocked != 0:
		return Blocked
	case friendsOnly && c.Gate&GateFriends == 0:
		return NotFriends
	}
	return ""
}

// ReportTarget is what somebody reports: exactly one of User, Room and
// Conversation is set, Seq with the last.
type ReportTarget struct {
	User         UserID
	Room         ConversationID
	Conversation ConversationID
	Seq          int64
}

// Report is a complaint to the administrators.
type Report struct {
	ID         string
	From       Person
	Target     ReportTarget
	Text       string // of the message, as it was when it was reported
	Reason     string
	Detail     string
	CreatedAt  time.Time
	ResolvedAt time.Time // zero while open
	ResolvedBy UserID
}
