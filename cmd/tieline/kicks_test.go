package main_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// IsOut says that a device was signed out for a reason, wherever it asks: it is
// told so at each attempt to connect, to any node, its access token is known for
// what it is by every node, and its refresh token is dead.
func (d *device) IsOut(reason chat.Reason) {
	d.s.t.Helper()
	for range 2 {
		for _, n := range d.s.running() {
			d.Tries(n.id).IsKicked(reason).ClosedWith(wire.CloseKicked)
		}
	}
	for _, n := range d.s.running() {
		a := n.Asks("GET", "/api/v1/me", d.grant.AccessToken, "")
		if a.is(d.s, 401, chat.SessionEnded); a.Reason != reason {
			d.s.t.Fatalf("%s is told that its session ended by %q, want %q", d, a.Reason, reason)
		}
	}
	d.IsRefused(chat.SessionEnded, reason, func(ctx context.Context, a *client.API) error {
		_, err := a.Refresh(ctx, d.grant.RefreshToken)
		return err
	})
}

// S2.8, S0.8, promise 6: one device a platform, on any mix of nodes; the
// displaced one is told, the others notice nothing.
func TestOneDeviceAPlatform(t *testing.T) {
	t.Parallel()
	s := newStory(t, policy(chat.PerPlatform))
	alice, bob := s.User("alice"), s.User("bob")
	alice.On("n1")
	bob.On("n2")
	phone := alice.Device("phone", chat.IOS).On("n2")
	tablet := alice.Device("tablet", chat.Android).On("n1")
	phone2 := alice.Device("phone2", chat.IOS)
	phone.IsKicked(chat.SignedInElsewhere).ClosedWith(wire.CloseKicked)
	phone2.On("n1")
	phone.IsOut(chat.SignedInElsewhere)
	for _, d := range []*device{alice.device, bob.device, tablet, phone2} {
		d.StaysOn()
	}
	bob.Says(alice, "who is there?")
	for _, d := range []*device{alice.device, tablet, phone2} {
		d.Hears("who is there?")
	}
	phone.SignsIn().On("n2") // signing in is what displaces, and what lets in again
	phone2.IsKicked(chat.SignedInElsewhere).ClosedWith(wire.CloseKicked)
	phone2.IsOut(chat.SignedInElsewhere)
	phone.Hears("who is there?")
	phone.StaysOn()
}

// S2.8, promise 6: a device that was displaced while it was away is told at each
// attempt to come back, also after Redis has forgotten everything.
func TestDisplacedWhileAway(t *testing.T) {
	t.Parallel()
	s := newStory(t, policy(chat.Single))
	alice := s.User("alice")
	alice.On("n1").Leaves()
	phone := alice.Device("phone", chat.IOS)
	alice.IsOut(chat.SignedInElsewhere)
	phone.On("n2")
	alice.IsOut(chat.SignedInElsewhere)
	s.Redis.Flush()
	alice.IsOut(chat.SignedInElsewhere)
	phone.StaysOn()
	alice.SignsIn().On("n1")
	phone.IsKicked(chat.SignedInElsewhere).ClosedWith(wire.CloseKicked)
	phone.IsOut(chat.SignedInElsewhere)
	alice.StaysOn()
}

// S0.8: so many devices, and then the one whose sign-in is the oldest goes,
// whenever it connected.
func TestTheOldestDeviceMakesRoom(t *testing.T) {
	t.Parallel()
	s := newStory(t, setting("TIELINE_MAX_DEVICES", "2"))
	alice := s.User("alice")
	phone := alice.Device("phone", chat.IOS).On("n1")
	alice.On("n2")
	phone.StaysOn()
	tablet := alice.Device("tablet", chat.IOS)
	alice.IsKicked(chat.SignedInElsewhere).ClosedWith(wire.CloseKicked)
	tablet.On("n1")
	phone.StaysOn()
	phone.SignsIn() // again: now the tablet's is the oldest
	phone.Returns("n2")
	alice.SignsIn().On("n1")
	tablet.IsKicked(chat.SignedInElsewhere).ClosedWith(wire.CloseKicked)
	tablet.IsOut(chat.SignedInElsewhere)
	phone.StaysOn()
	alice.StaysOn()
}

