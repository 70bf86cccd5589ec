package main_test

import (
	"context"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// Promise 5: a node that was killed and is there again under its old name has
// none of the sockets that it had.
func TestARestartedNodeHasNoGhosts(t *testing.T) {
	t.Parallel()
	s := newStory(t, setting("TIELINE_OFFLINE_GRACE", "1s"))
	alice, bob := s.User("alice"), s.User("bob")
	bob.On("n2")
	phone := bob.Device("phone", chat.IOS).On("n1")
	alice.On("n1").Watches(bob).SeesOn(bob, chat.IOS, chat.Web)
	s.Node("n2").Kill()
	s.Node("n2").Start()
	alice.SeesOn(bob, chat.IOS)
	phone.Leaves()
	alice.SeesOffline(bob)
	bob.Returns("n2")
	alice.SeesOn(bob, chat.Web)
}

// Promise 6: a node that dies between the database and Redis leaves it to the
// others to tell whom a sign-in displaced.
func TestAKilledNodesSignInsAreTold(t *testing.T) {
	t.Parallel()
	s := newStory(t, policy(chat.Single), setting("TIELINE_OFFLINE_GRACE", "1s"))
	alice := s.User("alice")
	alice.On("n2")
	s.Redis.Pause()
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		ctx, cancel := context.WithTimeout(context.Background(), soon)
		defer cancel()
		// Nobody hears the answer, if there is one.
		client.NewAPI(client.APIOptions{URLs: []string{s.Node("n1").URL()}}).
			Login(ctx, alice.name, alice.password, &client.Place{ID: "phone", Platform: chat.IOS})
	}()
	eventually(t, soon, "the database has the sign-in", func() bool { _, in := s.signedIn(alice.ID)["phone"]; return in })
	s.Node("n1").Kill()
	s.Redis.Resume()
	<-asked
	alice.Within(15 * time.Second).IsKicked(chat.SignedInElsewhere).ClosedWith(wire.CloseKicked)
}

// Promise 5: a node that has only just started is known to the others when it
// takes the first socket; nobody is shown offline who moves there.
func TestANewNodeIsKnownAtOnce(t *testing.T) {
	t.Parallel()
	s := newStory(t, nodes(3))
	alice, bob := s.User("alice"), s.User("bob")
	s.Node("n3").Stop()
	bob.On("n2")
	alice.On("n1").Watches(bob).SeesOnline(bob)
	s.Node("n3").Start()
	bob.Leaves()
	bob.Returns("n3")
	alice.isOnline(bob, true)
	bob.Says(alice, "here")
	alice.Hears("here")
	if n := alice.wentOff(bob); n > 0 {
		t.Errorf("bob was shown offline %d times while he moved to a new node", n)
	}
}
