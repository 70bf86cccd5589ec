package main_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// Edits changes the text of something said; Recalls takes it back.
func (d *device) Edits(said Said, text string) {
	d.s.t.Helper()
	d.does(func(ctx context.Context, a *client.API) error {
		return a.Do(ctx, http.MethodPatch, fmt.Sprintf("/conversations/%s/messages/%d", said.Conversation, said.Seq), map[string]string{"text": text}, nil)
	})
}

func (d *device) Recalls(said Said) {
	d.s.t.Helper()
	d.does(func(ctx context.Context, a *client.API) error {
		return a.Do(ctx, http.MethodDelete, fmt.Sprintf("/conversations/%s/messages/%d", said.Conversation, said.Seq), nil, nil)
	})
}

func (d *device) Reacts(said Said, emoji string) {
	d.s.t.Helper()
	d.does(func(ctx context.Context, a *client.API) error {
		return a.Do(ctx, http.MethodPut, fmt.Sprintf("/conversations/%s/messages/%d/reactions/%s", said.Conversation, said.Seq, url.PathEscape(emoji)), nil, nil)
	})
}

// What becomes of a message comes to everybody's devices, on whichever node, and
// to those away when they come back; a text that was recalled is nowhere.
func TestMessagesAreAmended(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob := s.User("alice"), s.User("bob")
	phone := bob.Device("phone", chat.IOS)
	alice.On("n1")
	bob.On("n2")
	typo, secret := alice.Says(bob, "helo"), alice.Says(bob, "a secret")
	bob.Hears("helo", "a secret")
	alice.Edits(typo, "hello")
	bob.HearsEvent("message.edited")
	alice.HearsEvent("message.edited")
	bob.Reacts(typo, "\U0001F44D")
	alice.HearsEvent("message.reacted")
	alice.Recalls(secret)
	bob.HearsEvent("message.reacted")
	bob.HearsEvent("message.recalled")
	phone.On("n1").Hears("helo") // as it was queued; the event follows
	phone.HearsEvent("message.edited")
	phone.HearsEvent("message.reacted")
	phone.HearsEvent("message.recalled")
	phone.HearsNothing()
	s.Redis.Flush()
	again := bob.Device("tablet", chat.Web)
	again.On("n2")
	again.FindsInHistory(typo.Conversation, "hello", "")
	var all []wire.MessageBody
	again.does(func(ctx context.Context, a *client.API) (err error) {
		all, err = a.Messages(ctx, typo.Conversation, client.History{})
		return err
	})
	if len(all) != 2 || all[0].EditedAt == nil || all[0].Reactions["\U0001F44D"] != 1 || !all[1].Recalled || all[1].Text != "" {
		t.Errorf("the history is %+v", all)
	}
}

// In the lobby whoever is there is told at once, and whoever is not finds it as it
// is.
func TestTheLobbyIsAmended(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob, carol := s.User("alice"), s.User("bob"), s.User("carol")
	alice.On("n1")
	bob.On("n2")
	typo, secret := alice.Says(lobby, "helo"), alice.Says(lobby, "a secret")
	bob.Hears("helo", "a secret")
	alice.Edits(typo, "hello")
	bob.HearsEvent("message.edited")
	alice.HearsEvent("message.edited")
	alice.Recalls(secret)
	bob.HearsEvent("message.recalled")
	carol.On("n2").Hears("hello", "")
	carol.HearsNothing()
}
