package main_test

import (
	"context"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// S0.6: what is said on one node is heard on another, and by nobody else.
func TestMessagesCrossNodes(t *testing.T) { t.Parallel(); messagesCrossNodes(t) }

func messagesCrossNodes(t *testing.T, options ...storyOption) {
	s := newStory(t, options...)
	alice, bob, carol := s.User("alice"), s.User("bob"), s.User("carol")
	bob.On("n2")
	carol.On("n1")
	phone := alice.Device("phone", chat.IOS).On("n2")
	first := alice.On("n1").Says(bob, "hi")
	alice.Says(bob, "there")
	bob.Hears("hi", "there")
	phone.Hears("hi", "there") // the sender's other devices are recipients like any other
	answer := bob.Says(alice, "hello")
	alice.Hears("hello")
	phone.Hears("hello")
	alice.HearsNothing()
	bob.HearsNothing()
	carol.HearsNothing()
	alice.FindsInHistory(first.Conversation, "hi", "there", "hello")
	alice.Reads(answer)
	bob.SeesRead(alice, answer)
}

// S0.7, promise 4: what was missed comes at the next connection, to any node.
func TestMissedMessagesComeAtTheNextConnection(t *testing.T) { t.Parallel(); missedMessagesCome(t) }

func missedMessagesCome(t *testing.T, options ...storyOption) {
	s := newStory(t, options...)
	alice, bob := s.User("alice"), s.User("bob")
	alice.On("n1").Says(bob, "before")
	bob.On("n2").Hears("before")
	bob.Leaves()
	alice.Says(bob, "one")
	alice.Says(bob, "two")
	bob.Returns("n1").Synced(2, wire.SourceQueue)
	bob.Hears("one", "two")
	bob.Vanishes()
	bob.Returns("n2").Synced(0, "")
	bob.HearsNothing()
	bob.Leaves()
	bob.Forgets().Returns("n1").Synced(3, "") // nothing was ever reported as received
	bob.Hears("before", "one", "two")
}

// Promise 2: a repeated send is kept once, and another body is a conflict.
func TestRepeatedSendIsKeptOnce(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob := s.User("alice"), s.User("bob")
	bob.On("n1")
	said := alice.On("n1").Says(bob, "once")
	alice.Leaves()
	alice.Returns("n2").SaysAgain(said)
	alice.MayNotReuse(said, "something else")
	alice.MayNotSay(bob, "", chat.Invalid) // S1.7
	bob.Hears("once")
	bob.HearsNothing()
}

// S2.8, promise 6: signing in elsewhere displaces one device, and no other.
func TestSigningInElsewhereDisplaces(t *testing.T) { t.Parallel(); signingInDisplaces(t) }

func signingInDisplaces(t *testing.T, options ...storyOption) {
	s := newStory(t, append(options, policy(chat.Single))...)
	alice, bob := s.User("alice"), s.User("bob")
	alice.On("n1")
	bob.On("n1")
	phone := alice.Device("phone", chat.IOS)
	alice.IsKicked(chat.SignedInElsewhere).ClosedWith(wire.CloseKicked)
	phone.On("n2")
	alice.Tries("n2").IsKicked(chat.SignedInElsewhere).ClosedWith(wire.CloseKicked)
	alice.IsRefused(chat.SessionEnded, chat.SignedInElsewhere, func(ctx context.Context, a *client.API) error {
		_, err := a.Me(ctx)
		return err
	})
	phone.StaysOn()
	bob.StaysOn()
	bob.Says(alice, "still there?")
	phone.Hears("still there?")
}

// Promise 6: the same device again takes over, and a late close changes nothing.
func TestTheSameDeviceTakesOver(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob := s.User("alice"), s.User("bob")
	alice.On("n1")
	bob.On("n1")
	old := alice.TakesOver("n2")
	old.IsKicked(chat.Replaced).ClosedWith(wire.CloseReplaced)
	alice.StaysOn()
	bob.Watches(alice).SeesOnline(alice)
	bob.Says(alice, "hi")
	alice.Hears("hi")
	alice.SignsOut()
	alice.IsKicked(chat.SignedOut).ClosedWith(wire.CloseKicked)
}

// Promise 1: the node of either side may be killed.
func TestAKilledNodeLosesNothing(t *testing.T) { t.Parallel(); killedNodeLosesNothing(t) }

func killedNodeLosesNothing(t *testing.T, options ...storyOption) {
	s := newStory(t, options...)
	alice, bob := s.User("alice"), s.User("bob")
	bob.On("n2")
	alice.On("n1").Says(bob, "one")
	bob.Hears("one")
	s.Node("n2").Kill()
	alice.Says(bob, "two")
	bob.Returns("n1").Hears("two")
	s.Node("n2").Start()
	bob.Leaves()
	bob.Returns("n2")
	sent := alice.Shouts(bob, "three")
	s.Node("n1").Kill()
	alice.Returns("n2").SaysAgain(sent)
	bob.Hears("three")
	bob.HearsNothing()
}

// Promise 5: a killed node's users are shown offline within 15 s.
func TestAKilledNodesUsersAreOffline(t *testing.T) { t.Parallel(); killedNodesUsersAreOffline(t) }

func killedNodesUsersAreOffline(t *testing.T, options ...storyOption) {
	s := newStory(t, append(options, setting("TIELINE_OFFLINE_GRACE", "1s"))...)
	alice, bob := s.User("alice"), s.User("bob")
	bob.On("n2")
	alice.On("n1").Watches(bob).SeesOnline(bob)
	bob.Leaves()
	alice.Within(3 * time.Second).SeesOffline(bob)
	bob.Returns("n2")
	alice.SeesOnline(bob)
	s.Node("n2").Kill()
	alice.Within(15 * time.Second).SeesOffline(bob)
}

// Promise 1: Redis may lose everything.
func TestEmptiedRedisLosesNothing(t *testing.T) { t.Parallel(); emptiedRedisLosesNothing(t) }

func emptiedRedisLosesNothing(t *testing.T, options ...storyOption) {
	s := newStory(t, options...)
	alice, bob, carol := s.User("alice"), s.User("bob"), s.User("carol")
	bob.On("n2")
	carol.On("n2")
	carol.Leaves()
	alice.On("n1").Says(carol, "kept")
	s.Redis.Flush()
	alice.Says(bob, "after")
	bob.Hears("after")
	carol.Returns("n1").Hears("kept")
	bob.HearsNothing()
}

// Promise 8: without Redis what is sent is kept and arrives, more slowly.
func TestSendingGoesOnWithoutRedis(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob := s.User("alice"), s.User("bob")
	bob.On("n2")
	alice.On("n1").Says(bob, "with")
	bob.Hears("with")
	s.Redis.Kill()
	said := alice.Within(2*time.Second).Says(bob, "without")
	if said.Live {
		t.Error("the ack says that it is live")
	}
	bob.Hears("without")
	s.Redis.Start()
	alice.Says(bob, "with again")
	bob.Hears("with again")
	bob.HearsNothing()
}

// S2.10: a drained node hands its sockets over.
func TestADrainingNodeHandsOver(t *testing.T) {
	t.Parallel()
	s := newStory(t, setting("TIELINE_DRAIN", "3s"))
	alice, bob := s.User("alice"), s.User("bob")
	alice.On("n1")
	bob.On("n2")
	s.Node("n1").Drain()
	alice.IsDrained().ClosedWith(wire.CloseGoingAway)
	bob.Says(alice, "where are you?")
	alice.Returns("n2").Hears("where are you?")
	s.Node("n1").Gone()
}

// S2.7, promise 6: a disabled account is off every node at once, and told why at
// each attempt to come back.
func TestADisabledAccountIsOff(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob := s.User("alice"), s.User("bob")
	alice.On("n1")
	bob.On("n1")
	phone := bob.Device("phone", chat.IOS).On("n2")
	s.Tieline("", "user", "disable", "bob")
	bob.Within(time.Second).IsKicked(chat.Disabled).ClosedWith(wire.CloseDisabled)
	phone.Within(time.Second).IsKicked(chat.Disabled).ClosedWith(wire.CloseDisabled)
	bob.Tries("n2").ClosedWith(wire.CloseDisabled)
	alice.StaysOn()
}

// Promise 6: whoever changes the password stays, everybody else goes.
func TestAChangedPasswordSignsOthersOut(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice := s.User("alice")
	phone := alice.Device("phone", chat.IOS).On("n2")
	tablet := alice.Device("tablet", chat.Android).On("n1")
	alice.On("n1").Removes(tablet)
	tablet.IsKicked(chat.DeviceRemoved).ClosedWith(wire.CloseKicked)
	phone.StaysOn()
	alice.ChangesPassword("another password")
	phone.IsKicked(chat.PasswordChanged).ClosedWith(wire.CloseKicked)
	alice.StaysOn()
	phone.SignsIn().On("n2").StaysOn()
}

// What is not stored: signals and typing, across nodes.
func TestSignalsAndTyping(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob := s.User("alice"), s.User("bob")
	alice.On("n1")
	bob.On("n2")
	alice.Signals(bob, map[string]any{"offer": "sdp"})
	bob.HearsSignal(alice, map[string]any{"offer": "sdp"})
	alice.Types(bob, true)
	bob.SeesTyping(alice, true)
	alice.Types(bob, false)
	bob.SeesTyping(alice, false)
	bob.HearsNothing()
}

// S1.5, S4.7: everybody hears what is said in the lobby.
func TestTheLobby(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob, carol := s.User("alice"), s.User("bob"), s.User("carol")
	alice.On("n1")
	bob.On("n2")
	carol.On("n2")
	carol.Leaves()
	alice.Says(lobby, "good morning")
	bob.Hears("good morning")
	bob.Says(lobby, "same to you")
	alice.Hears("same to you")
	carol.Returns("n1").Hears("good morning", "same to you")
	carol.FindsInHistory(chat.Lobby, "good morning", "same to you")
}
