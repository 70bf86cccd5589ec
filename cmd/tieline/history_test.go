package main_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// conversation is one line of somebody's list, as the newest look shows it.
func (d *device) conversation(id chat.ConversationID) client.Conversation {
	d.s.t.Helper()
	var found client.Conversation
	d.does(func(ctx context.Context, a *client.API) error {
		list, err := a.Conversations(ctx, "", 200)
		for _, c := range list.Items {
			if c.ID == id {
				found = c
			}
		}
		return err
	})
	return found
}

// S0.7, S4.5: the list of conversations, with what is unread; reading on one
// device is seen on the others, and by the other person.
func TestReadAndUnread(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob := s.User("alice"), s.User("bob")
	alice.On("n1")
	bob.On("n2")
	phone := bob.Device("phone", chat.IOS).On("n1")
	var said []Said
	for _, text := range []string{"one", "two", "three"} {
		said = append(said, alice.Says(bob, text))
	}
	id := said[0].Conversation
	unread := func(d *device, last, read, unread int64) {
		t.Helper()
		c := d.conversation(id)
		if c.Kind != "direct" || c.Peer == nil || c.LastMessage == nil || c.LastSeq != last || c.ReadSeq != read || c.Unread != unread {
			t.Fatalf("%s has %+v, want last %d, read %d, unread %d", d, c, last, read, unread)
		}
	}
	unread(bob.device, 3, 0, 3)
	unread(alice.device, 3, 0, 0) // one's own are not unread
	bob.Reads(said[1])
	alice.SeesRead(bob, said[1])
	phone.SeesRead(bob, said[1])
	unread(phone, 3, 2, 1)
	bob.Reads(said[0]) // reading does not go back
	bob.StaysOn()
	unread(phone, 3, 2, 1)
	phone.does(func(ctx context.Context, a *client.API) error { return a.MarkRead(ctx, id, 3) })
	alice.SeesRead(bob, said[2])
	bob.SeesRead(bob, said[2])
	unread(bob.device, 3, 3, 0)
	answer := bob.Says(alice, "four")
	alice.Reads(answer)
	bob.SeesRead(alice, answer)
	phone.Hears("one", "two", "three", "four")
	bob.Hears("one", "two", "three")
	bob.HearsNothing()
	bob.SeesNoReceipt()
	bob.IsRefused(chat.Invalid, "", func(ctx context.Context, a *client.API) error { return a.MarkRead(ctx, id, 0) })
}

// SeesNoReceipt says that none has come that was not named.
func (d *device) SeesNoReceipt() {
	d.s.t.Helper()
	d.line.mu.Lock()
	defer d.line.mu.Unlock()
	if more := d.line.queues[wire.Receipt]; len(more) > 0 {
		d.s.t.Fatalf("%s sees the receipt %+v", d, more[0])
	}
}

