package account_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/account"
	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/store"
	"github.com/tieline/tieline/pkg/store/storetest"
)

// S0.1: log in by user name, and by e-mail address or phone number.
func TestLogin(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := in(t, db, account.Options{})
		_, err := p.Register(p.ctx, account.Registration{Username: "Ann", Password: goodPassword, Email: "ann@x.org", Phone: "13800138000"})
		wants(t, err, "")
		for _, name := range []string{"Ann", "ann", " ANN ", "ａｎｎ", "Ann@X.org", "138-0013-8000"} {
			g, err := p.Login(p.ctx, account.Login{Login: name, Password: goodPassword})
			if err != nil || g.User.Username != "Ann" || g.Device == "" {
				t.Errorf("%q: %+v, %v", name, g, err)
			}
		}
		for _, l := range []account.Login{
			{Login: "Ann", Password: "wrong password"}, {Login: "Ann", Password: goodPassword + "\x00"}, {Login: "nobody", Password: goodPassword},
			{Login: "ann@x.org.", Password: goodPassword}, {Login: strings.Repeat("x", 5000), Password: goodPassword},
			{Login: "Ann", Password: strings.Repeat("x", 5000)}, {Login: "\xff", Password: "\xff"}, {Login: "'; --\x00", Password: "x"},
		} {
			_, err := p.Login(p.ctx, l)
			wants(t, err, chat.BadCredentials)
		}
		_, err = p.Login(p.ctx, account.Login{Login: " "})
		if got := complaints(err); got != "login required, password required" {
			t.Error(got)
		}
	})
}

// Somebody's user name is somebody else's phone number; both can log in.
func TestDigitsMayBeEither(t *testing.T) {
	p := somewhere(t)
	_, err := p.Register(p.ctx, account.Registration{Username: "13800138000", Password: "first password"})
	wants(t, err, "")
	_, err = p.Register(p.ctx, account.Registration{Username: "ann", Phone: "13800138000", Password: "second password"})
	wants(t, err, "")
	for password, want := range map[string]string{"first password": "13800138000", "second password": "ann"} {
		g, err := p.Login(p.ctx, account.Login{Login: "13800138000", Password: password})
		if err != nil || g.User.Username != want {
			t.Errorf("%s: %v, %v", password, g.User.Username, err)
		}
	}
}

// An unknown name costs as much as a wrong password, so that the time of the
// answer does not tell them apart.
func TestUnknownNamesCostAsMuch(t *testing.T) {
	p := somewhere(t)
	p.register("ann")
	wants(t, p.Import(p.ctx, strings.NewReader(`{"username":"nopassword"}`), func(account.Imported) error { return nil }), "")
	least := map[string]time.Duration{}
	for range 5 {
		for _, name := range []string{"ann", "nobody", "nopassword"} {
			began := time.Now()
			_, err := p.Login(p.ctx, account.Login{Login: name, Password: "wrong password"})
			took := time.Since(began)
			wants(t, err, chat.BadCredentials)
			if least[name] == 0 || took < least[name] {
				least[name] = took
			}
		}
	}
	for _, name := range []string{"nobody", "nopassword"} {
		if least[name] < least["ann"]/2 {
			t.Errorf("%s is told apart by time: %v", name, least)
		}
	}
}

func TestDisabledAccountsAreToldOnlyWithTheRightPassword(t *testing.T) {
	p := somewhere(t)
	g := p.register("ann")
	wants(t, p.SetDisabled(p.ctx, g.User.ID, true), "")
	if got := p.reg.kicks(); got != "first disabled" {
		t.Error("kicked:", got)
	}
	_, err := p.Login(p.ctx, account.Login{Login: "ann", Password: "wrong password"})
	wants(t, err, chat.BadCredentials)
	_, err = p.Login(p.ctx, account.Login{Login: "ann", Password: goodPassword})
	wants(t, err, chat.AccountDisabled)
	_, err = p.Refresh(p.ctx, g.RefreshToken)
	wants(t, err, chat.AccountDisabled)
	p.refuses(g.AccessToken, chat.AccountDisabled, "")
	wants(t, p.SetDisabled(p.ctx, g.User.ID, false), "")
	p.refuses(g.AccessToken, chat.SessionEnded, chat.Disabled)
	p.login("ann", "first")
	wants(t, p.SetDisabled(p.ctx, "nobody", true), chat.NotFound)
}

