package main_test

import (
	"context"
	"strings"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// Makes a room, as a first of its members.
func (d *device) MakesRoom(name string, v chat.Visibility) room {
	d.s.t.Helper()
	var made client.Room
	d.does(func(ctx context.Context, a *client.API) (err error) {
		made, err = a.CreateRoom(ctx, client.RoomPlan{Name: name, Visibility: v})
		return err
	})
	return room(made.ID)
}

// Joins enters a public room.
func (d *device) Joins(r room) {
	d.s.t.Helper()
	d.does(func(ctx context.Context, a *client.API) error {
		_, err := a.JoinRoom(ctx, chat.ConversationID(r))
		return err
	})
}

// LetsIn puts somebody into a room, and PutsOut out of it.
func (d *device) LetsIn(r room, u *User) {
	d.s.t.Helper()
	d.does(func(ctx context.Context, a *client.API) error { return a.AddMember(ctx, chat.ConversationID(r), u.ID) })
}

func (d *device) PutsOut(r room, u *User) {
	d.s.t.Helper()
	d.does(func(ctx context.Context, a *client.API) error {
		return a.RemoveMember(ctx, chat.ConversationID(r), u.ID)
	})
}

// S3.4, S4.3, S4.4: a room across two nodes, with somebody away, somebody on two
// devices, and somebody who is not in it; who is put out is sent and shown nothing
// of it from the next message on, on whichever node.
func TestARoomAcrossNodes(t *testing.T) {
	t.Parallel()
	s := newStory(t, setting("TIELINE_ROOM_CREATION", "everyone"))
	alice, bob, carol, eve := s.User("alice"), s.User("bob"), s.User("carol"), s.User("eve")
	phone := bob.Device("phone", chat.IOS)
	alice.On("n1")
	bob.On("n2")
	phone.On("n1")
	eve.On("n2")
	tea := alice.MakesRoom("Tea", chat.Public)
	alice.HearsEvent("room.joined")
	bob.MayNotSay(tea, "may I?", chat.NotAMember)
	bob.Joins(tea)
	alice.HearsEvent("room.joined")
	phone.HearsEvent("room.joined")
	carol.Joins(tea)
	alice.Says(tea, "who is here?")
	bob.Says(tea, "me")
	bob.Hears("who is here?")
	phone.Hears("who is here?", "me")
	alice.Hears("me")
	bob.Signals(tea, "a wave")
	alice.HearsSignal(bob, "a wave")
	alice.Types(tea, true)
	phone.SeesTyping(alice, true)
	carol.On("n2").Hears("who is here?", "me")
	alice.PutsOut(tea, bob)
	alice.Says(tea, "he is gone")
	carol.Hears("he is gone")
	bob.HearsNothing()
	bob.MayNotSay(tea, "am I?", chat.NotAMember)
	phone.MayNotSay(tea, "am I?", chat.NotAMember)
	for _, call := range []func(context.Context, *client.API) error{
		func(ctx context.Context, a *client.API) error {
			_, err := a.Messages(ctx, chat.ConversationID(tea), client.History{})
			return err
		},
		func(ctx context.Context, a *client.API) error { return a.MarkRead(ctx, chat.ConversationID(tea), 1) },
	} {
		bob.IsRefused(chat.NotAMember, "", call)
	}
	carol.FindsInHistory(chat.ConversationID(tea), "who is here?", "me", "he is gone")
	eve.HearsNothing()
}

// Promises 1 and 2, in a room: neither an emptied Redis nor a killed node loses or
// repeats anything.
func TestARoomLosesNothing(t *testing.T) {
	t.Parallel()
	s := newStory(t, setting("TIELINE_ROOM_CREATION", "everyone"))
	alice, bob, carol := s.User("alice"), s.User("bob"), s.User("carol")
	alice.On("n1")
	bob.On("n2")
	carol.On("n2")
	tea := alice.MakesRoom("Tea", chat.Private)
	alice.LetsIn(tea, bob)
	alice.LetsIn(tea, carol)
	carol.Leaves()
	said := alice.Says(tea, "one")
	s.Redis.Flush()
	alice.Says(tea, "two")
	bob.Hears("one", "two")
	s.Node("n2").Kill()
	alice.Says(tea, "three")
	if again := alice.SaysAgain(said); again.Seq != said.Seq {
		t.Errorf("repeated as %d, not %d", again.Seq, said.Seq)
	}
	bob.ReturnsWhenItMay("n1").Hears("three")
	carol.ReturnsWhenItMay("n1").Hears("one", "two", "three")
	bob.HearsNothing()
}

// Only VIPs make rooms unless everybody may; a private room is nobody else's.
func TestWhoMakesAndFindsRooms(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob := s.User("alice"), s.User("bob")
	alice.IsRefused(chat.VIPRequired, "", func(ctx context.Context, a *client.API) error {
		_, err := a.CreateRoom(ctx, client.RoomPlan{Name: "Tea"})
		return err
	})
	code := strings.TrimSpace(s.Tieline("", "code", "create", "--kind", "vip", "--vip-days", "1"))
	s.keepSecret(code)
	alice.does(func(ctx context.Context, a *client.API) error { _, err := a.RedeemVIP(ctx, code); return err })
	tea := alice.MakesRoom("Tea", chat.Private)
	for _, call := range []func(context.Context, *client.API) error{
		func(ctx context.Context, a *client.API) error {
			_, err := a.Room(ctx, chat.ConversationID(tea))
			return err
		},
		func(ctx context.Context, a *client.API) error {
			_, err := a.JoinRoom(ctx, chat.ConversationID(tea))
			return err
		},
		func(ctx context.Context, a *client.API) error { return a.DeleteRoom(ctx, chat.ConversationID(tea)) },
	} {
		bob.IsRefused(chat.NotFound, "", call)
	}
	alice.On("n1")
	bob.On("n2")
	alice.LetsIn(tea, bob)
	bob.HearsEvent("room.joined")
	alice.does(func(ctx context.Context, a *client.API) error { return a.LeaveRoom(ctx, chat.ConversationID(tea)) })
	var left client.Room
	bob.does(func(ctx context.Context, a *client.API) (err error) {
		left, err = a.Room(ctx, chat.ConversationID(tea))
		return err
	})
	if left.Owner != bob.ID || left.MemberCount != 1 || left.OnlineCount == nil || *left.OnlineCount != 1 {
		t.Errorf("the room that alice left: %+v", left)
	}
	bob.HearsEvent("room.left")
	bob.Says(wireRoom(tea), "all alone")
}

// wireRoom is a room by its conversation, as a reply goes there.
type wireRoom room

func (r wireRoom) target() wire.Target { return wire.Target{Conversation: chat.ConversationID(r)} }
