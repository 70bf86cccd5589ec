package realtime

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tieline/tieline/pkg/wire"
)

func numbered(prefix string, from, to int) (out []string) {
	for i := from; i <= to; i++ {
		out = append(out, fmt.Sprint(prefix, i))
	}
	return out
}

// Promise 4: what was missed, and nothing else, wherever the device comes back.
func TestResumeShowsExactlyWhatWasMissed(t *testing.T) {
	onEachRedis(t, func(w *world) {
		n1, n2 := w.node("n1"), w.node("n2")
		_, alice := w.person(n1, "alice")
		bob, phone := w.person(n1, "bob")
		a, b := alice.connect(n1, ""), phone.connect(n2, "")
		for _, text := range numbered("before ", 1, 3) {
			w.say(a, bob.target(), text)
		}
		w.say(a, lobbyTarget, "lobby 1")
		b.hears("before 1", "before 2", "before 3", "lobby 1")
		last := b.offset()
		b.hangUp()
		for _, text := range numbered("while away ", 1, 3) {
			w.say(a, bob.target(), text)
		}
		w.say(a, lobbyTarget, "lobby 2")
		want := append(numbered("while away ", 1, 3), "lobby 2")

		b = phone.dial(n1, last)
		if f := b.expect(wire.Welcome); f.Offset != last || !f.Resumed {
			t := w.t
			t.Errorf("welcome starts at %q, resumed %v; the client came with %q", f.Offset, f.Resumed, last)
		}
		if f := b.expect(wire.Synced); f.Count != 4 || f.Source != wire.SourceQueue || !slices.Equal(b.texts(), want) {
			w.t.Fatalf("synced %s after %q", f.raw, b.texts())
		}
		b.send(wire.ClientFrame{Type: wire.Received, Offset: b.offset()})
		b.hangUp()
		w.say(a, bob.target(), "at last")
		// Without an offset: from what it reported as received.
		b = phone.dial(n2, "")
		if f := b.expect(wire.Welcome); f.Resumed {
			w.t.Errorf("resumed without an offset: %s", f.raw)
		}
		if b.expect(wire.Synced); !slices.Equal(b.texts(), []string{"at last"}) {
			w.t.Fatalf("after what was received: %q", b.texts())
		}
		b.hangUp()
		// From before: everything since, again.
		b = phone.dial(n2, last)
		if b.expect(wire.Synced); !slices.Equal(b.texts(), []string{"at last"}) {
			w.t.Fatalf("what was reported as received comes again: %q", b.texts())
		}
	})
}

// What was acknowledged before a connect is missed, not news: also of the lobby,
// whose messages this node may not have heard of yet.
func TestResumeShowsTheLobbyThatThisNodeHasNotHeardOf(t *testing.T) {
	onEachRedis(t, func(w *world) {
		n1, n2 := w.node("n1"), w.node("n2")
		_, alice := w.person(n2, "alice")
		_, bob := w.person(n2, "bob")
		a, b := alice.connect(n2, ""), bob.connect(n2, "")
		last := b.offset()
		b.hangUp()
		n1.lose(messages)
		w.say(a, lobbyTarget, "first")
		w.say(a, lobbyTarget, "second")
		b = bob.dial(n1, last)
		if f := b.expect(wire.Synced); f.Count != 2 || !slices.Equal(b.texts(), []string{"first", "second"}) {
			w.t.Fatalf("synced %s after %q", f.raw, b.texts())
		}
		n1.lose(nil)
		w.say(a, lobbyTarget, "third")
		b.hears("third")
		if got := b.texts(); !slices.Equal(got, []string{"first", "second", "third"}) {
			w.t.Fatalf("heard %q", got)
		}
	})
}

// A new device begins at its signing in, also when Redis did not hear of that.
func TestANewDeviceBeginsAtItsSigningIn(t *testing.T) {
	onEachRedis(t, func(w *world) {
		n := w.node("n1")
		_, alice := w.person(n, "alice")
		bob, _ := w.person(n, "bob")
		a := alice.connect(n, "")
		w.say(a, bob.target(), "old")
		w.say(a, lobbyTarget, "old, in the lobby")
		w.sql("UPDATE messages SET at = datetime(at, '-1 hour')")
		w.sql("UPDATE conversations SET last_at = datetime(last_at, '-1 hour')")
		known, unknown := bob.signIn(n, "known"), bob.signIn(nil, "unknown")
		w.say(a, lobbyTarget, "new, in the lobby")
		w.say(a, bob.target(), "new")
		w.say(a, lobbyTarget, "newer, in the lobby")
		want := []string{"new", "new, in the lobby", "newer, in the lobby"}
		for _, d := range []at{known, unknown} {
			if s := d.connect(n, ""); !slices.Equal(s.texts(), want) {
				w.t.Errorf("the device %s was shown %q", d.ID, s.texts())
			}
		}
	})
}