// S2.8, promise 6: a device that signs in again is itself, with a new session;
// the old one is over, and its tokens with it, and is told the same everywhere.
func TestTheSameDeviceSignsInAgain(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob := s.User("alice"), s.User("bob")
	alice.On("n1")
	bob.On("n1").Says(alice, "before")
	alice.Hears("before")
	before := alice.grant
	alice.SignsIn()
	alice.IsKicked(chat.Replaced).ClosedWith(wire.CloseReplaced)
	for _, n := range s.nodes {
		n.Knock().Header("Authorization", "Bearer "+before.AccessToken).dialKicked(chat.SignedOut)
		a := n.Asks("GET", "/api/v1/me", before.AccessToken, "")
		if a.is(s, 401, chat.SessionEnded); a.Reason != chat.SignedOut {
			t.Errorf("the old token is told %q", a.Reason)
		}
	}
	alice.IsRefused(chat.TokenInvalid, "", func(ctx context.Context, a *client.API) error {
		_, err := a.Refresh(ctx, before.RefreshToken)
		return err
	})
	bob.Says(alice, "meanwhile")
	alice.Returns("n2").Synced(1, wire.SourceQueue)
	alice.Hears("meanwhile")
	alice.Refreshes()
	alice.StaysOn()
	if list := alice.devicesOf(); len(list) != 1 {
		t.Errorf("the list of devices is %+v", list)
	}
}

// S2.8, promise 6: of many sign-ins at the same time on different nodes, one
// survives: the last, and it can connect, and nobody else.
func TestSigningInAtTheSameTime(t *testing.T) {
	t.Parallel()
	s := newStory(t, policy(chat.Single))
	alice := s.User("alice")
	devices := make([]*device, 8)
	var all sync.WaitGroup
	for i := range devices {
		d := alice.place(s, chat.DeviceID(fmt.Sprint("d", i)), chat.Web)
		devices[i] = d
		all.Go(func() {
			ctx, cancel := d.deadline()
			defer cancel()
			g, err := s.nodes[i%2].api("").Login(ctx, alice.name, alice.password, &client.Place{ID: d.id, Platform: d.platform})
			if err != nil {
				t.Errorf("%s: %v", d, err)
			}
			d.grant = g
		})
	}
	all.Wait()
	var left []*device
	for _, d := range devices {
		s.keepSecret(d.grant.AccessToken, d.grant.RefreshToken)
		if a := s.nodes[0].Asks("GET", "/api/v1/me", d.grant.AccessToken, ""); a.Status == 200 {
			left = append(left, d)
		}
	}
	if len(left) != 1 {
		t.Fatalf("of %d devices %v are left", len(devices), left)
	}
	left[0].On("n1")
	for _, d := range devices {
		if d != left[0] {
			d.IsOut(chat.SignedInElsewhere)
		}
	}
	left[0].StaysOn()
	if list := left[0].devicesOf(); len(list) != 1 || list[left[0].id].ID == "" {
		t.Errorf("the list of devices is %+v", list)
	}
}

// devicesOf is the list of one's own devices, by id.
func (d *device) devicesOf() map[chat.DeviceID]client.Device {
	d.s.t.Helper()
	out := map[chat.DeviceID]client.Device{}
	d.does(func(ctx context.Context, a *client.API) error {
		list, err := a.Devices(ctx)
		for _, one := range list {
			out[one.ID] = one
		}
		return err
	})
	return out
}

