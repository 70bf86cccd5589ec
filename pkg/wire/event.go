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
	return Encode(b)
}
