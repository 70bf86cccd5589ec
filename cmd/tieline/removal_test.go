package main_test

import (
	"context"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// isGone says that a device speaks for nobody, wherever it asks.
func (d *device) isGone() {
	d.s.t.Helper()
	for _, n := range d.s.running() {
		d.Tries(n.id).IsTold(chat.Unauthorized).ClosedWith(wire.CloseUnknownUser)
		n.Asks("GET", "/api/v1/me", d.grant.AccessToken, "").is(d.s, 401, chat.Unauthorized)
	}
	d.IsRefused(chat.Unauthorized, "", func(ctx context.Context, a *client.API) error {
		_, err := a.Refresh(ctx, d.grant.RefreshToken)
		return err
	})
}

// S2.7, promise 6: an account that is removed is off every node at once and for
// good, also for a Redis that knows nothing; what was written stays, under the
// name of nobody; friends are told, and the name is free.
func TestAnAccountIsRemoved(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob := s.User("alice"), s.User("bob")
	alice.befriends(bob)
	alice.On("n1")
	bob.On("n2")
	phone := alice.Device("phone", chat.IOS).On("n2")
	away := alice.Device("tablet", chat.Android)
	direct := alice.Says(bob, "I am leaving")
	alice.Says(lobby, "goodbye")
	bob.Hears("I am leaving", "goodbye")
	alice.IsRefused(chat.BadCredentials, "", func(ctx context.Context, a *client.API) error { return a.DeleteMe(ctx, "a guess") })
	phone.StaysOn()
	alice.does(func(ctx context.Context, a *client.API) error { return a.DeleteMe(ctx, alice.password) })
	for _, d := range []*device{alice.device, phone} {
		d.Within(time.Second).IsTold(chat.Unauthorized).ClosedWith(wire.CloseUnknownUser)
	}
	for _, d := range []*device{alice.device, phone, away} {
		d.isGone()
	}
	bob.hearsEventAfter(chat.FriendRemoved)
	bob.MayNotSay(alice, "are you there?", chat.NotFound)
	for _, in := range []chat.ConversationID{direct.Conversation, chat.Lobby} {
		bob.does(func(ctx context.Context, a *client.API) error {
			said, err := a.Messages(ctx, in, client.History{})
			for _, m := range said {
				if m.From.ID == alice.ID && (m.From.Username != "" || m.From.Nickname != chat.DeletedNickname || m.Text == "") {
					t.Errorf("%s: %+v", in, m)
				}
			}
			if len(said) == 0 {
				t.Errorf("nothing is left of %s", in)
			}
			return err
		})
	}
	bob.IsRefused(chat.NotFound, "", func(ctx context.Context, a *client.API) error { _, err := a.Card(ctx, alice.ID); return err })
	bob.IsRefused(chat.NotFound, "", func(ctx context.Context, a *client.API) error { _, err := a.OpenDirect(ctx, alice.ID); return err })
	bob.does(func(ctx context.Context, a *client.API) error {
		list, err := a.Conversations(ctx, "", 0)
		for _, c := range list.Items {
			if c.ID == direct.Conversation && (c.Peer.Username != "" || c.Peer.Nickname != chat.DeletedNickname) {
				t.Errorf("the list has %+v", c.Peer)
			}
		}
		return err
	})
	bob.does(func(ctx context.Context, a *client.API) error {
		friends, err := a.Friends(ctx, "", 0)
		if len(friends.Items) != 0 {
			t.Errorf("bob has friends: %+v", friends.Items)
		}
		return err
	})
	for _, query := range []string{"", "?query=alice", "?query=deleted"} {
		var page client.Page[client.User]
		s.Node("n1").Asks("GET", "/api/v1/users"+query, bob.grant.AccessToken, "").into(s, &page)
		for _, u := range page.Items {
			if u.ID == alice.ID {
				t.Errorf("%q finds %+v", query, u)
			}
		}
	}
	alice.mayNotSignIn(chat.BadCredentials)
	s.Redis.Flush()
	for _, d := range []*device{alice.device, phone} {
		d.eventually("the nodes are well again", func() bool { return s.Node("n1").Asks("GET", "/readyz?strict=1", "", "").Status == 200 })
		d.isGone()
	}
	again := s.User("alice")
	if again.ID == alice.ID {
		t.Error("the new alice is the old one")
	}
	again.On("n1").Says(bob, "another alice")
	bob.HearsAll("another alice")
}
