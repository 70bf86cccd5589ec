package realtime

import (
	"context"
	"fmt"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// blocks has one person block another, or no longer, as a use-case does.
func (p *peer) blocks(user, other chat.UserID, blocked bool) {
	p.w.t.Helper()
	events, err := p.people.SetBlocked(p.w.t.Context(), user, other, blocked)
	if err == nil {
		err = p.c.TellRelated(p.w.t.Context(), []chat.Pair{{A: user, B: other}})
	}
	if err != nil {
		p.w.t.Fatal(err)
	}
	p.notifier.Tell(events)
}

// Events come to all of a person's sockets, and to those away when they come
// back, in their order among the messages, once.
func TestEventsAreQueuedLikeMessages(t *testing.T) {
	onEachRedis(t, func(w *world) {
		n1, n2 := w.node("n1"), w.node("n2")
		alice, web := w.person(n1, "alice")
		phone := alice.signIn(n1, "phone")
		bob, bobs := w.person(n1, "bob")
		here := web.connect(n1, "")
		n2.blocks(alice.id, bob.id, true)
		f := here.expect(wire.Event)
		if want := fmt.Sprintf(`{"user":{"id":%q,"username":"bob","nickname":"bob","avatar_url":""}}`, bob.id); f.Offset == "" || string(f.Data) != want {
			t.Errorf("%s", f.raw)
		}
		away := phone.connect(n2, "")
		if n := len(away.frames(wire.Event)); n != 1 {
			t.Errorf("%d events were missed", n)
		}
		n2.blocks(alice.id, bob.id, false)
		w.say(bobs.connect(n1, ""), wire.Target{User: alice.id}, "hi")
		away.expect(wire.Event)
		away.expect(wire.Message)
		away.hangUp()
		again := phone.connect(n1, f.Offset)
		if len(again.frames(wire.Event)) != 1 || len(again.frames(wire.Message)) != 1 {
			t.Errorf("behind the first event: %+v", again.frames(""))
		}
	})
}

// What Redis lost is filled in from the database, events too.
func TestEventsOutliveRedis(t *testing.T) {
	onEachRedis(t, func(w *world) {
		n1 := w.node("n1")
		alice, web := w.person(n1, "alice")
		bob, _ := w.person(n1, "bob")
		web.connect(n1, "").hangUp()
		n1.blocks(alice.id, bob.id, true)
		eventually(t, "the event is queued", func() bool {
			page, err := n1.c.ReadQueue(context.Background(), alice.id, 0, 10)
			return err == nil && len(page.Entries) == 1
		})
		w.do("FLUSHALL")
		if after := web.connect(n1, ""); len(after.frames(wire.Event)) != 1 {
			t.Errorf("%+v", after.frames(""))
		}
	})
}

// Who is blocked sees the other one as offline, whatever they do, from the block
// to its end, and is refused in signals and not in what goes without a word.
func TestWhoIsBlockedSeesNobody(t *testing.T) {
	onEachRedis(t, func(w *world) {
		n1, n2 := w.node("n1"), w.node("n2")
		alice, alices := w.person(n1, "alice")
		bob, bobs := w.person(n2, "bob")
		a, b := alices.connect(n1, ""), bobs.connect(n2, "")
		b.watch(alice.id)
		b.sees(alice.id, true)
		n1.blocks(alice.id, bob.id, true)
		if p := b.sees(alice.id, false); p.LastSeen != nil || len(p.Devices) > 0 {
			t.Errorf("%+v", p)
		}
		b.send(wire.ClientFrame{Type: wire.Signal, ID: "s", To: &wire.Target{User: alice.id}, Data: []byte("1")})
		if f := b.expect(wire.Error); f.Re != "s" || f.Code != string(chat.Blocked) {
			t.Errorf("%s", f.raw)
		}
		b.send(wire.ClientFrame{Type: wire.Typing, ID: "t", To: &wire.Target{User: alice.id}, On: true})
		b.send(wire.ClientFrame{Type: wire.Send, ID: "m", To: &wire.Target{User: alice.id}, Message: &wire.Draft{Kind: chat.Text, Text: "hi"}})
		if f := b.expect(wire.Error); f.Re != "m" || f.Code != string(chat.Blocked) {
			t.Errorf("%s", f.raw)
		}
		if len(a.frames(wire.Typing)) > 0 {
			t.Error("typing came through")
		}
		w.say(a, wire.Target{User: bob.id}, "the other way")
		n1.blocks(alice.id, bob.id, false)
		b.sees(alice.id, true)
		w.say(b, wire.Target{User: alice.id}, "again")
		a.expect(wire.Message)
	})
}
