package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// Room is a room, and how many of its members are online, if that is known.
type Room struct {
	wire.RoomBody
	OnlineCount *int `json:"online_count"`
}

// RoomPlan is what a room says of itself. An empty Visibility is chat.Public.
type RoomPlan struct {
	Name       string          `json:"name"`
	Info       string          `json:"info,omitempty"`
	Visibility chat.Visibility `json:"visibility,omitempty"`
}

func roomPath(id chat.ConversationID, more string) string {
	return "/rooms/" + url.PathEscape(string(id)) + more
}

// CreateRoom makes a room with its maker as the owner.
func (a *API) CreateRoom(ctx context.Context, p RoomPlan) (Room, error) {
	return fetch[Room](ctx, a, http.MethodPost, "/rooms", p)
}

// Room returns a room that the caller may know of.
func (a *API) Room(ctx context.Context, id chat.ConversationID) (Room, error) {
	return fetch[Room](ctx, a, http.MethodGet, roomPath(id, ""), nil)
}

// DeleteRoom ends a room of the caller's.
func (a *API) DeleteRoom(ctx context.Context, id chat.ConversationID) error {
	return a.Do(ctx, http.MethodDelete, roomPath(id, ""), nil, nil)
}

// JoinRoom enters a public room.
func (a *API) JoinRoom(ctx context.Context, id chat.ConversationID) (Room, error) {
	return fetch[Room](ctx, a, http.MethodPost, roomPath(id, "/join"), nil)
}

// LeaveRoom leaves a room.
func (a *API) LeaveRoom(ctx context.Context, id chat.ConversationID) error {
	return a.Do(ctx, http.MethodPost, roomPath(id, "/leave"), nil, nil)
}

// AddMember puts somebody into a room.
func (a *API) AddMember(ctx context.Context, id chat.ConversationID, user chat.UserID) error {
	in := struct {
		User chat.UserID `json:"user"`
	}{user}
	return a.Do(ctx, http.MethodPost, roomPath(id, "/members"), in, nil)
}

// RemoveMember puts somebody out of a room.
func (a *API) RemoveMember(ctx context.Context, id chat.ConversationID, user chat.UserID) error {
	return a.Do(ctx, http.MethodDelete, roomPath(id, "/members/"+url.PathEscape(string(user))), nil, nil)
}
