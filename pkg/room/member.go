package room

import (
	"context"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// Join puts somebody into a public room. NotFound; Conflict when it is full.
func (r *Rooms) Join(ctx context.Context, u chat.UserID, id chat.ConversationID) (chat.Room, error) {
	if id == chat.Lobby {
		return r.dir.Lobby(ctx)
	}
	room, events, err := r.dir.Join(ctx, u, id)
	return room, r.tell(ctx, id, events, err)
}

// Leave takes somebody out of a room. An owner's place passes on; a room without
// anybody is gone. NotFound, NotAMember.
func (r *Rooms) Leave(ctx context.Context, u chat.UserID, id chat.ConversationID) error {
	if err := notLobby(id); err != nil {
		return err
	}
	events, err := r.dir.Remove(ctx, u, u, id)
	return r.tell(ctx, id, events, err)
}

// Members returns a page of who is in a room that a person may know of.
func (r *Rooms) Members(ctx context.Context, u chat.UserID, id chat.ConversationID, cursor string, limit int) (page []chat.Member, next string, err error) {
	if _, err := r.Room(ctx, u, id); err != nil {
		return nil, "", err
	}
	page, err = r.dir.Members(ctx, id, chat.UserID(cursor), limit+1)
	if len(page) > limit {
		page = page[:limit]
		next = string(page[limit-1].Membership.User)
	}
	return page, next, err
}

// Crowds returns who is in rooms, but the lobby.
func (r *Rooms) Crowds(ctx context.Context, ids []chat.ConversationID) (map[chat.ConversationID][]chat.UserID, error) {
	return r.dir.Crowds(ctx, ids)
}

// Add has a member put somebody else into the room. NotFound, NotAMember,
// Forbidden, Blocked, Conflict when it is full.
func (r *Rooms) Add(ctx context.Context, by, u chat.UserID, id chat.ConversationID) error {
	if err := notLobby(id); err != nil {
		return err
	}
	events, err := r.dir.Add(ctx, by, u, id)
	return r.tell(ctx, id, events, err)
}

// Remove has a member put another out of the room. NotFound, NotAMember,
// Forbidden.
func (r *Rooms) Remove(ctx context.Context, by, u chat.UserID, id chat.ConversationID) error {
	if err := notLobby(id); err != nil {
		return err
	}
	events, err := r.dir.Remove(ctx, by, u, id)
	return r.tell(ctx, id, events, err)
}

// SetMember gives a member another role, or mutes them until a time; what is nil
// stays. Invalid, NotFound, NotAMember, Forbidden.
func (r *Rooms) SetMember(ctx context.Context, by, u chat.UserID, id chat.ConversationID, role *chat.Role, until *time.Time) (chat.Membership, error) {
	switch {
	case role == nil && until == nil:
		return chat.Membership{}, chat.InvalidField("role", "required", "")
	case role != nil && *role != chat.RoleOwner && *role != chat.RoleAdmin && *role != chat.RoleMember:
		return chat.Membership{}, chat.InvalidField("role", "unknown", "")
	case until != nil && (until.Year() < 0 || until.Year() > 9999):
		return chat.Membership{}, chat.InvalidField("muted_until", "too_large", "")
	}
	if err := notLobby(id); err != nil {
		return chat.Membership{}, err
	}
	m, events, err := r.dir.SetMember(ctx, by, u, id, role, until)
	return m, r.tell(ctx, id, events, err)
}
