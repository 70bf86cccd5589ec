package main_test

import (
	"context"
	"slices"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
)

// S2.4: who is blocked is refused from the next message on, on whichever node,
// and finds nobody there: not by presence, search, card or list. In the lobby both
// go on, and a repeat of what was said before is answered as it was.
func TestABlockHoldsAtOnceAndEverywhere(t *testing.T) {
	t.Parallel()
	s := newStory(t, setting("TIELINE_OFFLINE_GRACE", "0s"))
	alice, bob := s.User("alice"), s.User("bob")
	alices, bobs := alice.Device("phone", chat.IOS), bob.Device("phone", chat.IOS)
	alice.On("n1")
	alices.On("n2")
	bob.On("n2").Watches(alice).SeesOnline(alice)
	bobs.On("n1").Watches(alice).SeesOnline(alice)
	first := bob.Says(alice, "hi")
	alice.Blocks("n2", bob)
	bob.MayNotSay(alice, "why?", chat.Blocked)
	bobs.MayNotSay(alice, "why?", chat.Blocked)
	bob.SaysAgain(first)
	for _, d := range []*device{alice.device, alices} {
		if h := d.HearsOf(chat.BlockAdded); h.User.ID != bob.ID {
			t.Errorf("%s hears %+v", d, h)
		}
		d.Hears("hi")
	}
	for _, d := range []*device{bob.device, bobs} {
		if d.SeesOffline(alice); d.status(alice).LastSeen != nil || len(d.status(alice).Devices) > 0 {
			t.Errorf("%s sees %+v", d, d.status(alice))
		}
		d.MayNotSignal(alice, chat.Blocked)
		d.Types(alice, true) // not a word of this
		d.Types(lobby, false)
		alice.SeesTyping(bob, false)
		d.findsNothingOf(alice)
	}
	bob.Says(lobby, "does anybody hear me?")
	alice.Hears("does anybody hear me?")
	alice.Says(bob, "leave me alone")
	bob.Hears("leave me alone")
	bob.does(func(ctx context.Context, a *client.API) error { _, err := a.OpenDirect(ctx, alice.ID); return err })
	bob.IsRefused(chat.Blocked, "", func(ctx context.Context, a *client.API) error {
		_, err := a.AskFriend(ctx, alice.ID, "", client.Label{})
		return err
	})
	bob.IsRefused(chat.Blocked, "", func(ctx context.Context, a *client.API) error {
		_, err := a.PostMessage(ctx, first.Conversation, "by HTTP", chat.Draft{Kind: chat.Text, Text: "hi"})
		return err
	})
	alice.IsRefused(chat.Conflict, "", func(ctx context.Context, a *client.API) error {
		_, err := a.AskFriend(ctx, bob.ID, "", client.Label{})
		return err
	})
	if card := alice.Card(bob); !card.Relation.Blocked || card.Relation.Friend || card.Presence == nil || !card.Presence.Online {
		t.Errorf("alice sees %+v", card)
	}
	alice.Unblocks("n1", bob)
	bob.Says(alice, "thank you")
	for _, d := range []*device{alice.device, alices} {
		d.HearsOf(chat.BlockRemoved)
	}
	for _, d := range []*device{bob.device, bobs} {
		d.SeesOnline(alice)
	}
	bob.Signals(alice, "wave")
	alice.HearsSignal(bob, "wave")
	alice.Hears("thank you")
	bob.Finds("alice", alice, true)
}

// findsNothingOf expects somebody to be hidden wherever one could look, on every
// node.
func (d *device) findsNothingOf(u *User) {
	d.s.t.Helper()
	d.Finds(u.name, u, false)
	d.Finds("", u, false)
	for _, n := range d.s.running() {
		d.eventually("the list of everybody online has its length", func() bool { return onlineBy(n, d) != nil })
		if slices.Contains(onlineBy(n, d), u.ID) {
			d.fail("finds %s in the list of everybody online", u.name)
		}
	}
	if p := d.Card(u).Presence; p == nil || p.Online || p.LastSeen != nil || len(p.Devices) > 0 {
		d.fail("finds %+v on the card of %s", p, u.name)
	}
	d.does(func(ctx context.Context, a *client.API) error {
		now, err := a.Presence(ctx, u.ID, d.user.ID)
		if p := now[u.ID]; err == nil && (p.Online || p.LastSeen != nil || !now[d.user.ID].Online) {
			d.fail("is told %+v", now)
		}
		return err
	})
}

