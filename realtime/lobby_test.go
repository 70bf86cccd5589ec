package realtime

import (
	"slices"
	"sync"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/realtime/cluster"
)

// held collects the lobby's messages on their way to a node instead of letting
// them pass.
type held struct {
	mu   sync.Mutex
	list []cluster.Logged
}

func (p *peer) holdLobby() *held {
	h := &held{}
	p.lose(func(e *cluster.Envelope) bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.list = append(h.list, e.Logged...)
		return len(e.Logged) == 0
	})
	return h
}

// await returns what was held when it is so many.
func (h *held) await(t *testing.T, count int) []cluster.Logged {
	t.Helper()
	eventually(t, "the lobby's messages", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return len(h.list) == count
	})
	return h.list
}

// Two nodes may publish what they committed in another order than that of the
// seqs. The sockets of a node are shown it in order, once.
func TestLobbyIsShownInOrder(t *testing.T) {
	onEachRedis(t, func(w *world) {
		n1, n2, n3 := w.node("n1"), w.node("n2"), w.node("n3")
		_, alice := w.person(n2, "alice")
		_, carol := w.person(n3, "carol")
		_, bob := w.person(n1, "bob")
		a, c, b := alice.connect(n2, ""), carol.connect(n3, ""), bob.connect(n1, "")
		late := n1.holdLobby()
		want := numbered("", 1, 20)
		for i, text := range want {
			if i%2 == 0 {
				w.say(a, lobbyTarget, text)
			} else {
				w.say(c, lobbyTarget, text)
			}
		}
		list := late.await(w.t, len(want))
		n1.lose(nil)
		for _, i := range []int{3, 1, 2, 0, 0, 7, 6, 5, 4, 19, 9, 8, 3} {
			n1.Node.Deliver(&cluster.Envelope{Logged: list[i : i+1]})
		}
		b.hears(want...) // those that never came are read
		if !slices.Equal(b.texts(), want) {
			w.t.Errorf("shown %q", b.texts())
		}
	})
}

// However many wait for what precedes them, that is taken when it comes.
func TestLobbyTakesTheNextHoweverManyWait(t *testing.T) {
	w := newWorld(t, false)
	n := w.node("n1")
	logged := func(seq int64) *cluster.Logged {
		return &cluster.Logged{Entry: cluster.Entry{Conversation: chat.Lobby, Seq: seq, Body: []byte(`{"text":""}`)}}
	}
	for i := range int64(lobbyWaiting) + 10 {
		n.lobby.take(logged(1000 + i))
	}
	n.lobby.take(logged(1))
	n.lobby.take(logged(2))
	if at := n.lobby.head(); at != 2 {
		t.Errorf("the lobby is at %d", at)
	}
	if len(n.lobby.waiting) > lobbyWaiting {
		t.Errorf("%d wait", len(n.lobby.waiting))
	}
}

// A hole is filled whatever its size.
func TestLobbyFillsLargeHoles(t *testing.T) {
	w := newWorld(t, false)
	n1, n2 := w.node("n1"), w.node("n2")
	_, alice := w.person(n2, "alice")
	_, bob := w.person(n1, "bob")
	a, b := alice.connect(n2, ""), bob.connect(n1, "")
	late := n1.holdLobby()
	want := numbered("", 1, 4*pageSize)
	for _, text := range want {
		w.sayAs(a, lobbyTarget, text)
	}
	list := late.await(t, len(want))
	n1.Node.Deliver(&cluster.Envelope{Logged: list[len(list)-1:]})
	n1.lobby.fillHole(t.Context())
	if at := n1.lobby.head(); at != int64(len(want)) {
		t.Errorf("the lobby is at %d of %d", at, len(want))
	}
	b.hears(want...)
	if !slices.Equal(b.texts(), want) {
		t.Error("out of order")
	}
}
