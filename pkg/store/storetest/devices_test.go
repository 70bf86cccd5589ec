package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

func TestPoliciesDisplaceWhoTheySay(t *testing.T) {
	inEach(t, func(t *testing.T, w *world) {
		multi := w.signUp("multi")
		w.signIn(multi, "b", chat.Web, chat.Multi, 3)
		w.signIn(multi, "c", chat.Web, chat.Multi, 3)
		if out := w.signIn(multi, "d", chat.Web, chat.Multi, 3); ids(out.Ended) != "[first]" || out.Ended[0].EndReason != chat.SignedInElsewhere || out.Device.Login != 4 {
			t.Errorf("multi: %+v", out)
		}
		if out := w.signIn(multi, "c", chat.Web, chat.Multi, 3); len(out.Ended) != 0 || out.Device.Login != 5 { // again: nobody has to go
			t.Errorf("multi, again: %+v", out)
		}
		if out := w.signIn(multi, "e", chat.Web, chat.Multi, 3); ids(out.Ended) != "[b]" { // c is no longer the oldest
			t.Errorf("multi, oldest: %+v", out)
		}
		if out := w.signIn(multi, "f", chat.Web, chat.Multi, 1); ids(out.Ended) != "[d c e]" {
			t.Errorf("multi, fewer allowed: %+v", out)
		}

		per := w.signUp("per")
		w.signIn(per, "phone", chat.IOS, chat.PerPlatform, 10)
		if out := w.signIn(per, "tab", chat.Web, chat.PerPlatform, 10); ids(out.Ended) != "[first]" {
			t.Errorf("per platform: %+v", out)
		}
		if got := w.open(per); got != "[tab phone]" {
			t.Errorf("per platform: %v", got)
		}

		single := w.signUp("single")
		if out := w.signIn(single, "phone", chat.IOS, chat.Single, 10); ids(out.Ended) != "[first]" || out.Ended[0].Login != 1 {
			t.Errorf("single: %+v", out)
		}
	})
}

// Many sign-ins of one user at the same time leave exactly as many devices as
// are allowed, those of the latest sign-ins, and each other one was displaced
// once.
func TestSignInsAtOnce(t *testing.T) {
	for _, c := range []struct {
		policy chat.Policy
		most   int
		left   int
	}{{chat.Single, 10, 1}, {chat.PerPlatform, 10, 1}, {chat.Multi, 3, 3}} {
		t.Run(string(c.policy), func(t *testing.T) {
			inEach(t, func(t *testing.T, w *world) {
				ann := w.signUp("ann")
				const many = 12
				var wg sync.WaitGroup
				results := make([]chat.SignedIn, many)
				for i := range results {
					wg.Go(func() {
						var err error
						results[i], err = w.SignIn(w.ctx, chat.SignIn{
							Device: device(ann.ID, fmt.Sprint("d", i), chat.Web), Policy: c.policy, MaxDevices: c.most, Verified: "hash of ann",
						})
						if err != nil {
							t.Error(err)
						}
					})
				}
				wg.Wait()
				displaced, logins := map[chat.DeviceID]int{}, map[int64]bool{}
				for _, r := range results {
					logins[r.Device.Login] = true
					for _, d := range r.Ended {
						displaced[d.ID]++
						if d.Login >= r.Device.Login {
							t.Errorf("%d was displaced by %d", d.Login, r.Device.Login)
						}
					}
				}
				if len(logins) != many || len(displaced) != many+1-c.left {
					t.Errorf("%d logins, %d displaced", len(logins), len(displaced))
				}
				for id, n := range displaced {
					if n != 1 {
						t.Errorf("%s was displaced %d times", id, n)
					}
				}
				list, err := w.List(w.ctx, ann.ID)
				wants(t, err, "")
				if len(list) != c.left || list[0].Login != many+1 || displaced[list[0].ID] != 0 {
					t.Errorf("left: %+v", list)
				}
			})
		})
	}
}

