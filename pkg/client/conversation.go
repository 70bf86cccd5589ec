package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// Conversation is a direct conversation or a room, as one's own list shows it.
type Conversation struct {
	ID          chat.ConversationID `json:"id"`
	Kind        string              `json:"kind"` // "direct" or "room"
	Peer        *User               `json:"peer,omitempty"`
	Room        *RoomLine           `json:"room,omitempty"`
	LastMessage *wire.MessageBody   `json:"last_message,omitempty"`
	LastSeq     int64               `json:"last_seq"`
	ReadSeq     int64               `json:"read_seq"`
	Unread      int64               `json:"unread"`
	Muted       bool                `json:"muted"`
}

// RoomLine is what a list of conversations says of a room.
type RoomLine struct {
	ID   chat.ConversationID `json:"id"`
	Name string              `json:"name"`
}

// History bounds a page of messages. Both bounds are exclusive and may be
// combined; without any, the newest are meant. Limit 0 leaves it to the server,
// which gives at most wire.MaxHistory.
type History struct {
	BeforeSeq, AfterSeq int64
	Limit               int
}

// OpenDirect returns the conversation with somebody, making it if need be.
func (a *API) OpenDirect(ctx context.Context, user chat.UserID) (Conversation, error) {
	in := struct {
		User chat.UserID `json:"user"`
	}{user}
	return fetch[Conversation](ctx, a, http.MethodPost, "/conversations/direct", in)
}

// Conversations lists one's own conversations, newest first.
func (a *API) Conversations(ctx context.Context, cursor string, limit int) (Page[Conversation], error) {
	return fetch[Page[Conversation]](ctx, a, http.MethodGet, paged("/conversations", cursor, limit), nil)
}

// Messages returns a page of a conversation, ascending by seq.
func (a *API) Messages(ctx context.Context, in chat.ConversationID, h History) ([]wire.MessageBody, error) {
	q := url.Values{}
	if h.BeforeSeq > 0 {
		q.Set("before_seq", strconv.FormatInt(h.BeforeSeq, 10))
	}
	if h.AfterSeq > 0 {
		q.Set("after_seq", strconv.FormatInt(h.AfterSeq, 10))
	}
	if h.Limit > 0 {
		q.Set("limit", strconv.Itoa(h.Limit))
	}
	p, err := fetch[Page[wire.MessageBody]](ctx, a, http.MethodGet, withQuery(conversationPath(in)+"/messages", q), nil)
	return p.Items, err
}

// PostMessage sends a message over HTTP. The id is as in SendWithID: repeating
// it, here or there, never sends twice.
func (a *API) PostMessage(ctx context.Context, in chat.ConversationID, id string, d chat.Draft) (Ack, error) {
	body := struct {
		ID      string      `json:"id"`
		Message *wire.Draft `json:"message"`
	}{id, wireDraft(d)}
	f, err := fetch[wire.AckFrame](ctx, a, http.MethodPost, conversationPath(in)+"/messages", body)
	return ackOf(id, f), err
}

// MarkRead says that one has read a conversation up to and including seq.
func (a *API) MarkRead(ctx context.Context, in chat.ConversationID, seq int64) error {
	body := struct {
		Seq int64 `json:"seq"`
	}{seq}
	return a.Do(ctx, http.MethodPut, conversationPath(in)+"/read", body, nil)
}

// Presence says who of up to 500 people is online.
func (a *API) Presence(ctx context.Context, users ...chat.UserID) (map[chat.UserID]wire.PresenceStatus, error) {
	in := struct {
		Users []chat.UserID `json:"users"`
	}{users}
	out, err := fetch[struct {
		Users map[chat.UserID]wire.PresenceStatus `json:"users"`
	}](ctx, a, http.MethodPost, "/presence", in)
	return out.Users, err
}

// OnlineUser is somebody who is online.
type OnlineUser struct {
	User
	Presence wire.PresenceStatus `json:"presence"`
}

// OnlinePage is a page of the people online; Total counts all of them.
type OnlinePage struct {
	Page[OnlineUser]
	Total int `json:"total"`
}

// Online lists who is online.
func (a *API) Online(ctx context.Context, cursor string, limit int) (OnlinePage, error) {
	return fetch[OnlinePage](ctx, a, http.MethodGet, paged("/presence/online", cursor, limit), nil)
}

func conversationPath(id chat.ConversationID) string {
	return "/conversations/" + url.PathEscape(string(id))
}

func wireDraft(d chat.Draft) *wire.Draft {
	return &wire.Draft{Kind: d.Kind, Text: d.Text, Media: d.Media, ReplyTo: d.ReplyTo, Mentions: d.Mentions}
}
