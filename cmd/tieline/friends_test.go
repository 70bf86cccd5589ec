package main_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// S0.5, S2.2, S2.3, S4.8, S4.9: two become friends. Both hear of it on all their
// devices, on whichever node, and the one that was away when it comes back; each
// has the other in the list, with what they alone note, and a conversation.
func TestTwoBecomeFriends(t *testing.T) {
	t.Parallel()
	s := newStory(t, setting("TIELINE_OFFLINE_GRACE", "0s"))
	alice, bob := s.User("alice"), s.User("bob")
	phone, tab := alice.Device("phone", chat.IOS), bob.Device("tab", chat.Android)
	tab.On("n1").Leaves()
	alice.On("n1")
	phone.On("n2")
	bob.On("n2")
	asked := alice.AsksFriend(bob, "it's me, alice", "Bobby")
	for _, d := range []*device{alice.device, phone, bob.device} {
		if h := d.HearsOf(chat.FriendRequested); h.Request.From.ID != alice.ID || h.Request.To.Username != "bob" || h.Request.Message != "it's me, alice" || h.Request.State != chat.RequestPending {
			t.Errorf("%s hears %+v", d, h)
		}
	}
	if card := alice.Card(bob); card.Relation.Friend || card.Relation.Remark != "" {
		t.Errorf("before, bob is %+v", card)
	}
	bob.AcceptsOn("n2", asked, "Al")
	bob.line.await(soon, func() bool { return len(bob.line.queues[wire.Event]) > 0 }) // it is in his queue
	tab.Returns("n1").Synced(2, wire.SourceQueue)
	tab.HearsOf(chat.FriendRequested)
	for _, d := range []*device{alice.device, phone, bob.device, tab} {
		peer, remark := bob, "Bobby"
		if d.user == bob {
			peer, remark = alice, "Al"
		}
		h := d.HearsOf(chat.FriendAccepted)
		if h.User.ID != peer.ID || h.Request.ID != asked.ID || h.Request.State != chat.RequestAccepted || !h.Relation.Friend || h.Relation.Remark != remark {
			t.Errorf("%s hears %+v", d, h)
		}
		card := d.Card(peer)
		if !card.Relation.Friend || card.Relation.Remark != remark || card.Presence == nil || !card.Presence.Online {
			t.Errorf("%s sees the card %+v", d, card)
		}
		if f := d.friends(); len(f) != 1 || f[0].ID != peer.ID || f[0].Username != peer.name || f[0].Relation.Remark != remark || f[0].Presence == nil || !f[0].Presence.Online {
			t.Errorf("%s has the friends %+v", d, f)
		}
		if c := d.conversation(chat.DirectID(alice.ID, bob.ID)); c.Kind != "direct" || c.Peer.ID != peer.ID || c.LastSeq != 0 {
			t.Errorf("%s has the conversation %+v", d, c)
		}
	}
	tab.Leaves()
	bob.Leaves()
	bob.Unfriends("n2", alice)
	for _, d := range []*device{alice.device, phone, bob.Returns("n1"), tab.Returns("n2")} {
		d.HearsOf(chat.FriendRemoved)
		if f := d.friends(); len(f) != 0 {
			t.Errorf("%s still has %+v", d, f)
		}
	}
	bob.IsRefused(chat.NotFriends, "", func(ctx context.Context, a *client.API) error { return a.RemoveFriend(ctx, alice.ID) })
}

// friends lists somebody's friends, one a page.
func (d *device) friends() (all []client.Friend) {
	d.s.t.Helper()
	for cursor := ""; ; {
		d.does(func(ctx context.Context, a *client.API) error {
			page, err := a.Friends(ctx, cursor, 1)
			all, cursor = append(all, page.Items...), page.Next
			return err
		})
		if cursor == "" {
			return all
		}
	}
}

// S2.5: what one notes about a friend changes field by field, one's other devices
// hear of it, and the friend does not.
func TestWhatOneNotesAboutAFriend(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob := s.User("alice"), s.User("bob")
	phone := alice.Device("phone", chat.IOS)
	phone.On("n2")
	bob.On("n1")
	alice.Befriends(bob)
	phone.HearsOf(chat.FriendRequested)
	phone.HearsOf(chat.FriendAccepted)
	yes, remark := true, "老王 😀"
	for _, change := range []client.FriendChange{
		{Starred: &yes}, {Remark: &remark}, {Tags: &[]string{"work", "chess"}}, {Moments: &client.MomentsChange{HideMine: &yes}}, {Moments: &client.MomentsChange{HideTheirs: &yes}},
	} {
		var changed client.Friend
		alice.does(func(ctx context.Context, a *client.API) (err error) {
			changed, err = a.ChangeFriend(ctx, bob.ID, change)
			return err
		})
		if h := phone.HearsOf(chat.FriendUpdated); h.User.ID != bob.ID || !h.Relation.Starred || h.Relation.Starred != changed.Relation.Starred || h.Relation.Remark != changed.Relation.Remark {
			t.Errorf("the phone hears %+v of %+v", h, changed)
		}
	}
	if r := phone.Card(bob).Relation; !r.Friend || !r.Starred || r.Remark != remark || len(r.Tags) != 2 || r.Moments != (wire.MomentsBody{HideMine: true, HideTheirs: true}) {
		t.Errorf("bob is %+v", r)
	}
	if r := bob.Card(alice).Relation; !r.Friend || r.Starred || r.Remark != "" || len(r.Tags) != 0 || r.Moments != (wire.MomentsBody{}) {
		t.Errorf("alice is %+v", r)
	}
	bob.HearsOf(chat.FriendRequested)
	bob.HearsOf(chat.FriendAccepted)
	bob.Unfriends("n2", alice)
	bob.HearsOf(chat.FriendRemoved) // and of nothing in between
	alice.IsRefused(chat.NotFriends, "", func(ctx context.Context, a *client.API) error {
		_, err := a.ChangeFriend(ctx, bob.ID, client.FriendChange{Starred: &yes})
		return err
	})
}