// Passwords from another system work, and their hashes become ours.
func TestImportedHashesAreUpgraded(t *testing.T) {
	p := somewhere(t)
	lines := `{"username":"ann","password_hash":"$2y$04$0nJ8jtUmqzz6bAYTkhdDsuN/vtGIdUmVpdzfcF1pHNZzCEqJvU.Zy"}
{"username":"bob","password_hash":"$argon2id$v=19$m=64,t=1,p=1$MTIzNDU2Nzg5MDEyMzQ1Ng$KJhtfZOjjMTKVAt3Z4ixQhuBCfC6GPpXx2Q9jLHTXpQ"}`
	lines = strings.ReplaceAll(lines, "$2y$04$0nJ8jtUmqzz6bAYTkhdDsuN/vtGIdUmVpdzfcF1pHNZzCEqJvU.Zy", bcryptOf(t, goodPassword))
	lines = strings.ReplaceAll(lines, "$argon2id$v=19$m=64,t=1,p=1$MTIzNDU2Nzg5MDEyMzQ1Ng$KJhtfZOjjMTKVAt3Z4ixQhuBCfC6GPpXx2Q9jLHTXpQ", argon2Of(goodPassword))
	wants(t, p.Import(p.ctx, strings.NewReader(lines), func(i account.Imported) error { return i.Err }), "")
	for _, name := range []string{"ann", "bob"} {
		_, err := p.Login(p.ctx, account.Login{Login: name, Password: "wrong password"})
		wants(t, err, chat.BadCredentials)
		for range 2 {
			g := p.login(name, "first")
			a, err := p.db.Account(p.ctx, g.User.ID)
			wants(t, err, "")
			if !strings.HasPrefix(a.PasswordHash, "$argon2id$v=19$m=19456,t=2,p=1$") {
				t.Errorf("%s: %s", name, a.PasswordHash)
			}
		}
	}
}

// S2.8, S0.8: under the single policy two sign-ins at once leave one device, and
// the other one is told.
func TestOneSurvivor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := in(t, db, account.Options{Policy: chat.Single})
		g := p.register("ann")
		var wg sync.WaitGroup
		grants := make([]account.Grant, 4)
		for i := range grants {
			wg.Go(func() {
				var err error
				grants[i], err = p.Login(p.ctx, account.Login{Login: "ann", Password: goodPassword})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		var alive int
		for _, g := range append(grants, g) {
			if _, err := p.Authenticate(p.ctx, g.AccessToken); err == nil {
				alive++
				continue
			}
			p.refuses(g.AccessToken, chat.SessionEnded, chat.SignedInElsewhere)
		}
		if list, err := p.db.List(p.ctx, g.User.ID); err != nil || len(list) != 1 || alive != 1 {
			t.Errorf("%d alive, %v, %v", alive, list, err)
		}
	})
}

// A device that signs in again makes its older tokens worthless.
func TestSigningInAgainOnTheSameDevice(t *testing.T) {
	p := somewhere(t)
	old := p.register("ann")
	fresh := p.login("ann", "first")
	p.refuses(old.AccessToken, chat.SessionEnded, chat.SignedOut)
	_, err := p.Refresh(p.ctx, old.RefreshToken)
	wants(t, err, chat.TokenInvalid)
	p.whoIs(fresh) // and the old refresh token has not ended it
}

// S1.6: log out; of what is signed out only the sign-in that asks.
func TestLogout(t *testing.T) {
	p := somewhere(t)
	g := p.register("ann")
	id := p.whoIs(g)
	other := p.login("ann", "other")
	wants(t, p.Logout(p.ctx, id), "")
	if got := p.reg.kicks(); got != "first signed_out" {
		t.Error("kicked:", got)
	}
	p.refuses(g.AccessToken, chat.SessionEnded, chat.SignedOut)
	_, err := p.Refresh(p.ctx, g.RefreshToken)
	wants(t, err, chat.SessionEnded)
	p.whoIs(other)
	fresh := p.login("ann", "first")
	wants(t, p.Logout(p.ctx, id), "") // the same one again, too late
	p.whoIs(fresh)
}

func TestChangePassword(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := in(t, db, account.Options{})
		here, there := p.register("ann"), p.login("ann", "there")
		id := p.whoIs(here)
		wants(t, p.ChangePassword(p.ctx, id, "wrong password", "another password"), chat.BadCredentials)
		if got := complaints(p.ChangePassword(p.ctx, id, "", "short")); got != "old_password required, new_password too_short" {
			t.Error(got)
		}
		wants(t, p.ChangePassword(p.ctx, id, goodPassword, "another password"), "")
		if got := p.reg.kicks(); got != "there password_changed" {
			t.Error("kicked:", got)
		}
		p.whoIs(here)
		p.refuses(there.AccessToken, chat.SessionEnded, chat.PasswordChanged)
		_, err := p.Login(p.ctx, account.Login{Login: "ann", Password: goodPassword})
		wants(t, err, chat.BadCredentials)
		_, err = p.Login(p.ctx, account.Login{Login: "ann", Password: "another password"})
		wants(t, err, "")
		wants(t, p.ChangePassword(p.ctx, chat.Identity{User: "nobody"}, "x", "another password"), chat.Unauthorized)
	})
}

func TestKick(t *testing.T) {
	p := somewhere(t)
	g := p.register("ann")
	wants(t, p.Kick(p.ctx, g.User.ID), "")
	if got := p.reg.kicks(); got != "first by_admin" {
		t.Error("kicked:", got)
	}
	p.refuses(g.AccessToken, chat.SessionEnded, chat.ByAdmin)
	p.login("ann", "first")
	wants(t, p.Kick(p.ctx, "nobody"), chat.NotFound)
}

// A hiccup of Redis loses no kick.
func TestKicksAreRepeated(t *testing.T) {
	p := somewhere(t)
	g := p.register("ann")
	p.reg.set(func() { p.reg.broken = 2 })
	wants(t, p.Kick(p.ctx, g.User.ID), "")
	if got := p.reg.kicks(); got != "first by_admin" {
		t.Error("kicked:", got)
	}
}
