package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// Card is somebody else with all that one may know. Presence is nil while nobody
// can tell.
type Card struct {
	User
	Relation wire.RelationBody    `json:"relation"`
	Presence *wire.PresenceStatus `json:"presence,omitempty"`
}

// Friend is somebody in one's own list of friends.
type Friend struct {
	Card
	Since wire.Time `json:"since"`
}

// BlockedUser is somebody on one's own list of blocks.
type BlockedUser struct {
	User
	Since wire.Time `json:"since"`
}

// Label is what one notes about a friend to be, for oneself alone.
type Label struct {
	Remark  string           `json:"remark,omitempty"`
	Tags    []string         `json:"tags,omitempty"`
	Moments wire.MomentsBody `json:"moments"`
}

// FriendChange is what one changes of what one notes about a friend; what is nil
// stays as it is.
type FriendChange struct {
	Remark  *string        `json:"remark,omitempty"`
	Tags    *[]string      `json:"tags,omitempty"`
	Starred *bool          `json:"starred,omitempty"`
	Moments *MomentsChange `json:"moments,omitempty"`
}

// MomentsChange is what one changes of who sees whose wall.
type MomentsChange struct {
	HideMine   *bool `json:"hide_mine,omitempty"`
	HideTheirs *bool `json:"hide_theirs,omitempty"`
}

// The directions of friend requests.
const (
	Incoming = "incoming"
	Outgoing = "outgoing"
)

// Card returns somebody's card.
func (a *API) Card(ctx context.Context, user chat.UserID) (Card, error) {
	return fetch[Card](ctx, a, http.MethodGet, "/users/"+url.PathEscape(string(user)), nil)
}

// AskFriend asks somebody to be friends. Somebody who asked first is a friend at
// once: the answer is their request, accepted.
func (a *API) AskFriend(ctx context.Context, user chat.UserID, message string, l Label) (wire.FriendRequestBody, error) {
	in := struct {
		User    chat.UserID `json:"user"`
		Message string      `json:"message,omitempty"`
		Label
	}{user, message, l}
	return fetch[wire.FriendRequestBody](ctx, a, http.MethodPost, "/friend-requests", in)
}

// FriendRequests lists the requests that one was sent (Incoming) or sent
// (Outgoing), newest first.
func (a *API) FriendRequests(ctx context.Context, direction, cursor string, limit int) (Page[wire.FriendRequestBody], error) {
	q := pageQuery(cursor, limit)
	q.Set("direction", direction)
	return fetch[Page[wire.FriendRequestBody]](ctx, a, http.MethodGet, withQuery("/friend-requests", q), nil)
}

// AcceptFriend accepts a request that one was sent.
func (a *API) AcceptFriend(ctx context.Context, request string, l Label) (wire.FriendRequestBody, error) {
	return a.handle(ctx, request, "accept", l)
}

// RejectFriend turns a request down, and who asked is told.
func (a *API) RejectFriend(ctx context.Context, request string) (wire.FriendRequestBody, error) {
	return a.handle(ctx, request, "reject", nil)
}

// IgnoreFriend lets a request be; who asked is not told.
func (a *API) IgnoreFriend(ctx context.Context, request string) (wire.FriendRequestBody, error) {
	return a.handle(ctx, request, "ignore", nil)
}

func (a *API) handle(ctx context.Context, request, how string, in any) (wire.FriendRequestBody, error) {
	return fetch[wire.FriendRequestBody](ctx, a, http.MethodPost, "/friend-requests/"+url.PathEscape(request)+"/"+how, in)
}

// Friends lists one's own friends.
func (a *API) Friends(ctx context.Context, cursor string, limit int) (Page[Friend], error) {
	return fetch[Page[Friend]](ctx, a, http.MethodGet, paged("/friends", cursor, limit), nil)
}

// ChangeFriend changes what one notes about a friend.
func (a *API) ChangeFriend(ctx context.Context, user chat.UserID, change FriendChange) (Friend, error) {
	return fetch[Friend](ctx, a, http.MethodPatch, "/friends/"+url.PathEscape(string(user)), change)
}

// RemoveFriend ends a friendship on both sides.
func (a *API) RemoveFriend(ctx context.Context, user chat.UserID) error {
	return a.Do(ctx, http.MethodDelete, "/friends/"+url.PathEscape(string(user)), nil, nil)
}

// Blocks lists whom one blocks.
func (a *API) Blocks(ctx context.Context, cursor string, limit int) (Page[BlockedUser], error) {
	return fetch[Page[BlockedUser]](ctx, a, http.MethodGet, paged("/blocks", cursor, limit), nil)
}

// Block has nothing more come from somebody but what they say in rooms.
func (a *API) Block(ctx context.Context, user chat.UserID) error {
	return a.Do(ctx, http.MethodPut, "/blocks/"+url.PathEscape(string(user)), nil, nil)
}

// Unblock takes a block back.
func (a *API) Unblock(ctx context.Context, user chat.UserID) error {
	return a.Do(ctx, http.MethodDelete, "/blocks/"+url.PathEscape(string(user)), nil, nil)
}
