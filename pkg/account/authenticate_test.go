package account_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/tieline/tieline/pkg/account"
	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/store"
	"github.com/tieline/tieline/pkg/store/storetest"
)

// mint makes a token as somebody else with the key would.
func mint(t *testing.T, method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
	t.Helper()
	s, err := jwt.NewWithClaims(method, claims).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// S2.9: what is expired and what is not ours are told apart.
func TestAccessTokens(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := in(t, db, account.Options{})
		u := p.register("ann").User.ID
		soon, past := time.Now().Add(time.Minute).Unix(), time.Now().Add(-time.Second).Unix()
		hs := jwt.SigningMethodHS256
		for name, c := range map[string]struct {
			token string
			want  chat.Kind
		}{
			"ours":               {mint(t, hs, tokenKey, jwt.MapClaims{"sub": u, "device": "first", "exp": soon}), ""},
			"with its login":     {mint(t, hs, tokenKey, jwt.MapClaims{"sub": u, "device": "first", "exp": soon, "login": 1}), ""},
			"from the future":    {mint(t, hs, tokenKey, jwt.MapClaims{"sub": u, "device": "first", "exp": soon, "login": 9}), chat.TokenInvalid},
			"login below zero":   {mint(t, hs, tokenKey, jwt.MapClaims{"sub": u, "device": "first", "exp": soon, "login": -1}), chat.TokenInvalid},
			"login no number":    {mint(t, hs, tokenKey, jwt.MapClaims{"sub": u, "device": "first", "exp": soon, "login": "1"}), chat.TokenInvalid},
			"expired":            {mint(t, hs, tokenKey, jwt.MapClaims{"sub": u, "device": "first", "exp": past}), chat.TokenExpired},
			"expired, no device": {mint(t, hs, tokenKey, jwt.MapClaims{"sub": u, "exp": past}), chat.TokenInvalid},
			"for ever":           {mint(t, hs, tokenKey, jwt.MapClaims{"sub": u, "device": "first"}), chat.TokenInvalid},
			"no device":          {mint(t, hs, tokenKey, jwt.MapClaims{"sub": u, "exp": soon}), chat.TokenInvalid},
			"no user":            {mint(t, hs, tokenKey, jwt.MapClaims{"device": "first", "exp": soon}), chat.TokenInvalid},
			"unknown device":     {mint(t, hs, tokenKey, jwt.MapClaims{"sub": u, "device": "never", "exp": soon}), chat.TokenInvalid},
			"unknown user":       {mint(t, hs, tokenKey, jwt.MapClaims{"sub": "nobody 😀\x00", "device": "first", "exp": soon}), chat.Unauthorized},
			"another key":        {mint(t, hs, []byte("another"), jwt.MapClaims{"sub": u, "device": "first", "exp": soon}), chat.TokenInvalid},
			"another method":     {mint(t, jwt.SigningMethodHS512, tokenKey, jwt.MapClaims{"sub": u, "device": "first", "exp": soon}), chat.TokenInvalid},
			"no method":          {mint(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, jwt.MapClaims{"sub": u, "device": "first", "exp": soon}), chat.TokenInvalid},
			"nothing":            {"", chat.TokenInvalid},
			"noise":              {"a.b.c", chat.TokenInvalid},
			"too much":           {strings.Repeat("x.", 10000), chat.TokenInvalid},
		} {
			if _, err := p.Authenticate(p.ctx, c.token); chat.KindOf(err) != c.want {
				t.Errorf("%s: %v, want %q", name, err, c.want)
			}
		}
	})
}

func TestShortLivedTokensLiveAsLongAsPromised(t *testing.T) {
	p := in(t, storetest.SQLite(t), account.Options{AccessTTL: time.Second})
	for range 3 {
		began := time.Now()
		g := p.login(p.register("ann"+chat.NewID()[20:]).User.Username, "first")
		p.whoIs(g)
		if time.Since(began) > time.Second {
			t.Log("too slow to tell")
		}
	}
}

// Whatever the registry knows, does not know, or remembers wrongly: a token is
// accepted exactly while its sign-in lasts.
func TestTheDatabaseIsRight(t *testing.T) {
	p := somewhere(t)
	g := p.register("ann")
	here := key(g.User.ID, "first")
	forget := func() { p.reg.set(func() { delete(p.reg.states, here) }) }

	forget()
	p.whoIs(g)
	if st := p.reg.states[here]; st.Login != 1 || st.Ended != "" {
		t.Errorf("not remembered: %+v", st)
	}
	p.reg.set(func() { p.reg.down = true }) // no Redis: the database alone
	p.whoIs(g)
	p.reg.set(func() { p.reg.down = false })

	p.reg.set(func() { p.reg.states[here] = chat.DeviceState{Login: 0, Ended: chat.SignedOut} }) // behind: knows an earlier end
	p.whoIs(g)

	if _, err := p.db.EndOthers(p.ctx, g.User.ID, "", chat.DeviceRemoved); err != nil {
		t.Fatal(err)
	}
	forget()
	p.refuses(g.AccessToken, chat.SessionEnded, chat.DeviceRemoved)
	p.refuses(g.AccessToken, chat.SessionEnded, chat.DeviceRemoved) // now from the registry
}