func TestSigningInAgainRevivesADevice(t *testing.T) {
	inEach(t, func(t *testing.T, w *world) {
		ann := w.signUp("ann")
		before := w.signIn(ann, "phone 手机", chat.IOS, chat.Multi, 10).Device
		wants(t, w.SaveProgress(w.ctx, []chat.Progress{{User: ann.ID, Device: "phone 手机", Offset: "g1.5", Seen: time.Now()}}), "")
		ended, err := w.EndDevice(w.ctx, ann.ID, "phone 手机", 0, chat.DeviceRemoved)
		if err != nil || len(ended) != 1 {
			t.Fatal(ended, err)
		}
		out, err := w.SignIn(w.ctx, chat.SignIn{Device: chat.Device{User: ann.ID, ID: "phone 手机", Platform: chat.Android, Name: "new"},
			Refresh: refresh("new"), Verified: "hash of ann", Upgraded: "better"})
		wants(t, err, "")
		rec, err := w.Device(w.ctx, ann.ID, "phone 手机")
		wants(t, err, "")
		want := rec
		want.ID, want.User, want.Platform, want.Name, want.Login = "phone 手机", ann.ID, chat.Android, "new", 3
		want.CreatedAt, want.EndedAt, want.EndReason, want.Received = before.CreatedAt, time.Time{}, "", "g1.5"
		if !reflect.DeepEqual(rec, want) || out.Device.Login != 3 || !rec.SignedInAt.After(before.CreatedAt) {
			t.Errorf("want %+v\nhave %+v\nout %+v", want, rec, out)
		}
		a, err := w.Account(w.ctx, ann.ID)
		if err != nil || a.PasswordHash != "better" {
			t.Error(a.PasswordHash, err)
		}
	})
}

func TestDeviceStates(t *testing.T) {
	inEach(t, func(t *testing.T, w *world) {
		ann := w.signUp("ann")
		rec, err := w.Device(w.ctx, ann.ID, "never")
		if err != nil || rec.Login != 0 || rec.Disabled || rec.Deleted {
			t.Errorf("a device that never was: %+v, %v", rec, err)
		}
		rec, err = w.Device(w.ctx, ann.ID, "first")
		if err != nil || rec.Login != 1 || !rec.EndedAt.IsZero() || rec.SignedInAt.IsZero() || rec.Platform != chat.Web {
			t.Errorf("%+v, %v", rec, err)
		}
		for _, id := range []chat.DeviceID{"First", "first ", "first\x00"} {
			if rec, err := w.Device(w.ctx, ann.ID, id); err != nil || rec.Login != 0 {
				t.Errorf("%q is taken for another: %+v, %v", id, rec, err)
			}
		}
	})
}

func TestEndingDevices(t *testing.T) {
	inEach(t, func(t *testing.T, w *world) {
		ann, bob := w.signUp("ann"), w.signUp("bob")
		w.signIn(ann, "b", chat.Web, chat.Multi, 10)
		w.signIn(ann, "c", chat.Web, chat.Multi, 10)
		ended, err := w.EndDevice(w.ctx, ann.ID, "b", 1, chat.SignedOut) // it has signed in again since
		if err != nil || len(ended) != 0 {
			t.Error(ended, err)
		}
		ended, err = w.EndDevice(w.ctx, ann.ID, "b", 2, chat.SignedOut)
		if err != nil || ids(ended) != "[b]" || ended[0].Login != 2 || ended[0].EndReason != chat.SignedOut {
			t.Error(ended, err)
		}
		ended, err = w.EndDevice(w.ctx, ann.ID, "b", 0, chat.ByAdmin)
		if err != nil || len(ended) != 0 {
			t.Error("twice:", ended, err)
		}
		ended, err = w.EndOthers(w.ctx, ann.ID, "c", chat.DeviceRemoved)
		if err != nil || ids(ended) != "[first]" {
			t.Error(ended, err)
		}
		ended, err = w.EndOthers(w.ctx, ann.ID, "", chat.ByAdmin)
		if err != nil || ids(ended) != "[c]" {
			t.Error(ended, err)
		}
		if got := w.open(bob); got != "[first]" {
			t.Error("somebody else's:", got)
		}
	})
}

