package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

func TestAnAccountComesBackAsItWas(t *testing.T) {
	inEach(t, func(t *testing.T, w *world) {
		at := time.Date(2026, 11, 21, 7, 46, 1, 123456000, time.FixedZone("Shanghai", 8*3600))
		a := account("ann")
		a.Bio, a.AvatarURL, a.Theme, a.Locale = "it's \x00 漢字 😀 \\ ?", "/media/x", "dark", "zh"
		a.Email, a.EmailKey, a.Phone, a.Admin = "Ann@Example.org", "ann@example.org", "+491234567", true
		a.CreatedAt, a.VIPUntil = at, at.AddDate(1, 0, 0)
		_, err := w.Create(w.ctx, chat.SignUp{Account: a, Device: device(a.ID, "first", chat.Web), Refresh: refresh("x")})
		wants(t, err, "")
		got, err := w.Account(w.ctx, a.ID)
		wants(t, err, "")
		a.CreatedAt, a.VIPUntil = at.UTC(), at.AddDate(1, 0, 0).UTC()
		if !reflect.DeepEqual(got, a) {
			t.Errorf("want %+v\nhave %+v", a, got)
		}
	})
}

func TestNamesAreTakenOnce(t *testing.T) {
	inEach(t, func(t *testing.T, w *world) {
		first := account("ann")
		first.EmailKey, first.Phone = "ann@x", "+491111"
		_, err := w.Create(w.ctx, chat.SignUp{Account: first, Device: device(first.ID, "d", chat.Web)})
		wants(t, err, "")
		for _, c := range []struct {
			name, email, phone string
			want               chat.Kind
		}{
			{"ann", "", "", chat.UsernameTaken},
			{"bob", "ann@x", "", chat.EmailTaken},
			{"bob", "", "+491111", chat.PhoneTaken},
			{"bob", "", "", ""},
			{"cid", "", "", ""}, // nobody's address is nobody's
		} {
			a := account(c.name)
			a.EmailKey, a.Phone = c.email, c.phone
			_, err := w.Create(w.ctx, chat.SignUp{Account: a, Device: device(a.ID, "d", chat.Web)})
			wants(t, err, c.want)
		}
	})
}

// Twenty sign up under one name at once: one has it, the others are told.
func TestOneNameManyTakers(t *testing.T) {
	inEach(t, func(t *testing.T, w *world) {
		var wg sync.WaitGroup
		errs := make([]error, 20)
		for i := range errs {
			wg.Go(func() {
				a := account("ann")
				_, errs[i] = w.Create(w.ctx, chat.SignUp{Account: a, Device: device(a.ID, "d", chat.Web)})
			})
		}
		wg.Wait()
		var had int
		for _, err := range errs {
			if err == nil {
				had++
				continue
			}
			wants(t, err, chat.UsernameTaken)
		}
		if had != 1 {
			t.Errorf("%d have the name", had)
		}
	})
}

func TestFindLogin(t *testing.T) {
	inEach(t, func(t *testing.T, w *world) {
		ann, digits := account("ann"), account("13800138000")
		ann.EmailKey, ann.Phone = "ann@x", "13800138000"
		for _, a := range []chat.Account{ann, digits} {
			_, err := w.Create(w.ctx, chat.SignUp{Account: a, Device: device(a.ID, "d", chat.Web)})
			wants(t, err, "")
		}
		for _, c := range []struct {
			keys chat.LoginKeys
			want []chat.UserID
		}{
			{chat.LoginKeys{}, nil},
			{chat.LoginKeys{Username: "nobody"}, nil},
			{chat.LoginKeys{Username: "ann"}, []chat.UserID{ann.ID}},
			{chat.LoginKeys{Username: "ANN"}, nil},
			{chat.LoginKeys{Email: "ann@x"}, []chat.UserID{ann.ID}},
			{chat.LoginKeys{Username: "13800138000", Phone: "13800138000"}, []chat.UserID{digits.ID, ann.ID}},
			{chat.LoginKeys{Username: "'\x00\\ 😀 é", Phone: "é"}, nil},
		} {
			found, err := w.FindLogin(w.ctx, c.keys)
			wants(t, err, "")
			var got []chat.UserID
			for _, a := range found {
				got = append(got, a.ID)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v: %v, want %v", c.keys, got, c.want)
			}
		}
	})
}

