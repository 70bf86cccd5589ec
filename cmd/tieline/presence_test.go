package main_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// SeesOn waits until somebody watched is shown online on just these platforms.
func (d *device) SeesOn(u *User, platforms ...chat.Platform) {
	d.s.t.Helper()
	err := d.line.await(d.within, func() bool {
		now := d.line.status[u.ID]
		return now.Online == (len(platforms) > 0) && slices.Equal(now.Devices, platforms)
	})
	if err != nil {
		d.fail("does not see %s on %v: %v", u.name, platforms, err)
	}
}

// status is what the newest frame said of somebody; wentOff is how often frames
// said that they are offline.
func (d *device) status(u *User) wire.PresenceStatus {
	d.line.mu.Lock()
	defer d.line.mu.Unlock()
	return d.line.status[u.ID]
}

func (d *device) wentOff(u *User) int {
	d.line.mu.Lock()
	defer d.line.mu.Unlock()
	return d.line.wentOff[u.ID]
}

// isOnline asks every node over HTTP until each says the same of somebody.
func (d *device) isOnline(u *User, online bool) {
	d.s.t.Helper()
	for _, n := range d.s.running() {
		d.eventually("every node says online="+map[bool]string{true: "true", false: "false"}[online]+" of "+u.name, func() bool {
			ctx, cancel := d.deadline()
			defer cancel()
			now, err := n.api(d.grant.AccessToken).Presence(ctx, u.ID)
			return err == nil && now[u.ID].Online == online
		})
	}
}

// S1.4: who is online is listed, by whichever node is asked, and those who watch
// are told as people come and go, and on what.
func TestWhoIsOnline(t *testing.T) {
	t.Parallel()
	s := newStory(t, setting("TIELINE_OFFLINE_GRACE", "1s"))
	alice, bob, carol := s.User("alice"), s.User("bob"), s.User("carol")
	alice.On("n1").Watches(bob, carol)
	alice.SeesOffline(bob)
	bob.On("n2")
	alice.SeesOn(bob, chat.Web)
	phone := bob.Device("phone", chat.IOS).On("n1")
	alice.SeesOn(bob, chat.IOS, chat.Web)
	carol.On("n2")
	alice.SeesOnline(carol)
	for _, u := range []*User{alice, bob, carol} {
		alice.isOnline(u, true)
	}
	for _, n := range s.nodes {
		alice.eventually("everybody is in the list", func() bool { return len(onlineBy(n, alice.device)) == 3 })
	}
	carol.Vanishes()
	alice.Within(3 * time.Second).SeesOffline(carol)
	alice.isOnline(carol, false)
	for _, n := range s.nodes {
		alice.eventually("she is not in the list", func() bool { return !slices.Contains(onlineBy(n, alice.device), carol.ID) })
	}
	phone.Leaves()
	alice.SeesOn(bob, chat.Web)
	bob.Leaves()
	alice.Within(3 * time.Second).SeesOn(bob)
	if seen := alice.status(bob).LastSeen; seen == nil || time.Since(seen.Time) > time.Minute {
		t.Errorf("bob was last seen %v", seen)
	}
	alice.line.raw.Send(wire.ClientFrame{Type: wire.Unwatch, Users: []chat.UserID{bob.ID}})
	alice.StaysOn()
	bob.Returns("n1") // nothing to see
	carol.Returns("n1")
	alice.SeesOnline(carol)
	if alice.status(bob).Online {
		t.Error("alice is told of bob, whom she does not watch any more")
	}
}

// onlineBy pages through the list of everybody online, one at a time.
func onlineBy(n *node, as *device) (all []chat.UserID) {
	as.s.t.Helper()
	cursor := ""
	for range 10 {
		ctx, cancel := as.deadline()
		page, err := n.api(as.grant.AccessToken).Online(ctx, cursor, 1)
		cancel()
		if err != nil || len(page.Items) > 1 {
			as.s.t.Fatalf("%s: %v %+v", n.id, err, page)
		}
		for _, u := range page.Items {
			if all = append(all, u.ID); !u.Presence.Online {
				return nil // gone between the list and the look
			}
		}
		if cursor = page.Next; cursor == "" {
			if page.Total != len(all) {
				return nil // it changed on the way
			}
			return all
		}
	}
	return all
}

// S2.10, promise 5: whoever comes back within the grace time, to any node, was
// never away; of several devices one is enough.
func TestComingBackIsNotSeen(t *testing.T) {
	t.Parallel()
	s := newStory(t, setting("TIELINE_OFFLINE_GRACE", "8s"))
	alice, bob := s.User("alice"), s.User("bob")
	bob.On("n2")
	alice.On("n1").Watches(bob).SeesOnline(bob)
	alice.isOnline(bob, true) // the nodes know each other
	before := alice.wentOff(bob)
	for _, n := range []string{"n1", "n2", "n1"} {
		bob.Leaves()
		bob.Returns(n)
		bob.Vanishes()
		bob.Returns("n2")
		bob.TakesOver(n).ClosedWith(wire.CloseReplaced)
	}
	alice.isOnline(bob, true)
	bob.Leaves()
	alice.Within(10 * time.Second).SeesOffline(bob)
	if n := alice.wentOff(bob) - before; n != 1 {
		t.Errorf("bob was shown offline %d times, and went once\n%s", n, alice.line.recent())
	}
}