// A token works once, whoever else presents it at the same time; the session
// ends, because it was presented twice.
func TestARefreshTokenWorksOnce(t *testing.T) {
	inEach(t, func(t *testing.T, w *world) {
		ann := w.signUp("ann")
		var wg sync.WaitGroup
		const many = 10
		errs := make([]error, many)
		ended := make([][]chat.Device, many)
		for i := range many {
			wg.Go(func() {
				out, err := w.Rotate(w.ctx, chat.Rotation{
					User: ann.ID, Device: "first", Hash: refresh("ann").Hash, Next: refresh(fmt.Sprint("next", i)),
				})
				errs[i], ended[i] = err, out.Ended
			})
		}
		wg.Wait()
		var won, ends int
		for i := range many {
			if errs[i] == nil {
				won++
			} else {
				wants(t, errs[i], chat.TokenInvalid)
			}
			ends += len(ended[i])
		}
		if won != 1 || ends != 1 {
			t.Errorf("%d won, %d ends", won, ends)
		}
		rec, err := w.Device(w.ctx, ann.ID, "first")
		if err != nil || rec.EndReason != chat.SignedOut {
			t.Errorf("%+v, %v", rec, err)
		}
	})
}

func TestRotating(t *testing.T) {
	inEach(t, func(t *testing.T, w *world) {
		ann := w.signUp("ann")
		try := func(secret, next string, issued bool, login int64) (chat.Rotated, error) {
			return w.Rotate(w.ctx, chat.Rotation{User: ann.ID, Device: "first", Hash: refresh(secret).Hash, Issued: issued, Login: login, Next: refresh(next)})
		}
		_, err := try("forged", "x", false, 1)
		wants(t, err, chat.TokenInvalid)
		out, err := try("ann", "second", true, 1)
		if err != nil || out.User.Username != "ann" || out.Device.Login != 1 {
			t.Fatal(out, err)
		}
		_, err = try("second", "third", true, 1)
		wants(t, err, "")
		_, err = try("of another sign-in", "x", true, 7)
		wants(t, err, chat.TokenInvalid)
		if got := w.open(ann); got != "[first]" {
			t.Fatal("a stranger's token ended the session")
		}
		out, err = try("ann", "x", true, 1) // used two rotations ago
		wants(t, err, chat.TokenInvalid)
		if ids(out.Ended) != "[first]" || out.Ended[0].EndReason != chat.SignedOut {
			t.Errorf("%+v", out)
		}
		_, err = try("third", "x", true, 1)
		wants(t, err, chat.SessionEnded)
		var e *chat.Error
		if !errors.As(err, &e) || e.Reason != chat.SignedOut {
			t.Error(err)
		}
		_, err = w.SetDisabled(w.ctx, ann.ID, true)
		wants(t, err, "")
		_, err = try("third", "x", true, 1)
		wants(t, err, chat.AccountDisabled)
	})
}

func TestRefreshTokensExpire(t *testing.T) {
	inEach(t, func(t *testing.T, w *world) {
		ann := w.signUp("ann")
		past := refresh("second")
		past.Expires = time.Now().Add(-time.Second)
		_, err := w.Rotate(w.ctx, chat.Rotation{User: ann.ID, Device: "first", Hash: refresh("ann").Hash, Next: past})
		wants(t, err, "")
		_, err = w.Rotate(w.ctx, chat.Rotation{User: ann.ID, Device: "first", Hash: past.Hash, Next: refresh("x")})
		wants(t, err, chat.TokenExpired)
	})
}

func TestNewDevicesForMany(t *testing.T) {
	inEach(t, func(t *testing.T, w *world) {
		ann, bob, off := w.signUp("ann"), w.signUp("bob"), w.signUp("off")
		_, err := w.SetDisabled(w.ctx, off.ID, true)
		wants(t, err, "")
		out, err := w.SignInNew(w.ctx, chat.Single, 10, []chat.Device{
			device(bob.ID, "bot", chat.Desktop), device("nobody", "bot", chat.Desktop), device(ann.ID, "bot", chat.Desktop), device(off.ID, "bot", chat.Desktop),
		})
		wants(t, err, "")
		if out[0].Device.Login != 2 || ids(out[0].Ended) != "[first]" || out[2].Device.User != ann.ID || ids(out[2].Ended) != "[first]" {
			t.Errorf("%+v", out)
		}
		if out[1].Device.Login != 0 || out[3].Device.Login != 0 {
			t.Errorf("signed in who may not: %+v", out)
		}
		if got := w.open(ann) + w.open(bob) + w.open(off); got != "[bot][bot][]" {
			t.Error(got)
		}
		out, err = w.SignInNew(w.ctx, chat.Multi, 10, nil)
		if err != nil || len(out) != 0 {
			t.Error(out, err)
		}
	})
}