// S2.2: requests are listed, newest first, and handled by whom they were sent to:
// accepted, rejected with a word, or ignored without one.
func TestRequestsAreHandled(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob, carol := s.User("alice"), s.User("bob"), s.User("carol")
	alice.On("n2")
	first := alice.AsksFriend(bob, "one", "")
	carol.AsksFriend(bob, "hello", "")
	alice.HearsOf(chat.FriendRequested)
	if in := bob.requests(client.Incoming); len(in) != 2 || in[0].From.ID != carol.ID || in[1].From.ID != alice.ID || in[1].Message != "one" {
		t.Errorf("bob was asked %+v", in)
	}
	again := alice.AsksFriend(bob, "one, again", "")
	if again.ID != first.ID || again.Message != "one, again" {
		t.Errorf("asked again: %+v", again)
	}
	bob.does(func(ctx context.Context, a *client.API) error { _, err := a.RejectFriend(ctx, first.ID); return err })
	if h := alice.HearsOf(chat.FriendRejected); h.Request.ID != first.ID || h.Request.State != chat.RequestRejected || h.Request.HandledAt == nil {
		t.Errorf("alice hears %+v", h)
	}
	second := alice.AsksFriend(bob, "two", "")
	alice.HearsOf(chat.FriendRequested)
	bob.does(func(ctx context.Context, a *client.API) error { _, err := a.IgnoreFriend(ctx, second.ID); return err })
	third := alice.AsksFriend(bob, "three", "")
	if third.ID != second.ID || third.State != chat.RequestPending || third.HandledAt != nil {
		t.Errorf("asked while ignored: %+v", third)
	}
	out := alice.requests(client.Outgoing)
	if len(out) != 2 || out[0].ID != second.ID || out[0].State != chat.RequestPending || out[0].HandledAt != nil || out[1].State != chat.RequestRejected {
		t.Errorf("alice asked %+v", out)
	}
	if in := bob.requests(client.Incoming); len(in) != 3 || in[0].State != chat.RequestIgnored || in[0].HandledAt == nil {
		t.Errorf("bob was asked %+v", in)
	}
	handle := func(id string) func(context.Context, *client.API) error {
		return func(ctx context.Context, a *client.API) error {
			_, err := a.AcceptFriend(ctx, id, client.Label{})
			return err
		}
	}
	bob.IsRefused(chat.Conflict, "", handle(second.ID))
	alice.IsRefused(chat.NotFound, "", handle(second.ID))
	bob.IsRefused(chat.NotFound, "", handle("nothing"))
	accepted := bob.AsksFriend(alice, "after all", "") // who asks somebody that asked is a friend at once
	if h := alice.HearsOf(chat.FriendAccepted); h.Request.ID != second.ID || accepted.ID != second.ID || accepted.State != chat.RequestAccepted {
		t.Errorf("alice hears %+v, bob is answered %+v", h, accepted)
	}
	for _, from := range []*User{alice, bob} {
		from.IsRefused(chat.Invalid, "", func(ctx context.Context, a *client.API) error {
			_, err := a.AskFriend(ctx, from.ID, "", client.Label{})
			return err
		})
	}
	alice.IsRefused(chat.Conflict, "", func(ctx context.Context, a *client.API) error {
		_, err := a.AskFriend(ctx, bob.ID, "", client.Label{})
		return err
	})
	alice.IsRefused(chat.NotFound, "", func(ctx context.Context, a *client.API) error {
		_, err := a.AskFriend(ctx, "nobody", "", client.Label{})
		return err
	})
}

// requests lists somebody's requests of one direction, one a page.
func (d *device) requests(direction string) (all []wire.FriendRequestBody) {
	d.s.t.Helper()
	for cursor := ""; ; {
		d.does(func(ctx context.Context, a *client.API) error {
			page, err := a.FriendRequests(ctx, direction, cursor, 1)
			all, cursor = append(all, page.Items...), page.Next
			return err
		})
		if cursor == "" {
			return all
		}
	}
}