// S2.10, promise 6: a node that hangs while its socket's device goes on to
// another closes the old socket late, and the new one is not touched.
func TestALateCloseTakesNothingAway(t *testing.T) {
	t.Parallel()
	s := newStory(t, setting("TIELINE_OFFLINE_GRACE", "1s"))
	alice, bob := s.User("alice"), s.User("bob")
	bob.On("n2").Watches(alice)
	alice.On("n1")
	bob.SeesOnline(alice)
	s.Node("n1").Pause()
	old := alice.TakesOver("n2")
	alice.StaysOn()
	s.Node("n1").Resume()
	old.IsKicked(chat.Replaced).ClosedWith(wire.CloseReplaced)
	bob.Says(alice, "still there?")
	alice.Hears("still there?")
	alice.isOnline(alice, true)
	if list := alice.devicesOf(); list[alice.id].Node != "n2" {
		t.Errorf("the list of devices says %+v", list)
	}
	old = alice.TakesOver("n1")
	old.ClosedWith(wire.CloseReplaced)
	alice.Vanishes() // the newest of all
	bob.Within(3 * time.Second).SeesOffline(alice)
	alice.isOnline(alice, false)
}

// Promise 5: who is watched just when they go, or just as they come, is shown as
// they are in the end.
func TestWatchingWhileSomebodyMoves(t *testing.T) {
	t.Parallel()
	s := newStory(t, setting("TIELINE_OFFLINE_GRACE", "1s"))
	alice := s.User("alice")
	alice.On("n1")
	for i := range 3 {
		bob, carol := s.User(fmt.Sprint("bob", i)), s.User(fmt.Sprint("carol", i))
		bob.On("n2").Leaves()
		alice.Watches(bob, carol).SeesOnline(bob) // within the grace time
		carol.On("n2")
		alice.SeesOnline(carol)
		alice.Within(3 * time.Second).SeesOffline(bob)
		if alice.StaysOn(); !alice.status(carol).Online {
			t.Errorf("the newest word of somebody who is there is that she is not\n%s", alice.line.recent())
		}
	}
}

// Promise 5: a node that joins is known to the others at once, and one that was
// killed and starts again under its name brings nobody back.
func TestNodesThatComeAndGo(t *testing.T) {
	t.Parallel()
	s := newStory(t, nodes(1), setting("TIELINE_OFFLINE_GRACE", "1s"))
	alice, bob := s.User("alice"), s.User("bob")
	alice.On("n1").Watches(bob).SeesOffline(bob)
	n2 := &node{s: s, id: "n2", log: filepath.Join(s.dir, "n2.log")}
	s.nodes = append(s.nodes, n2)
	n2.Start()
	before := alice.wentOff(bob)
	bob.On("n2")
	alice.Within(2 * time.Second).SeesOnline(bob)
	alice.Within(2*time.Second).isOnline(bob, true)
	n2.Kill()
	n2.Start()
	alice.Within(15 * time.Second).SeesOffline(bob)
	alice.isOnline(bob, false)
	if n := alice.wentOff(bob) - before; n != 1 {
		t.Errorf("bob was shown offline %d times, and went once\n%s", n, alice.line.recent())
	}
	bob.Returns("n2")
	alice.SeesOnline(bob)
}

// S0.8, S1.4: presence shows people, and their cards say so, too.
func TestACardSaysWhoIsThere(t *testing.T) {
	t.Parallel()
	s := newStory(t, nodes(1), setting("TIELINE_OFFLINE_GRACE", "0s"))
	alice, bob := s.User("alice"), s.User("bob")
	card := func() (c struct {
		client.User
		Presence wire.PresenceStatus
	}) {
		s.Node("n1").Asks("GET", "/api/v1/users/"+string(bob.ID), alice.grant.AccessToken, "").into(s, &c)
		return c
	}
	if c := card(); c.Presence.Online || c.Username != "bob" {
		t.Errorf("the card of bob, who was never there, is %+v", c)
	}
	bob.On("n1")
	if c := card(); !c.Presence.Online || len(c.Presence.Devices) != 1 {
		t.Errorf("the card of bob, who is there, is %+v", c)
	}
	bob.Leaves()
	alice.eventually("his card says that he has gone", func() bool { c := card(); return !c.Presence.Online && c.Presence.LastSeen != nil })
	alice.IsRefused(chat.Invalid, "", func(ctx context.Context, a *client.API) error {
		_, err := a.Presence(ctx, slices.Repeat([]chat.UserID{bob.ID}, wire.MaxUsers+1)...)
		return err
	})
}
