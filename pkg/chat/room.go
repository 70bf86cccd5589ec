package chat

import "time"

// Visibility says who may find a room.
type Visibility string

// Public rooms are found and joined by anybody; into Private ones their members
// let people in, and nobody else knows of them.
const (
	Public  Visibility = "public"
	Private Visibility = "private"
)

// Role is what a member may do in a room.
type Role string

// The roles. An Owner gives and takes roles and may delete the room; owners and
// admins remove and mute plain members, and recall anybody's messages.
const (
	RoleOwner  Role = "owner"
	RoleAdmin  Role = "admin"
	RoleMember Role = "member"
)

// Room is a conversation of many.
type Room struct {
	ID         ConversationID
	Number     string // short, for people to tell each other
	Name       string
	Info       string
	Visibility Visibility
	Owner      UserID
	Members    int
	CreatedAt  time.Time
}

// RoomChange is what somebody changes of a room; what is nil stays. NameKey is
// the normal form of the name.
type RoomChange struct {
	Name, Info *string
	NameKey    string
	Visibility *Visibility
}

// Membership is somebody's place in a room.
type Membership struct {
	Room       ConversationID
	User       UserID
	Role       Role
	MutedUntil time.Time // zero or past: may write
	JoinedAt   time.Time
}

// Member is somebody in a room, with their card.
type Member struct {
	User
	Membership
}

// May returns nil if a member may do something to another, else Forbidden: the
// owner anything, admins what concerns plain members, anybody what concerns
// nobody but themselves.
func (m *Membership) May(other *Membership) error {
	switch {
	case m.User == other.User, m.Role == RoleOwner, m.Role == RoleAdmin && other.Role == RoleMember:
		return nil
	}
	return E("chat.may", Forbidden, nil)
}

// IsMuted reports whether the member may not write at a time.
func (m *Membership) IsMuted(at time.Time) bool { return m.MutedUntil.After(at) }