// Ids and names that nobody can have are not found; they are no fault of ours.
func TestStrangeIdsAreNotFound(t *testing.T) {
	inEach(t, func(t *testing.T, w *world) {
		for _, id := range []string{"", "nobody", "é", "😀", "\x00", "'; --", strings.Repeat("x", 5000)} {
			_, err := w.User(w.ctx, chat.UserID(id))
			wants(t, err, chat.NotFound)
			_, err = w.Device(w.ctx, chat.UserID(id), chat.DeviceID(id))
			wants(t, err, chat.NotFound)
			if list, err := w.List(w.ctx, chat.UserID(id)); err != nil || len(list) != 0 {
				t.Errorf("%q: %v, %v", id, list, err)
			}
			_, err = w.EndDevice(w.ctx, chat.UserID(id), chat.DeviceID(id), 0, chat.ByAdmin)
			wants(t, err, chat.NotFound)
			_, err = w.Rotate(w.ctx, chat.Rotation{User: chat.UserID(id), Device: chat.DeviceID(id), Hash: []byte(id)})
			wants(t, err, chat.TokenInvalid)
			wants(t, w.SaveProgress(w.ctx, []chat.Progress{{User: chat.UserID(id), Device: chat.DeviceID(id), Offset: "1", Seen: time.Now()}}), "")
			page, _, err := w.Search(w.ctx, chat.UserQuery{Prefix: id, Email: id, Phone: id, Limit: 10})
			if err != nil || len(page) != 0 {
				t.Errorf("%q: %v, %v", id, page, err)
			}
			found, err := w.UsersNamed(w.ctx, []string{id})
			if err != nil || len(found) != 0 {
				t.Errorf("%q: %v, %v", id, found, err)
			}
		}
	})
}

func TestUsersByManyIds(t *testing.T) {
	inEach(t, func(t *testing.T, w *world) {
		ids := []chat.UserID{"nobody"}
		for i := range 3 {
			ids = append(ids, w.signUp(fmt.Sprint("user", i)).ID)
		}
		got, err := w.Users(w.ctx, ids)
		if err != nil || len(got) != 3 {
			t.Errorf("%v, %v", got, err)
		}
		if got, err := w.Users(w.ctx, nil); err != nil || len(got) != 0 {
			t.Errorf("nobody asked for: %v, %v", got, err)
		}
	})
}

func TestCreateAllTellsOfEach(t *testing.T) {
	inEach(t, func(t *testing.T, w *world) {
		w.signUp("ann")
		list := []chat.Account{account("ann"), account("bob"), account("bob"), account("cid"), account("dee"), account("eve")}
		list[3].EmailKey, list[4].EmailKey = "c@x", "c@x"
		list[3].Phone, list[5].Phone = "12345", "12345"
		errs, err := w.CreateAll(w.ctx, list)
		wants(t, err, "")
		want := []chat.Kind{chat.UsernameTaken, "", chat.UsernameTaken, "", chat.EmailTaken, chat.PhoneTaken}
		for i, k := range want {
			if got := chat.KindOf(errs[i]); got != k {
				t.Errorf("%d: %q, want %q", i, got, k)
			}
		}
		found, err := w.UsersNamed(w.ctx, []string{"ann", "bob", "cid", "dee", "eve"})
		if err != nil || len(found) != 3 {
			t.Errorf("%d are there, %v", len(found), err)
		}
		errs, err = w.CreateAll(w.ctx, nil)
		if err != nil || len(errs) != 0 {
			t.Error(errs, err)
		}
	})
}

