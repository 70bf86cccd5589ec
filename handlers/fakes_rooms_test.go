package handlers

import (
	"context"
	"fmt"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/room"
)

// tea is alice's room, with bob in it.
var tea = chat.Room{ID: "r-tea", Number: "12345678", Name: "Tea", Info: "green", Visibility: chat.Public, Owner: alice.ID, Members: 2, CreatedAt: born}

// fakeRooms knows one room, and notes what is done to it.
type fakeRooms struct {
	did []string
	err error // of everything
}

func (f *fakeRooms) note(id chat.ConversationID, what ...any) error {
	if f.err == nil && id != tea.ID {
		return chat.E("fake", chat.NotFound, nil)
	}
	f.did = append(f.did, fmt.Sprint(what...))
	return f.err
}

func (f *fakeRooms) Create(_ context.Context, u chat.UserID, p room.Plan) (chat.Room, error) {
	return tea, f.note(tea.ID, u, " makes ", p)
}

func (f *fakeRooms) Room(_ context.Context, u chat.UserID, id chat.ConversationID) (chat.Room, error) {
	return tea, f.note(id, u, " looks")
}

func (f *fakeRooms) Find(_ context.Context, query, cursor string, limit int) ([]chat.Room, string, error) {
	return []chat.Room{tea}, "more", f.note(tea.ID, "find ", query, cursor, limit)
}

func (f *fakeRooms) Update(_ context.Context, u chat.UserID, id chat.ConversationID, c chat.RoomChange) (chat.Room, error) {
	return tea, f.note(id, u, " names it ", *c.Name, " ", c.Info == nil, c.Visibility == nil)
}

func (f *fakeRooms) Delete(_ context.Context, u chat.UserID, id chat.ConversationID) error {
	return f.note(id, u, " ends it")
}

func (f *fakeRooms) Join(_ context.Context, u chat.UserID, id chat.ConversationID) (chat.Room, error) {
	return tea, f.note(id, u, " joins")
}

func (f *fakeRooms) Leave(_ context.Context, u chat.UserID, id chat.ConversationID) error {
	return f.note(id, u, " leaves")
}

func (f *fakeRooms) Members(_ context.Context, _ chat.UserID, id chat.ConversationID, cursor string, limit int) ([]chat.Member, string, error) {
	return []chat.Member{{User: bob, Membership: chat.Membership{User: bob.ID, Role: chat.RoleMember, JoinedAt: born}}}, "", f.note(id, "members ", cursor, limit)
}

func (f *fakeRooms) Crowds(context.Context, []chat.ConversationID) (map[chat.ConversationID][]chat.UserID, error) {
	return map[chat.ConversationID][]chat.UserID{tea.ID: {alice.ID, bob.ID}}, nil
}

func (f *fakeRooms) Add(_ context.Context, by, u chat.UserID, id chat.ConversationID) error {
	return f.note(id, by, " adds ", u)
}

func (f *fakeRooms) Remove(_ context.Context, by, u chat.UserID, id chat.ConversationID) error {
	return f.note(id, by, " removes ", u)
}

func (f *fakeRooms) SetMember(_ context.Context, by, u chat.UserID, id chat.ConversationID, role *chat.Role, until *time.Time) (chat.Membership, error) {
	what := "as before"
	if role != nil {
		what = string(*role)
	}
	if until != nil {
		what += fmt.Sprint(" muted ", until.UnixMilli())
	}
	return chat.Membership{User: u, Role: chat.RoleMember, MutedUntil: born, JoinedAt: born}, f.note(id, by, " has ", u, " ", what)
}