// S2.2, S0.8: of many clicks on one request, on all devices and nodes, the first
// counts; two who ask each other at the same moment are friends.
func TestAtTheSameMoment(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob, carol := s.User("alice"), s.User("bob"), s.User("carol")
	r := alice.AsksFriend(bob, "", "")
	var handled atomic.Int32
	var all sync.WaitGroup
	for i := range 8 {
		n := s.nodes[i%2]
		a := n.api(bob.grant.AccessToken)
		all.Go(func() {
			handle := []func(context.Context, string) (wire.FriendRequestBody, error){a.RejectFriend, a.IgnoreFriend}[i/2%2]
			switch _, err := handle(context.Background(), r.ID); chat.KindOf(err) {
			case "":
				handled.Add(1)
			case chat.Conflict:
			default:
				t.Error(err)
			}
		})
		all.Go(func() {
			from, to := bob, carol
			if i%4 < 2 {
				from, to = carol, bob
			}
			_, err := n.api(from.grant.AccessToken).AskFriend(context.Background(), to.ID, "", client.Label{Remark: "by " + from.name})
			if kind := chat.KindOf(err); kind != "" && kind != chat.Conflict {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if handled.Load() != 1 {
		t.Errorf("one request was handled %d times", handled.Load())
	}
	for _, u := range []*User{bob, carol} {
		if f := u.friends(); len(f) != 1 || f[0].Relation.Remark != "by "+u.name {
			t.Errorf("%s has the friends %+v", u.name, f)
		}
	}
	if in, out := bob.requests(client.Incoming), bob.requests(client.Outgoing); len(in)+len(out) != 2 {
		t.Errorf("between them are %+v, %+v", in, out)
	}
}

// TIELINE_DIRECT=friends, S4.9: nobody but a friend is written to, or signalled,
// from the moment on at which they become friends, or no longer are, on every
// node; the lobby is everybody's.
func TestOnlyFriendsMayWrite(t *testing.T) {
	t.Parallel()
	s := newStory(t, setting("TIELINE_DIRECT", "friends"))
	alice, bob := s.User("alice"), s.User("bob")
	alice.On("n1")
	bob.On("n2")
	refused := func() {
		t.Helper()
		alice.MayNotSay(bob, "hi", chat.NotFriends)
		bob.MayNotSay(alice, "hi", chat.NotFriends)
		alice.MayNotSignal(bob, chat.NotFriends)
		bob.MayNotSignal(alice, chat.NotFriends)
	}
	refused()
	alice.Says(lobby, "anybody?")
	bob.Hears("anybody?")
	alice.Befriends(bob)
	for _, u := range []*User{alice, bob} {
		u.HearsOf(chat.FriendRequested)
		u.HearsOf(chat.FriendAccepted)
	}
	alice.Signals(bob, "ring")
	bob.Signals(alice, "ring, ring")
	bob.HearsSignal(alice, "ring")
	alice.HearsSignal(bob, "ring, ring")
	first := alice.Says(bob, "hi")
	bob.Says(alice, "hi there")
	bob.Hears("hi")
	alice.Hears("hi there")
	bob.Unfriends("n2", alice)
	alice.MayNotSay(bob, "still there?", chat.NotFriends) // before anybody has heard of it
	bob.MayNotSay(alice, "bye", chat.NotFriends)
	alice.SaysAgain(first)
	alice.HearsOf(chat.FriendRemoved)
	bob.HearsOf(chat.FriendRemoved)
	refused()
	alice.does(func(ctx context.Context, a *client.API) error { _, err := a.OpenDirect(ctx, bob.ID); return err })
	alice.IsRefused(chat.NotFriends, "", func(ctx context.Context, a *client.API) error {
		_, err := a.PostMessage(ctx, chat.DirectID(alice.ID, bob.ID), "by HTTP", chat.Draft{Kind: chat.Text, Text: "hi"})
		return err
	})
	alice.IsRefused(chat.NotFriends, "", func(ctx context.Context, a *client.API) error { // nor by what was said before
		return a.Do(ctx, http.MethodPatch, fmt.Sprintf("/conversations/%s/messages/%d", first.Conversation, first.Seq), map[string]string{"text": "still there?"}, nil)
	})
	alice.Recalls(first)
	bob.HearsEvent("message.recalled")
	bob.Befriends(alice)
	alice.Says(bob, "again")
	bob.Hears("again")
}

// S0.5: all of it works with what is in the box, too.
func TestFriendsInTheBox(t *testing.T) {
	t.Parallel()
	s := newStory(t, inTheBox(), setting("TIELINE_DIRECT", "friends"))
	alice, bob := s.User("alice"), s.User("bob")
	alice.On("n1")
	bob.On("n1")
	alice.MayNotSay(bob, "hi", chat.NotFriends)
	alice.Befriends(bob)
	bob.HearsOf(chat.FriendRequested)
	bob.HearsOf(chat.FriendAccepted)
	alice.Says(bob, "hi")
	bob.Hears("hi")
	alice.Blocks("n1", bob)
	bob.MayNotSay(alice, "hello?", chat.Blocked)
	alice.Unblocks("n1", bob)
	bob.Unfriends("n1", alice)
	bob.HearsOf(chat.FriendRemoved)
	bob.MayNotSay(alice, "hello?", chat.NotFriends)
	bob.MayNotSignal(alice, chat.NotFriends)
}
