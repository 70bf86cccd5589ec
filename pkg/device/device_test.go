package device_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/device"
	"github.com/tieline/tieline/pkg/store"
	"github.com/tieline/tieline/pkg/store/storetest"
)

// roster has these sessions open.
type roster struct {
	open []chat.Session
	err  error
}

func (r *roster) Open(context.Context, chat.UserID) ([]chat.Session, error) { return r.open, r.err }

// registry notes whom it is told of, after some failures.
type registry struct {
	failures int
	told     []string
}

func (r *registry) End(_ context.Context, ended []chat.Device) error {
	if r.failures > 0 {
		r.failures--
		return errors.New("redis is away")
	}
	for _, d := range ended {
		r.told = append(r.told, fmt.Sprint(d.ID, " ", d.EndReason, " ", d.Login))
	}
	return nil
}

// ann is somebody signed in on a laptop, a phone and a tab, in that order.
func ann(t *testing.T, db *store.DB) (*store.Accounts, chat.Identity) {
	t.Helper()
	people := store.NewAccounts(db)
	a := chat.Account{User: chat.User{ID: "ann", Username: "ann"}, UsernameKey: "ann"}
	_, err := people.Create(t.Context(), chat.SignUp{Account: a, Device: chat.Device{User: "ann", ID: "laptop", Platform: chat.Desktop}})
	for _, id := range []chat.DeviceID{"phone", "tab"} {
		if err == nil {
			_, err = people.SignIn(t.Context(), chat.SignIn{Device: chat.Device{User: "ann", ID: id, Platform: chat.IOS}, MaxDevices: 10})
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return people, chat.Identity{User: "ann", Device: "phone", Login: 2}
}

func TestList(t *testing.T) {
	people, id := ann(t, storetest.SQLite(t))
	open := &roster{open: []chat.Session{{User: "ann", Device: "laptop", Node: "n1"}, {User: "ann", Device: "unheard of", Node: "n2"}}}
	list, err := device.New(people, open, &registry{}).List(t.Context(), id)
	if err != nil || len(list) != 3 {
		t.Fatal(list, err)
	}
	var got []string
	for _, d := range list {
		got = append(got, fmt.Sprint(d.ID, " ", d.Online, " ", d.Node, " ", d.Current))
	}
	if want := "tab false  false, phone false  true, laptop true n1 false"; strings.Join(got, ", ") != want {
		t.Errorf("have %q, want %q", got, want)
	}
	if l := list[2]; !l.LastSeen.After(l.CreatedAt) {
		t.Errorf("online, but last seen %v", l.LastSeen)
	}
	open.err = chat.E("roster", chat.Unavailable, nil)
	if _, err := device.New(people, open, &registry{}).List(t.Context(), id); chat.KindOf(err) != chat.Unavailable {
		t.Error(err)
	}
}

func TestEnding(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		people, id := ann(t, db)
		reg := &registry{failures: 2}
		d := device.New(people, &roster{}, reg)
		tell := func(want string) {
			t.Helper()
			if got := strings.Join(reg.told, ", "); got != want {
				t.Errorf("told of %q, want %q", got, want)
			}
			reg.told = nil
		}
		if err := d.End(t.Context(), "ann", "tab", chat.DeviceRemoved); err != nil {
			t.Fatal(err)
		}
		tell("tab device_removed 3")
		for _, gone := range []chat.DeviceID{"tab", "never", "", "\x00é"} {
			if err := d.End(t.Context(), "ann", gone, chat.DeviceRemoved); chat.KindOf(err) != chat.NotFound {
				t.Errorf("%q: %v", gone, err)
			}
		}
		if err := d.End(t.Context(), "nobody", "tab", chat.DeviceRemoved); chat.KindOf(err) != chat.NotFound {
			t.Error(err)
		}
		if err := d.EndOthers(t.Context(), id, chat.DeviceRemoved); err != nil {
			t.Fatal(err)
		}
		tell("laptop device_removed 1")
		if err := d.EndAll(t.Context(), "ann", chat.ByAdmin); err != nil {
			t.Fatal(err)
		}
		tell("phone by_admin 2")
		if err := d.EndAll(t.Context(), "ann", chat.ByAdmin); err != nil {
			t.Error(err)
		}
		tell("")
	})
}

// A caller who goes away at once has ended the device all the same.
func TestACallerWhoGoesAway(t *testing.T) {
	people, _ := ann(t, storetest.SQLite(t))
	ctx, cancel := context.WithCancel(t.Context())
	reg := &registry{}
	d := device.New(leaving{people, cancel}, &roster{}, reg)
	if err := d.End(ctx, "ann", "tab", chat.DeviceRemoved); err != nil || len(reg.told) != 1 {
		t.Error(reg.told, err)
	}
}

// leaving is a directory whose caller goes away once it has committed.
type leaving struct {
	*store.Accounts
	cancel func()
}

func (l leaving) EndDevice(ctx context.Context, user chat.UserID, id chat.DeviceID, login int64, why chat.Reason) ([]chat.Device, error) {
	defer l.cancel()
	return l.Accounts.EndDevice(ctx, user, id, login, why)
}
