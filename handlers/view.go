package handlers

import (
	"time"

	"github.com/tieline/tieline/pkg/account"
	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// list is any page of things.
type list[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
}

// show makes a page of what f makes of each; never null.
func show[A, B any](all []A, next string, f func(*A) B) list[B] {
	items := make([]B, len(all))
	for i := range all {
		items[i] = f(&all[i])
	}
	return list[B]{Items: items, Next: next}
}

// otherUser is an account as other people see it.
type otherUser struct {
	ID        chat.UserID `json:"id"`
	Username  string      `json:"username"`
	Nickname  string      `json:"nickname"`
	Sex       string      `json:"sex"`
	Bio       string      `json:"bio"`
	AvatarURL string      `json:"avatar_url"`
	VIPUntil  *wire.Time  `json:"vip_until"`
	CreatedAt wire.Time   `json:"created_at"`
}

// ownUser is an account as its owner sees it.
type ownUser struct {
	otherUser
	Email  string `json:"email"`
	Phone  string `json:"phone"`
	Theme  string `json:"theme"`
	Locale string `json:"locale"`
	Admin  bool   `json:"admin"`
}

func viewUser(u *chat.User) otherUser {
	sex := u.Sex
	if sex == "" {
		sex = "unknown"
	}
	return otherUser{
		ID: u.ID, Username: u.Username, Nickname: u.Nickname, Sex: sex, Bio: u.Bio,
		AvatarURL: u.AvatarURL, VIPUntil: maybe(u.VIPUntil), CreatedAt: wire.Time{Time: u.CreatedAt},
	}
}

func viewOwn(u *chat.User) ownUser {
	return ownUser{viewUser(u), u.Email, u.Phone, u.Theme, u.Locale, u.Admin}
}

// maybe is a time that may never have been.
func maybe(t time.Time) *wire.Time {
	if t.IsZero() {
		return nil
	}
	return &wire.Time{Time: t}
}

// grant is what signing in gives.
type grant struct {
	AccessToken  string        `json:"access_token"`
	RefreshToken string        `json:"refresh_token"`
	ExpiresIn    int64         `json:"expires_in"` // seconds
	DeviceID     chat.DeviceID `json:"device_id"`
	User         ownUser       `json:"user"`
}

func viewGrant(g *account.Grant) grant {
	return grant{
		AccessToken: g.AccessToken, RefreshToken: g.RefreshToken, ExpiresIn: int64(g.ExpiresIn / time.Second),
		DeviceID: g.Device, User: viewOwn(&g.User),
	}
}

func viewPresence(p chat.Presence) wire.PresenceStatus {
	return wire.PresenceStatus{
		Online: p.Online, Devices: append([]chat.Platform{}, p.Devices...), LastSeen: maybe(p.LastSeen),
	}
}

// conversation is one line of somebody's list of conversations.
type conversation struct {
	ID          chat.ConversationID `json:"id"`
	Kind        string              `json:"kind"`
	Peer        *wire.PersonBody    `json:"peer,omitempty"`
	Room        *roomLine           `json:"room,omitempty"`
	LastMessage *wire.MessageBody   `json:"last_message,omitempty"`
	LastSeq     int64               `json:"last_seq"`
	ReadSeq     int64               `json:"read_seq"`
	Unread      int64               `json:"unread"`
	Muted       bool                `json:"muted"`
}

// roomLine is what a line of that list says of a room.
type roomLine struct {
	ID   chat.ConversationID `json:"id"`
	Name string              `json:"name"`
}

func viewConversation(o *chat.Overview, reader chat.UserID) conversation {
	c := conversation{
		ID: o.ID, Kind: "room", LastSeq: o.LastSeq, ReadSeq: o.ReadSeq, Unread: o.Unread, Muted: o.Muted,
	}
	if o.Direct {
		c.Kind = "direct"
		c.Peer = &wire.PersonBody{ID: o.Peer.ID, Username: o.Peer.Username, Nickname: o.Peer.Nickname, AvatarURL: o.Peer.AvatarURL}
	} else {
		c.Room = &roomLine{ID: o.ID, Name: o.Name}
	}
	if o.Last != nil {
		m := wire.NewMessageBody(o.Last, reader)
		c.LastMessage = &m
	}
	return c
}