// S2.4: blocks are listed, and last; they leave a friendship as it is, and have a
// request ignored. Nobody blocks themselves.
func TestTheListOfBlocks(t *testing.T) {
	t.Parallel()
	s := newStory(t, setting("TIELINE_OFFLINE_GRACE", "0s"))
	alice, bob, carol := s.User("alice"), s.User("bob"), s.User("carol")
	alice.On("n2")
	alice.Befriends(bob)
	carol.AsksFriend(alice, "please", "")
	for range 2 {
		alice.Blocks("n1", bob)
		alice.Blocks("n2", carol)
	}
	for _, name := range []chat.EventName{chat.FriendRequested, chat.FriendAccepted, chat.FriendRequested, chat.BlockAdded, chat.BlockAdded, chat.FriendIgnored} {
		alice.HearsOf(name)
	}
	if out := carol.requests(client.Outgoing); len(out) != 1 || out[0].State != chat.RequestPending {
		t.Errorf("carol sees %+v", out)
	}
	var blocked []chat.UserID
	for cursor := ""; len(blocked) < 9; {
		alice.does(func(ctx context.Context, a *client.API) error {
			page, err := a.Blocks(ctx, cursor, 1)
			for _, b := range page.Items {
				blocked = append(blocked, b.ID)
			}
			cursor = page.Next
			return err
		})
		if cursor == "" {
			break
		}
	}
	if want := []chat.UserID{bob.ID, carol.ID}; !slices.Equal(blocked, want) {
		t.Errorf("alice blocks %v, want %v", blocked, want)
	}
	if f := alice.friends(); len(f) != 1 || !f[0].Relation.Blocked {
		t.Errorf("alice has %+v", f)
	}
	bob.On("n1")
	if f := bob.friends(); len(f) != 1 || f[0].Relation.Blocked || f[0].Presence == nil || f[0].Presence.Online {
		t.Errorf("bob has %+v", f)
	}
	bob.MayNotSay(alice, "friend?", chat.Blocked)
	for range 2 {
		alice.Unblocks("n1", bob)
	}
	bob.Says(alice, "friend")
	alice.Hears("friend")
	alice.IsRefused(chat.Invalid, "", func(ctx context.Context, a *client.API) error { return a.Block(ctx, alice.ID) })
	alice.IsRefused(chat.NotFound, "", func(ctx context.Context, a *client.API) error { return a.Block(ctx, "nobody") })
}

// S2.4, promise 8: with Redis away people become friends and block each other all
// the same, blocks hold, and whoever is to hear of it does when Redis is back,
// though it has forgotten everything.
func TestABlockHoldsWithoutRedis(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob, carol := s.User("alice"), s.User("bob"), s.User("carol")
	alice.On("n1")
	bob.On("n2")
	alice.Says(bob, "hi")
	bob.Hears("hi")
	s.Redis.Kill()
	s.awaits(soon, "redis")
	alice.Blocks("n1", bob)
	bob.MayNotSay(alice, "hello?", chat.Blocked)
	alice.Befriends(carol)
	if f := alice.friends(); len(f) != 1 || f[0].ID != carol.ID || f[0].Presence != nil {
		t.Errorf("alice has %+v", f)
	}
	s.Redis.Erase()
	s.Redis.Start()
	s.awaits(recovery)
	for _, name := range []chat.EventName{chat.BlockAdded, chat.FriendRequested, chat.FriendAccepted} {
		alice.HearsOf(name)
	}
	bob.MayNotSignal(alice, chat.Blocked)
	alice.Unblocks("n2", bob)
	bob.Says(alice, "thank you")
	alice.HearsOf(chat.BlockRemoved)
	alice.Hears("thank you")
}