// Two imports of the same people at once, while they sign up by themselves:
// each name is there once, and everybody is told what became of theirs.
func TestCreateAllAtOnce(t *testing.T) {
	inEach(t, func(t *testing.T, w *world) {
		const people = 200
		var wg sync.WaitGroup
		results := make([][]error, 3)
		for i := range results {
			results[i] = make([]error, people)
			list := make([]chat.Account, people)
			for j := range list {
				list[j] = account(fmt.Sprintf("user%03d", j))
			}
			wg.Go(func() {
				if i < 2 {
					errs, err := w.CreateAll(w.ctx, list)
					if err != nil {
						t.Error(err)
						return
					}
					results[i] = errs
					return
				}
				for j, a := range list[:people/4] {
					_, results[i][j] = w.Create(w.ctx, chat.SignUp{Account: a, Device: device(a.ID, "d", chat.Web)})
				}
				for j := people / 4; j < people; j++ {
					results[i][j] = errors.New("did not try")
				}
			})
		}
		wg.Wait()
		for j := range people {
			var made int
			for i := range results {
				if results[i][j] == nil {
					made++
				}
			}
			if made != 1 {
				t.Errorf("user%03d was made %d times", j, made)
			}
		}
	})
}

func TestPasswordsChangeForThoseWhoKnowTheOldOne(t *testing.T) {
	inEach(t, func(t *testing.T, w *world) {
		ann := w.signUp("ann")
		w.signIn(ann, "phone", chat.IOS, chat.Multi, 10)
		w.signIn(ann, "laptop", chat.Desktop, chat.Multi, 10)
		_, err := w.SetPassword(w.ctx, ann.ID, "wrong", "new", "phone")
		wants(t, err, chat.Conflict)
		ended, err := w.SetPassword(w.ctx, ann.ID, "hash of ann", "new", "phone")
		wants(t, err, "")
		if ids(ended) != "[first laptop]" || ended[0].EndReason != chat.PasswordChanged || ended[0].Login != 1 {
			t.Errorf("%+v", ended)
		}
		if got := w.open(ann); got != "[phone]" {
			t.Error(got)
		}
		// Somebody who proved the old password a moment ago comes too late.
		_, err = w.SignIn(w.ctx, chat.SignIn{Device: device(ann.ID, "thief", chat.Web), Verified: "hash of ann"})
		wants(t, err, chat.Conflict)
		_, err = w.SetPassword(w.ctx, "nobody", "", "", "")
		wants(t, err, chat.NotFound)
	})
}

func TestDisabledAccountsAreOffAndStayOff(t *testing.T) {
	inEach(t, func(t *testing.T, w *world) {
		ann := w.signUp("ann")
		w.signIn(ann, "phone", chat.IOS, chat.Multi, 10)
		ended, err := w.SetDisabled(w.ctx, ann.ID, true)
		wants(t, err, "")
		if ids(ended) != "[first phone]" || ended[1].EndReason != chat.Disabled || ended[1].EndedAt.IsZero() {
			t.Errorf("%+v", ended)
		}
		ended, err = w.SetDisabled(w.ctx, ann.ID, true)
		if err != nil || len(ended) != 0 {
			t.Errorf("twice: %v, %v", ended, err)
		}
		in := chat.SignIn{Device: device(ann.ID, "phone", chat.IOS), Verified: "hash of ann"}
		_, err = w.SignIn(w.ctx, in)
		wants(t, err, chat.AccountDisabled)
		rec, err := w.Device(w.ctx, ann.ID, "phone")
		if err != nil || !rec.Disabled || rec.EndReason != chat.Disabled {
			t.Errorf("%+v, %v", rec, err)
		}
		u, err := w.User(w.ctx, ann.ID)
		if err != nil || u.DisabledAt.IsZero() {
			t.Errorf("%+v, %v", u, err)
		}
		_, err = w.SetDisabled(w.ctx, ann.ID, false)
		wants(t, err, "")
		if got := w.open(ann); got != "[]" {
			t.Error("enabling signed in:", got)
		}
		_, err = w.SignIn(w.ctx, in)
		wants(t, err, "")
		_, err = w.SetDisabled(w.ctx, "nobody", true)
		wants(t, err, chat.NotFound)
	})
}
