package main_test

import (
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// S4.7, S1.5: what is said to everybody comes with the name of who said it and
// the time; a newcomer finds what was said before in the history.
func TestTheLobbySaysWhoAndWhen(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob := s.User("alice"), s.User("bob")
	alice.On("n1")
	bob.On("n2")
	before := time.Now().Add(-time.Second)
	said := alice.Says(lobby, "good morning")
	f, err := bob.line.next(wire.Message, soon)
	from, _ := f.From.(map[string]any)
	if err != nil || f.Text != "good morning" || f.Seq != said.Seq || f.Conversation != chat.Lobby || f.To.Room != chat.Lobby || f.ClientID != "" ||
		from["username"] != "alice" || from["nickname"] != "alice" || f.At.Before(before) || f.At.After(time.Now().Add(time.Second)) {
		t.Errorf("bob hears %+v, %v", f, err)
	}
	carol := s.User("carol")
	carol.On("n1").Synced(0, "")
	carol.FindsInHistory(chat.Lobby, "good morning")
	if c := carol.conversation(chat.Lobby); c.Kind != "room" || c.LastSeq != 1 || c.LastMessage == nil || c.LastMessage.From.Username != "alice" {
		t.Errorf("carol's list has the lobby as %+v", c)
	}
	carol.Says(bob, "between you and me") // S1.5: and nobody else hears it
	bob.Hears("between you and me")
	alice.HearsNothing()
	bob.Signals(lobby, "a wave")
	alice.HearsSignal(bob, "a wave")
	carol.HearsSignal(bob, "a wave")
	bob.Types(lobby, true)
	alice.SeesTyping(bob, true)
	alice.Leaves()
	bob.Says(lobby, "one")
	carol.Says(lobby, "two")
	alice.Returns("n2").Synced(2, "")
	alice.Hears("one", "two")
}

// Promise 1, 3: the lobby over a Redis that forgets and a node that dies.
func TestTheLobbyLosesNothing(t *testing.T) { t.Parallel(); lobbyLosesNothing(t) }

func lobbyLosesNothing(t *testing.T, options ...storyOption) {
	s := newStory(t, options...)
	alice, bob, carol := s.User("alice"), s.User("bob"), s.User("carol")
	alice.On("n1")
	bob.On("n2")
	carol.On("n2")
	carol.Leaves()
	alice.Says(lobby, "one")
	s.Redis.Flush()
	alice.Says(lobby, "two")
	bob.Hears("one", "two")
	s.Node("n2").Kill()
	alice.Says(lobby, "three")
	bob.ReturnsWhenItMay("n1").Hears("three")
	carol.ReturnsWhenItMay("n1").Hears("one", "two", "three")
	s.Node("n2").Start()
	bob.Leaves()
	bob.Returns("n2")
	alice.Says(lobby, "four")
	bob.Hears("four")
	bob.FindsInHistory(chat.Lobby, "one", "two", "three", "four")
	bob.HearsNothing()
}
