package hook

import (
	"encoding/json"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// event is the body of a post.
type event struct {
	ID   string        `json:"id"`
	Name chat.HookName `json:"name"`
	At   wire.Time     `json:"at"`
	Data any           `json:"data"`
}

// newHook makes a hook that is due at once.
func newHook(id string, of chat.UserID, name chat.HookName, at time.Time, data any) chat.Hook {
	body, err := json.Marshal(event{id, name, wire.Time{Time: at}, data})
	if err != nil {
		panic("hook: structs of strings always marshal: " + err.Error())
	}
	now := time.Now().UTC()
	return chat.Hook{ID: id, User: of, Name: name, Body: string(body), CreatedAt: now, DueAt: now}
}

// Registered tells that somebody signed up.
func Registered(u *chat.User) chat.Hook {
	card := u.Person()
	return newHook(chat.NewID(), u.ID, chat.UserRegistered, u.CreatedAt, struct {
		User wire.PersonBody `json:"user"`
	}{wire.NewPersonBody(&card)})
}

// target is what a complaint is about.
type target struct {
	User         chat.UserID         `json:"user,omitempty"`
	Room         chat.ConversationID `json:"room,omitempty"`
	Conversation chat.ConversationID `json:"conversation,omitempty"`
	Seq          int64               `json:"seq,omitempty"`
}

// Reported tells of a complaint.
func Reported(r *chat.Report) chat.Hook {
	return newHook(chat.NewID(), r.From.ID, chat.ReportCreated, r.CreatedAt, struct {
		Report string          `json:"report"` // its id
		From   wire.PersonBody `json:"from"`
		Target target          `json:"target"`
		Text   string          `json:"text"`
		Reason string          `json:"reason"`
		Detail string          `json:"detail"`
	}{r.ID, wire.NewPersonBody(&r.From), target(r.Target), r.Text, r.Reason, r.Detail})
}

// maxExcerpt is how many characters of a message somebody is told who was away.
const maxExcerpt = 200

// Missed tells of a message that came while somebody was away. However often it
// is told of, it is the same hook.
func Missed(a chat.Absence) chat.Hook {
	m := a.Message
	id := chat.SameID(m.At, m.Seq, string(m.Conversation), string(a.User))
	return newHook(id, a.User, chat.MessageOffline, m.At, struct {
		User         chat.UserID         `json:"user"`
		Conversation chat.ConversationID `json:"conversation"`
		Seq          int64               `json:"seq"`
		From         wire.PersonBody     `json:"from"`
		Kind         chat.MessageKind    `json:"kind"`
		Text         string              `json:"text"`
	}{a.User, m.Conversation, m.Seq, wire.NewPersonBody(&m.From), m.Kind, excerpt(m.Text)})
}

func excerpt(s string) string {
	n := 0
	for i := range s {
		if n++; n > maxExcerpt {
			return s[:i]
		}
	}
	return s
}

// Changed tells where somebody is now.
func Changed(u chat.UserID, p chat.Presence) chat.Hook {
	return newHook(chat.NewID(), u, chat.PresenceChanged, time.Now().UTC(), struct {
		User    chat.UserID     `json:"user"`
		Online  bool            `json:"online"`
		Devices []chat.Platform `json:"devices"`
	}{u, p.Online, append([]chat.Platform{}, p.Devices...)})
}