// S2.10, promise 6: of many sockets of one device, opened at the same time on
// different nodes, one is left, the others are told; and it is reachable.
func TestConnectingAtTheSameTime(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob := s.User("alice"), s.User("bob")
	bob.On("n2").Watches(alice).SeesOffline(alice)
	sockets := make([]*device, 8)
	var all sync.WaitGroup
	for i := range sockets {
		n := s.nodes[i%2]
		sockets[i] = &device{place: &place{s: s, user: alice, id: alice.id, platform: alice.platform, grant: alice.grant}, within: soon}
		all.Go(func() {
			ctx, cancel := alice.deadline()
			defer cancel()
			raw, err := client.DialRaw(ctx, client.RawOptions{URL: n.URL(), Token: alice.grant.AccessToken})
			if err != nil {
				t.Errorf("%s: %v", n.id, err)
				return
			}
			sockets[i].line = openLine(sockets[i].place, n, raw)
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	alice.eventually("one socket is left", func() bool { return len(openOf(sockets)) == 1 })
	left := openOf(sockets)[0]
	for _, d := range sockets {
		alice.old = append(alice.old, d.line)
		if d != left {
			d.IsKicked(chat.Replaced).ClosedWith(wire.CloseReplaced)
		}
	}
	bob.SeesOnline(alice)
	bob.Says(alice, "hi")
	left.Hears("hi")
	left.StaysOn()
	left.eventually("the list of devices says where it is", func() bool {
		now := left.devicesOf()[alice.id]
		return now.Online && now.Node == chat.NodeID(left.line.node.id)
	})
}

func openOf(devices []*device) (open []*device) {
	for _, d := range devices {
		if d.line.open() {
			open = append(open, d)
		}
	}
	return open
}

// Promise 6, S1.6: each way to sign a device out closes the right sockets, and
// no others, within a second, whichever nodes they are on.
func TestEndsOfSessionsAreExact(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob := s.User("alice"), s.User("bob")
	bob.On("n1")
	places := []*device{alice.device}
	for i, p := range []chat.Platform{chat.IOS, chat.Android, chat.Desktop, chat.Web, chat.IOS, chat.IOS} {
		places = append(places, alice.Device(chat.DeviceID(fmt.Sprint("d", i)), p))
	}
	for i, d := range places {
		d.On(s.nodes[i%2].id)
	}
	ends := func(gone []*device, reason chat.Reason) {
		t.Helper()
		for _, d := range gone {
			d.Within(time.Second).IsKicked(reason).ClosedWith(wire.CloseKicked)
			d.IsOut(reason)
		}
		left := alice.devicesOf()
		for _, d := range places {
			if d.line.open() {
				d.StaysOn()
				now := left[d.id]
				if !now.Online || now.Node != chat.NodeID(d.line.node.id) || now.Current != (d.id == alice.id) || now.Platform != d.platform || now.LastSeen == nil {
					t.Errorf("the list has %s as %+v", d, now)
				}
				delete(left, d.id)
			}
		}
		if len(left) > 0 {
			t.Errorf("the list has besides: %+v", left)
		}
		bob.StaysOn()
	}
	alice.eventually("the nodes know each other", func() bool { return alice.devicesOf()["d0"].Online && alice.devicesOf()["d1"].Online })
	ends(nil, "")
	alice.Removes(places[1])
	ends(places[1:2], chat.DeviceRemoved)
	places[2].SignsOut()
	ends(places[2:3], chat.SignedOut)
	alice.IsRefused(chat.NotFound, "", func(ctx context.Context, a *client.API) error { return a.RemoveDevice(ctx, places[2].id) })
	alice.ChangesPassword("another password")
	ends(places[3:], chat.PasswordChanged)
	phone, tablet := places[1].SignsIn().On("n2"), places[2].SignsIn().On("n1")
	alice.does(func(ctx context.Context, a *client.API) error { return a.RemoveOtherDevices(ctx) })
	ends([]*device{phone, tablet}, chat.DeviceRemoved)
	alice.SignsOut()
	alice.Within(time.Second).IsKicked(chat.SignedOut).ClosedWith(wire.CloseKicked)
	alice.IsOut(chat.SignedOut)
	bob.StaysOn()
}
