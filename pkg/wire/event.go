package wire

import "github.com/tieline/tieline/pkg/chat"

// EventBody is an event as clients see it; on the wire type and offset come
// before these fields.
type EventBody struct {
	Name chat.EventName `json:"name"`
	Data EventData      `json:"data"`
}

// EventData is what an event is about; which fields it has depends on its name.
type EventData struct {
	User     *PersonBody        `json:"user,omitempty"`
	Request  *FriendRequestBody `json:"request,omitempty"`
	Relation *RelationBody      `json:"relation,omitempty"`
	Room     *RoomBody          `json:"room,omitempty"`
	Member   *MembershipBody    `json:"member,omitempty"`
	Message  *MessageBody       `json:"message,omitempty"` // as it is now
	Reaction *ReactionBody      `json:"reaction,omitempty"`
	Post     *PostBody          `json:"post,omitempty"`
}

// PostBody is something on a wall or on the board, in events and in the HTTP API.
type PostBody struct {
	ID   string      `json:"id"`
	Wall chat.UserID `json:"wall,omitempty"` // whose; absent on the board
	From PersonBody  `json:"from"`
	Text string      `json:"text"`
	At   Time        `json:"at"`
}

// NewPostBody shows a post.
func NewPostBody(p *chat.Post) PostBody {
	return PostBody{ID: p.ID, Wall: p.Wall, From: NewPersonBody(&p.From), Text: p.Text, At: Time{p.At}}
}

// ReactionBody is one person's reaction to a message, or that it was taken back.
type ReactionBody struct {
	Emoji string `json:"emoji"`
	On    bool   `json:"on"`
}

// RoomBody is a room, in events and in the HTTP API.
type RoomBody struct {
	ID          chat.ConversationID `json:"id"`
	Number      string              `json:"number"`
	Name        string              `json:"name"`
	Info        string              `json:"info"`
	Visibility  chat.Visibility     `json:"visibility"`
	Owner       chat.UserID         `json:"owner"`
	MemberCount int                 `json:"member_count"`
	CreatedAt   Time                `json:"created_at"`
}

// MembershipBody is somebody's place in a room.
type MembershipBody struct {
	User       chat.UserID `json:"user"`
	Role       chat.Role   `json:"role"`
	MutedUntil *Time       `json:"muted_until,omitempty"`
	JoinedAt   Time        `json:"joined_at"`
}

// NewRoomBody shows a room.
func NewRoomBody(r *chat.Room) RoomBody {
	return RoomBody{
		ID: r.ID, Number: r.Number, Name: r.Name, Info: r.Info, Visibility: r.Visibility, Owner: r.Owner, MemberCount: r.Members, CreatedAt: Time{r.CreatedAt},
	}
}

// NewMembershipBody shows somebody's place in a room.
func NewMembershipBody(m *chat.Membership) MembershipBody {
	b := MembershipBody{User: m.User, Role: m.Role, JoinedAt: Time{m.JoinedAt}}
	if !m.MutedUntil.IsZero() {
		b.MutedUntil = &Time{m.MutedUntil}
	}
	return b
}

// FriendRequestBody is a friend request, in events and in the HTTP API.
type FriendRequestBody struct {
	ID        string            `json:"id"`
	From      PersonBody        `json:"from"`
	To        PersonBody        `json:"to"`
	Message   string            `json:"message"`
	State     chat.RequestState `json:"state"`
	CreatedAt Time              `json:"created_at"`
	HandledAt *Time             `json:"handled_at,omitempty"`
}

// RelationBody is what somebody is to the reader, in events and in the HTTP API.
type RelationBody struct {
	Friend  bool        `json:"friend"`
	Blocked bool        `json:"blocked"`
	Remark  string      `json:"remark"`
	Tags    []string    `json:"tags"`
	Starred bool        `json:"starred"`
	Moments MomentsBody `json:"moments"`
}

// MomentsBody says who sees whose wall.
type MomentsBody struct {
	HideMine   bool `json:"hide_mine"`
	HideTheirs bool `json:"hide_theirs"`
}

// NewPersonBody shows a person.
func NewPersonBody(p *chat.Person) PersonBody {
	return PersonBody{ID: p.ID, Username: p.Username, Nickname: p.Nickname, AvatarURL: p.AvatarURL}
}

// NewFriendRequestBody shows a request to one reader: who asked is not told that
// it is ignored.
func NewFriendRequestBody(r *chat.FriendRequest, reader chat.UserID) FriendRequestBody {
	b := FriendRequestBody{
		ID: r.ID, From: NewPersonBody(&r.From), To: NewPersonBody(&r.To), Message: r.Message, State: r.State, CreatedAt: Time{r.CreatedAt},
	}
	if reader == r.From.ID && b.State == chat.RequestIgnored {
		b.State = chat.RequestPending
		return b
	}
	if !r.HandledAt.IsZero() {
		b.HandledAt = &Time{r.HandledAt}
	}
	return b
}

// NewRelationBody shows a relation to the one whose it is.
func NewRelationBody(r *chat.Relation) RelationBody {
	return RelationBody{
		Friend: r.Friend, Blocked: r.Blocked, Remark: r.Remark, Tags: append([]string{}, r.Tags...), Starred: r.Starred,
		Moments: MomentsBody{HideMine: r.Moments.HideMine, HideTheirs: r.Moments.HideTheirs},
	}
}

// EncodeEvent returns the event as JSON for the one it is for.
func EncodeEvent(e *chat.Event) []byte {
	b := EventBody{Name: e.Name}
	if e.Data.User != nil {
		p := NewPersonBody(e.Data.User)
		b.Data.User = &p
	}
	if e.Data.Request != nil {
		r := NewFriendRequestBody(e.Data.Request, e.To)
		b.Data.Request = &r
	}
	if e.Data.Relation != nil {
		r := NewRelationBody(e.Data.Relation)
		b.Data.Relation = &r
	}
	if e.Data.Room != nil {
		r := NewRoomBody(e.Data.Room)
		b.Data.Room = &r
	}
	if e.Data.Message != nil {
		m := NewMessageBody(e.Data.Message, e.To)
		b.Data.Message = &m
	}
	if e.Data.Reaction != nil {
		b.Data.Reaction = &ReactionBody{Emoji: e.Data.Reaction.Emoji, On: e.Data.Reaction.On}
	}
	if e.Data.Post != nil {
		p := NewPostBody(e.Data.Post)
		b.Data.Post = &p
	}
	if e.Data.Member != nil {
		m := NewMembershipBody(e.Data.Member)
		b.Data.Member = &m
	}
	return Encode(b)
}