// S0.7, S3.4, S4.5: the history by frame and over HTTP, by pages in both
// directions, is the same for everybody on every node, and nobody else's.
func TestHistory(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob, mallory := s.User("alice"), s.User("bob"), s.User("mallory")
	alice.On("n1")
	bob.On("n2")
	mallory.On("n2")
	var all []Said
	for i := range 250 {
		all = append(all, alice.Shouts(bob, fmt.Sprint(i+1)))
	}
	for i := range all {
		all[i] = alice.Acked(all[i])
	}
	id := all[0].Conversation
	for _, want := range []struct {
		page     client.History
		from, to int64
	}{
		{client.History{}, 201, 250},
		{client.History{Limit: 3}, 248, 250},
		{client.History{BeforeSeq: 151, Limit: 100}, 51, 150},
		{client.History{BeforeSeq: 4}, 1, 3},
		{client.History{BeforeSeq: 100, Limit: 2}, 98, 99},
		{client.History{AfterSeq: 248}, 249, 250},
		{client.History{AfterSeq: 5, Limit: 2}, 6, 7},
		{client.History{AfterSeq: 5, BeforeSeq: 8}, 6, 7},
		{client.History{AfterSeq: 5, BeforeSeq: 6}, 1, 0},
		{client.History{AfterSeq: 250}, 1, 0},
		{client.History{BeforeSeq: 1}, 1, 0},
	} {
		for _, d := range []*device{alice.device, bob.device} {
			f, err := d.line.ask(wire.ClientFrame{Type: wire.History, ID: chat.NewID(), Conversation: id,
				BeforeSeq: want.page.BeforeSeq, AfterSeq: want.page.AfterSeq, Limit: want.page.Limit}, d.within)
			if err != nil || f.Type != wire.History {
				t.Fatalf("%+v: %v %+v", want.page, err, f)
			}
			checkPage(t, d, want.page, f.Items, want.from, want.to)
			for _, n := range s.nodes {
				page, err := n.api(d.grant.AccessToken).Messages(t.Context(), id, want.page)
				if err != nil {
					t.Fatalf("%+v: %v", want.page, err)
				}
				checkPage(t, d, want.page, page, want.from, want.to)
			}
		}
	}
	most, err := s.Node("n1").api(bob.grant.AccessToken).Messages(t.Context(), id, client.History{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	checkPage(t, bob.device, client.History{Limit: 1000}, most, 51, 250) // a limit above 200 is cut
	mallory.IsRefused(chat.NotFound, "", func(ctx context.Context, a *client.API) error {
		_, err := a.Messages(ctx, id, client.History{})
		return err
	})
	mallory.IsRefused(chat.NotFound, "", func(ctx context.Context, a *client.API) error { return a.MarkRead(ctx, id, 1) })
	mallory.asksInVain(wire.ClientFrame{Type: wire.History, ID: "h", Conversation: id}, chat.NotFound)
	mallory.asksInVain(wire.ClientFrame{Type: wire.Read, ID: "r", Conversation: id, Seq: 1}, chat.NotFound)
	mallory.asksInVain(wire.ClientFrame{Type: wire.Send, ID: "s", To: &wire.Target{Conversation: id}, Message: &wire.Draft{Kind: chat.Text, Text: "x"}}, chat.NotFound)
	mallory.HearsNothing()
}

func checkPage(t *testing.T, d *device, asked client.History, page []wire.MessageBody, from, to int64) {
	t.Helper()
	if len(page) != int(to-from+1) {
		t.Fatalf("%s, %+v: %d messages, want %d", d, asked, len(page), to-from+1)
	}
	for i, m := range page {
		own := d.user.name == "alice" // who said all of it
		if m.Seq != from+int64(i) || m.Text != fmt.Sprint(m.Seq) || m.From.Username != "alice" || own != (m.ClientID != "") {
			t.Fatalf("%s, %+v: %+v in place %d", d, asked, m, i)
		}
	}
}

// asksInVain sends a frame and expects it to be refused.
func (d *device) asksInVain(f wire.ClientFrame, code chat.Kind) {
	d.s.t.Helper()
	if reply, err := d.line.ask(f, d.within); err != nil || reply.Type != wire.Error || reply.Code != code {
		d.fail("asked with %+v: %v %+v, want %s", f, err, reply, code)
	}
}

// S4.9: one conversation of two people, whoever begins it and wherever, also
// when all do at the same time; and messages over HTTP are like any other.
func TestOneConversationOfTwo(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob := s.User("alice"), s.User("bob")
	alice.On("n1")
	bob.On("n2")
	phone := alice.Device("phone", chat.IOS).On("n2")
	var mu sync.Mutex
	ids := map[chat.ConversationID]bool{}
	var all sync.WaitGroup
	for i := range 8 {
		from, to := alice, bob
		if i%2 == 1 {
			from, to = bob, alice
		}
		all.Go(func() {
			ctx, cancel := from.deadline()
			defer cancel()
			c, err := s.nodes[i/2%2].api(from.grant.AccessToken).OpenDirect(ctx, to.ID)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			ids[c.ID] = true
		})
	}
	all.Wait()
	if len(ids) != 1 {
		t.Fatalf("two people have the conversations %v", ids)
	}
	said := alice.Says(bob, "by frame")
	if !ids[said.Conversation] {
		t.Fatalf("what is said goes to %s, not to %v", said.Conversation, ids)
	}
	post := func() (ack client.Ack) {
		phone.does(func(ctx context.Context, a *client.API) (err error) {
			ack, err = a.PostMessage(ctx, said.Conversation, "by hand", chat.Draft{Kind: chat.Text, Text: "over HTTP 😀"})
			return err
		})
		return ack
	}
	if first, again := post(), post(); first.Seq != 2 || again.Seq != 2 {
		t.Errorf("the message has seqs %d and %d, want 2 twice", first.Seq, again.Seq)
	}
	phone.IsRefused(chat.Conflict, "", func(ctx context.Context, a *client.API) error {
		_, err := a.PostMessage(ctx, said.Conversation, "by hand", chat.Draft{Kind: chat.Text, Text: "something else"})
		return err
	})
	bob.Hears("by frame", "over HTTP 😀")
	alice.Hears("over HTTP 😀")
	phone.Hears("by frame")
	phone.HearsNothing() // the device that sent it has the answer
	bob.HearsNothing()
}

// S0.9, S1.5: what people write arrives as they wrote it, and in whatever kind.
func TestWhatIsSaidArrivesAsItIs(t *testing.T) {
	t.Parallel()
	s := newStory(t, nodes(1))
	alice, bob := s.User("alice"), s.User("bob")
	alice.On("n1")
	bob.On("n1")
	texts := []string{
		"你好, 世界! 👩‍👩‍👧‍👦 🏳️‍🌈", "<script>alert(1)</script> & \"quotes\" \\ / \u2028\u2029", " leading and trailing ",
		"line\nline\r\n\ttab", "nul \x00 and bell \a", strings.Repeat("界", chat.MaxText), "\u202eright to left", "'; DROP TABLE messages; --",
	}
	for _, text := range texts {
		alice.Says(bob, text)
	}
	bob.Hears(texts...)
	var found []string
	bob.does(func(ctx context.Context, a *client.API) error {
		c, err := a.OpenDirect(ctx, alice.ID)
		if err != nil {
			return err
		}
		all, err := a.Messages(ctx, c.ID, client.History{})
		for _, m := range all {
			found = append(found, m.Text)
		}
		return err
	})
	if !slices.Equal(found, texts) {
		t.Errorf("the history has %q", found)
	}
	for _, d := range []wire.Draft{
		{Kind: chat.Sticker, Media: "wave"},
		{Kind: chat.Text, Text: "an answer", ReplyTo: 1, Mentions: []chat.UserID{bob.ID}},
	} {
		f, err := alice.line.ask(wire.ClientFrame{Type: wire.Send, ID: chat.NewID(), To: &wire.Target{User: bob.ID}, Message: &d}, soon)
		if err != nil || f.Type != wire.Ack {
			t.Fatalf("%+v: %v %+v", d, err, f)
		}
		got, err := bob.line.next(wire.Message, soon)
		if err != nil || got.Kind != d.Kind || got.Media != d.Media || got.ReplyTo != d.ReplyTo || !slices.Equal(got.Mentions, d.Mentions) {
			t.Fatalf("%+v arrived as %+v, %v", d, got, err)
		}
	}
}
