package realtime

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
	"github.com/tieline/tieline/realtime/cluster"
)

// A device cannot have received what it was never sent: to believe it would keep
// from it what it is to be sent.
func TestReceivedBeyondWhatWasSentIsRefused(t *testing.T) {
	onEachRedis(t, func(w *world) {
		n := w.node("n1")
		_, alice := w.person(n, "alice")
		bob, phone := w.person(n, "bob")
		a, b := alice.connect(n, ""), phone.connect(n, "")
		w.say(a, lobbyTarget, "in the lobby")
		w.say(a, bob.target(), "one")
		b.hears("one", "in the lobby")
		good := b.offset()
		for what, change := range map[string]func(*cluster.Offset){
			"position":   func(o *cluster.Offset) { o.Position++ },
			"generation": func(o *cluster.Offset) { o.Generation++ },
			"time":       func(o *cluster.Offset) { o.At += 1_000_000 },
			"lobby":      func(o *cluster.Offset) { o.SetRoom(chat.Lobby, 2) },
			"room":       func(o *cluster.Offset) { o.SetRoom("elsewhere", 1) },
		} {
			o, _ := cluster.ParseOffset(good)
			change(&o)
			b.send(wire.ClientFrame{Type: wire.Received, ID: what, Offset: o.String()})
			if f := b.expect(wire.Error); f.Re != what || f.Code != string(chat.Invalid) {
				w.t.Errorf("%s: %s", o, f.raw)
			}
		}
		b.send(wire.ClientFrame{Type: wire.Received, Offset: "nonsense"})
		b.expect(wire.Error)
		b.send(wire.ClientFrame{Type: wire.Received, Offset: good})
		b.send(wire.ClientFrame{Type: wire.Ping})
		b.expect(wire.Pong)
		b.hangUp()
		w.say(a, bob.target(), "two")
		w.say(a, lobbyTarget, "in the lobby again")
		b = phone.connect(n, "")
		if got := b.texts(); !slices.Equal(got, []string{"two", "in the lobby again"}) {
			w.t.Errorf("shown %q", got)
		}
	})
}

// An offset that this cluster never gave out costs its device nothing, and
// nobody else either.
func TestInventedOffsetsDoNoHarm(t *testing.T) {
	w := newWorld(t, false)
	n := w.node("n1")
	_, alice := w.person(n, "alice")
	bob, phone := w.person(n, "bob")
	a := alice.connect(n, "")
	w.say(a, lobbyTarget, "first")
	far := int64(1)<<53 - 1
	for i, offset := range []string{
		fmt.Sprintf("%d.%d.%d~lobby_%d", far, far, far, far),
		fmt.Sprintf("1.%d.%d~lobby_%d", far, far, far),
		fmt.Sprintf("1.1.1~lobby_1~%s_5", strings.Repeat("x", 60)),
		`1.1.1~lobby_1~"_5`,
		"1.1.1~lobby_1~\xff_5",
		"0.0.0",
	} {
		b := newSocket(t)
		b.twice = true
		phone.dialAs(n, b, offset).expect(wire.Synced)
		direct, lobby := fmt.Sprint("direct ", i), fmt.Sprint("in the lobby ", i)
		w.say(a, bob.target(), direct)
		w.say(a, lobbyTarget, lobby)
		b.hears(direct, lobby)
		if last := b.offset(); strings.Contains(last, "x") || len(last) > 80 {
			t.Errorf("given back with %q", last)
		}
		b.send(wire.ClientFrame{Type: wire.Received, Offset: b.offset()})
		b.send(wire.ClientFrame{Type: wire.Ping})
		b.expect(wire.Pong)
		for _, f := range b.frames(wire.Error) {
			if i < 3 { // the others are no offsets at all
				t.Errorf("%q: %s", offset, f.raw)
			}
		}
		b.hangUp()
	}
	if rec, err := w.users.Device(t.Context(), bob.id, "web"); err != nil {
		t.Error(err)
	} else if o, ok := cluster.ParseOffset(rec.Received); rec.Received != "" && (!ok || o.Generation > n.c.Generation()) {
		t.Errorf("the database has %q", rec.Received)
	}
}
