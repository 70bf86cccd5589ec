package storetest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/store"
)

// world is a database with a few people in it.
type world struct {
	*store.Accounts
	t   *testing.T
	ctx context.Context
}

// inEach runs a test in a new world of each dialect.
func inEach(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	Each(t, func(t *testing.T, db *store.DB) {
		test(t, &world{store.NewAccounts(db), t, t.Context()})
	})
}

// account is somebody who has not signed up yet.
func account(name string) chat.Account {
	return chat.Account{
		User:        chat.User{ID: chat.UserID(chat.NewID()), Username: name, Nickname: name, Sex: "unknown", CreatedAt: time.Now()},
		UsernameKey: name, NicknameKey: name, PasswordHash: "hash of " + name,
	}
}

func device(user chat.UserID, id string, p chat.Platform) chat.Device {
	return chat.Device{User: user, ID: chat.DeviceID(id), Platform: p, Name: id}
}

func refresh(secret string) chat.Refresh {
	sum := sha256.Sum256([]byte(secret))
	return chat.Refresh{Hash: sum[:], Expires: time.Now().Add(time.Hour)}
}

// signUp makes a user with a first device "first" on the web.
func (w *world) signUp(name string) chat.User {
	w.t.Helper()
	a := account(name)
	in, err := w.Create(w.ctx, chat.SignUp{Account: a, Device: device(a.ID, "first", chat.Web), Refresh: refresh(name)})
	if err != nil {
		w.t.Fatal(err)
	}
	if in.Device.Login != 1 || in.Device.User != a.ID || in.Device.CreatedAt.IsZero() {
		w.t.Fatalf("first device: %+v", in.Device)
	}
	return a.User
}

// signIn signs a device in under a policy.
func (w *world) signIn(u chat.User, id string, p chat.Platform, policy chat.Policy, most int) chat.SignedIn {
	w.t.Helper()
	out, err := w.SignIn(w.ctx, chat.SignIn{
		Device: device(u.ID, id, p), Refresh: refresh(id), Policy: policy, MaxDevices: most, Verified: "hash of " + u.Username,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// open returns the ids of the devices somebody is signed in on, latest first.
func (w *world) open(u chat.User) string {
	w.t.Helper()
	list, err := w.List(w.ctx, u.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return ids(list)
}

func ids(list []chat.Device) string {
	out := make([]chat.DeviceID, len(list))
	for i, d := range list {
		out[i] = d.ID
	}
	return fmt.Sprint(out)
}

// wants fails the test unless an error is of a kind ("": none).
func wants(t *testing.T, err error, kind chat.Kind) {
	t.Helper()
	if got := chat.KindOf(err); got != kind {
		t.Fatalf("want %q, have %q: %v", kind, got, err)
	}
}