// The database is away: what the registry knows is still good.
func TestTheRegistryCarriesOn(t *testing.T) {
	db := storetest.SQLite(t)
	p := in(t, db, account.Options{})
	ann, bob, cid, dee := p.register("ann"), p.register("bob"), p.register("cid"), p.register("dee")
	wants(t, p.Kick(p.ctx, bob.User.ID), "")
	wants(t, p.SetDisabled(p.ctx, cid.User.ID, true), "")
	p.reg.set(func() { delete(p.reg.states, key(dee.User.ID, "first")) })
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	p.whoIs(ann)
	p.refuses(bob.AccessToken, chat.SessionEnded, chat.ByAdmin)
	p.refuses(cid.AccessToken, chat.AccountDisabled, "")
	p.refuses(dee.AccessToken, chat.Unavailable, "")
	_, err := p.Login(p.ctx, account.Login{Login: "ann", Password: goodPassword})
	wants(t, err, chat.Unavailable)
	_, err = p.Refresh(p.ctx, ann.RefreshToken)
	wants(t, err, chat.Unavailable)
}

func TestTickets(t *testing.T) {
	p := somewhere(t)
	g := p.register("ann")
	id := p.whoIs(g)
	ticket, ttl, err := p.Ticket(p.ctx, id)
	if err != nil || ttl != 30*time.Second || len(ticket) < 40 {
		t.Fatal(ticket, ttl, err)
	}
	for hash := range p.reg.tickets {
		if strings.Contains(hash, ticket) || strings.Contains(ticket, hash) {
			t.Error("the ticket itself is kept")
		}
	}
	got, err := p.Redeem(p.ctx, ticket)
	if err != nil || got != id {
		t.Error(got, err)
	}
	for _, bad := range []string{ticket, "", "x", strings.Repeat("x", len(ticket)), strings.Repeat("x", 100000)} {
		_, err := p.Redeem(p.ctx, bad)
		wants(t, err, chat.TokenInvalid)
	}
	late, _, err := p.Ticket(p.ctx, id)
	wants(t, err, "")
	wants(t, p.Logout(p.ctx, id), "")
	got, err = p.Redeem(p.ctx, late)
	wants(t, err, "")
	_, err = p.Authorise(p.ctx, got) // whoever lets it in asks
	wants(t, err, chat.SessionEnded)
	p.reg.set(func() { p.reg.down = true })
	_, _, err = p.Ticket(p.ctx, id)
	wants(t, err, chat.Unavailable)
	_, err = p.Redeem(p.ctx, late)
	wants(t, err, chat.Unavailable)
}

func TestAdmin(t *testing.T) {
	p := somewhere(t)
	boss, err := p.Add(p.ctx, account.Addition{Username: "boss", Password: goodPassword, Admin: true, VIPDays: 2})
	wants(t, err, "")
	if boss.VIPUntil.Before(time.Now().Add(47 * time.Hour)) {
		t.Error(boss.VIPUntil)
	}
	wants(t, p.Admin(p.ctx, p.whoIs(p.login("boss", "desk"))), "")
	wants(t, p.Admin(p.ctx, p.whoIs(p.register("ann"))), chat.Forbidden)
	_, err = p.Add(p.ctx, account.Addition{Username: "boss", Password: goodPassword})
	wants(t, err, chat.UsernameTaken)
	_, err = p.Add(p.ctx, account.Addition{Username: "x", VIPDays: -1})
	if got := complaints(err); got != "username too_short, password required, vip_days too_small" {
		t.Error(got)
	}
}

// A command without Redis works on the database alone.
func TestWithoutRegistry(t *testing.T) {
	db := storetest.SQLite(t)
	p := in(t, db, account.Options{})
	g := p.register("ann")
	desk := account.New(store.NewAccounts(db), nil, account.Options{Key: tokenKey})
	ctx := context.Background()
	if _, err := desk.Authenticate(ctx, g.AccessToken); err != nil {
		t.Error(err)
	}
	wants(t, desk.Kick(ctx, g.User.ID), "")
	_, _, err := desk.Ticket(ctx, chat.Identity{})
	wants(t, err, chat.Unavailable)
	_, err = desk.Login(ctx, account.Login{Login: "ann", Password: goodPassword})
	wants(t, err, "")
}
