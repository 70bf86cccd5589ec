package chat

import "time"

// EventName says what happened. Names cross the wire, so they are only ever
// added, never changed.
type EventName string

// The events that people are told of beside messages.
const (
	FriendRequested EventName = "friend.requested" // to both: Request
	FriendAccepted  EventName = "friend.accepted"  // to both: Request, User, Relation
	FriendRejected  EventName = "friend.rejected"  // to both: Request
	FriendIgnored   EventName = "friend.ignored"   // to those who ignored it: Request
	FriendUpdated   EventName = "friend.updated"   // to those who changed it: User, Relation
	FriendRemoved   EventName = "friend.removed"   // to both: User
	BlockAdded      EventName = "block.added"      // to those who block: User
	BlockRemoved    EventName = "block.removed"    // to those who blocked: User
	RoomJoined      EventName = "room.joined"      // to all in the room: Room, and User who came
	RoomLeft        EventName = "room.left"        // to all in the room, and who was: Room, and User who left; nobody: it is gone
	RoomUpdated     EventName = "room.updated"     // to all in the room: Room; or User and Member who may do something else now
	MessageEdited   EventName = "message.edited"   // to all in the conversation: Message
	MessageRecalled EventName = "message.recalled" // to all in the conversation: Message, and User who recalled it
	MessageReacted  EventName = "message.reacted"  // to all in the conversation: Message, User and Reaction
	WallPosted      EventName = "wall.posted"      // to whose wall it is: Post
	ProfileUpdated  EventName = "profile.updated"  // to the user and their friends: User
)

// Event is something other than a message that one person is to hear of on all
// their devices, now or when they come back: it is queued like a message.
type Event struct {
	ID   string // NewID: later ones are greater
	To   UserID
	At   time.Time
	Name EventName
	Data EventData
}

// EventData is what an event is about; which fields are set depends on its name.
type EventData struct {
	User     *Person
	Request  *FriendRequest
	Relation *Relation
	Room     *Room
	Member   *Membership
	Message  *Message
	Reaction *Reaction
	Post     *Post
}

// NewEvent makes an event of this moment.
func NewEvent(to UserID, name EventName, about EventData) Event {
	return Event{ID: NewID(), To: to, At: time.Now().UTC(), Name: name, Data: about}
}