func TestSavingProgress(t *testing.T) {
	inEach(t, func(t *testing.T, w *world) {
		ann, bob := w.signUp("ann"), w.signUp("bob")
		w.signIn(ann, "phone", chat.IOS, chat.Multi, 10)
		later := time.Now().UTC().Add(time.Hour).Truncate(time.Microsecond)
		wants(t, w.SaveProgress(w.ctx, nil), "")
		wants(t, w.SaveProgress(w.ctx, []chat.Progress{
			progress(ann.ID, "phone", "5", later), progress(bob.ID, "first", "7", later.Add(-2*time.Hour)), progress(ann.ID, "first", "1", later),
			progress(ann.ID, "gone", "1", later), progress("nobody", "first", "1", later), progress(ann.ID, "phone", "", later.Add(time.Second)),
			progress(ann.ID, "first", "2", later.Add(-time.Second)),
		}), "")
		for _, c := range []struct {
			user     chat.User
			device   chat.DeviceID
			received string
			seen     time.Time
		}{
			{ann, "phone", "5", later.Add(time.Second)},
			{ann, "first", "2", later},
			{bob, "first", "7", time.Time{}}, // a time of the past changes nothing
		} {
			rec, err := w.Device(w.ctx, c.user.ID, c.device)
			wants(t, err, "")
			if rec.Received != c.received || !c.seen.IsZero() && !rec.LastSeen.Equal(c.seen) || rec.LastSeen.Before(rec.CreatedAt) {
				t.Errorf("%s %s: received %q, seen %v", c.user.Username, c.device, rec.Received, rec.LastSeen)
			}
		}
	})
}

func progress(u chat.UserID, d chat.DeviceID, offset string, seen time.Time) chat.Progress {
	return chat.Progress{User: u, Device: d, Offset: offset, Seen: seen}
}

// Several nodes save what they know of the same devices, each in its own order.
func TestSavingProgressAtOnce(t *testing.T) {
	inEach(t, func(t *testing.T, w *world) {
		var list []chat.Account
		for i := range 600 {
			list = append(list, account(fmt.Sprintf("user%03d", i)))
		}
		errs, err := w.CreateAll(w.ctx, list)
		if err != nil || errs[0] != nil {
			t.Fatal(err, errs[0])
		}
		var all []chat.Progress
		for some := range 2 {
			var in []chat.Device
			for _, a := range list[300*some : 300*(some+1)] {
				in = append(in, device(a.ID, "bot", chat.Desktop))
				all = append(all, chat.Progress{User: a.ID, Device: "bot", Offset: "9", Seen: time.Now()})
			}
			_, err := w.SignInNew(w.ctx, chat.Multi, 10, in)
			wants(t, err, "")
		}
		var wg sync.WaitGroup
		for range 4 {
			mine := append([]chat.Progress(nil), all...)
			rand.Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
			wg.Go(func() {
				if err := w.SaveProgress(w.ctx, mine); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, p := range []chat.Progress{all[0], all[599]} {
			rec, err := w.Device(w.ctx, p.User, "bot")
			if err != nil || rec.Received != "9" {
				t.Errorf("%+v, %v", rec, err)
			}
		}
	})
}

func TestEndedSince(t *testing.T) {
	inEach(t, func(t *testing.T, w *world) {
		since := time.Now().Add(-time.Second)
		var want []string
		for _, name := range []string{"ann", "bob", "cid"} {
			u := w.signUp(name)
			ended, err := w.EndOthers(w.ctx, u.ID, "", chat.ByAdmin)
			if err != nil || len(ended) != 1 {
				t.Fatal(ended, err)
			}
			want = append(want, string(u.ID)+" first by_admin 1")
		}
		back := w.signUp("back")
		_, err := w.EndOthers(w.ctx, back.ID, "", chat.ByAdmin)
		wants(t, err, "")
		w.signIn(back, "first", chat.Web, chat.Multi, 10)
		var got []string
		wants(t, w.EndedSince(w.ctx, since, func(page []chat.Device) error {
			for _, d := range page {
				got = append(got, fmt.Sprint(d.User, " ", d.ID, " ", d.EndReason, " ", d.Login))
			}
			return nil
		}), "")
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("have %v\nwant %v", got, want)
		}
		wants(t, w.EndedSince(w.ctx, time.Now().Add(time.Hour), func([]chat.Device) error { t.Error("the future"); return nil }), "")
	})
}
