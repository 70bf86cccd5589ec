package handlers

import (
	"strings"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/account"
	"github.com/tieline/tieline/pkg/chat"
)

const grantOfAlice = `{"access_token":"acc","refresh_token":"ref","expires_in":3600,"device_id":"phone","user":` + alicesOwn + `}`

const alicesOwn = `{"id":"u-alice","username":"alice","nickname":"Alice","sex":"female","bio":"hi","avatar_url":"/a.png",
	"email":"alice@example.com","phone":"123","theme":"dark","locale":"en","vip_until":"2026-11-21T08:30:00.005Z",
	"admin":true,"created_at":"2026-11-21T08:30:00.005Z"}`

func granted() account.Grant {
	return account.Grant{AccessToken: "acc", RefreshToken: "ref", ExpiresIn: time.Hour, Device: "phone", User: alice}
}

// S0.2, S1.2, S2.1
func TestRegisterAnswersWithAGrant(t *testing.T) {
	b := newBench(t)
	var got account.Registration
	b.accounts.register = func(r account.Registration) (account.Grant, error) {
		got = r
		return granted(), nil
	}
	a := b.want(201, grantOfAlice, "POST", "/api/v1/auth/register", `{"username":"alice","password":"correct horse","nickname":"Alice",
		"email":"alice@example.com","phone":"123","email_code":"1","invite_code":"2","colour":"blue",
		"device":{"id":"phone","platform":"ios","name":"Alice's"}}`)
	want := account.Registration{
		Username: "alice", Password: "correct horse", Nickname: "Alice", Email: "alice@example.com", Phone: "123",
		EmailCode: "1", InviteCode: "2", Device: account.Place{ID: "phone", Platform: chat.IOS, Name: "Alice's"},
	}
	if got != want {
		t.Errorf("registered %+v", got)
	}
	if a.header.Get("Authorization") != "Bearer acc" || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("header: %v", a.header)
	}
}

// S0.1, S1.2, S4.1
func TestLoginAnswersWithAGrant(t *testing.T) {
	b := newBench(t)
	var got account.Login
	b.accounts.login = func(l account.Login) (account.Grant, error) {
		got = l
		return granted(), nil
	}
	a := b.want(200, grantOfAlice, "POST", "/api/v1/auth/login", `{"login":"alice","password":"correct horse"}`)
	if got != (account.Login{Login: "alice", Password: "correct horse"}) || a.header.Get("Authorization") != "Bearer acc" {
		t.Errorf("logged in %+v, header %v", got, a.header)
	}
	b.accounts.login = func(account.Login) (account.Grant, error) {
		return account.Grant{}, chat.E("x", chat.BadCredentials, nil)
	}
	b.refused(401, "bad_credentials", "", "POST", "/api/v1/auth/login", `{"login":"alice","password":"x"}`)
}

func TestRefreshAnswersWithAGrant(t *testing.T) {
	b := newBench(t)
	b.accounts.refresh = func(token string) (account.Grant, error) {
		if token != "ref" {
			return account.Grant{}, chat.E("x", chat.TokenInvalid, nil)
		}
		return granted(), nil
	}
	a := b.want(200, grantOfAlice, "POST", "/api/v1/auth/refresh", `{"refresh_token":"ref"}`)
	if a.header.Get("Authorization") != "Bearer acc" {
		t.Errorf("header %v", a.header)
	}
	b.refused(401, "token_invalid", "", "POST", "/api/v1/auth/refresh", `{"refresh_token":"other"}`)
	b.refused(422, "invalid", "refresh_token", "POST", "/api/v1/auth/refresh", `{}`)
}

// S1.6
func TestLogoutEndsTheSessionOfTheToken(t *testing.T) {
	b := newBench(t)
	b.want(204, "", "POST", "/api/v1/auth/logout", "", as("alice"))
	if len(b.accounts.loggedOut) != 1 || b.accounts.loggedOut[0] != asAlice {
		t.Errorf("logged out %v", b.accounts.loggedOut)
	}
}

func TestTicketIsHandedOut(t *testing.T) {
	b := newBench(t)
	a := b.want(200, `{"ticket":"secret-ticket","expires_in":30}`, "POST", "/api/v1/auth/ticket", "", as("alice"))
	if a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("may be cached: %v", a.header)
	}
}

func TestPasswordIsChangedWithTheOldOne(t *testing.T) {
	b := newBench(t)
	b.accounts.password = func(who chat.Identity, old, new string) error {
		if who != asAlice || old != "old horse" || new != "new horse" {
			t.Errorf("%v, %q, %q", who, old, new)
		}
		return nil
	}
	const body = `{"old_password":"old horse","new_password":"new horse"}`
	b.want(204, "", "POST", "/api/v1/auth/password", body, as("alice"))
	b.refused(401, "unauthorized", "", "POST", "/api/v1/auth/password", body)
}

// S0.1: every other call needs a token.
func TestOnlySigningInWorksWithoutAToken(t *testing.T) {
	b := newBench(t)
	open := []string{"/auth/email-code", "/auth/register", "/auth/login", "/auth/refresh", "/auth/password"}
	for _, op := range operations() {
		method, path, _ := strings.Cut(op, " ")
		rest, isAPI := strings.CutPrefix(path, "/api/v1")
		if !isAPI || strings.Contains(strings.Join(open, " "), rest) {
			continue
		}
		target := strings.ReplaceAll(path, "{id}", "some-id")
		b.refused(401, "unauthorized", "", method, target, "")
		b.refused(401, "unauthorized", "", method, target, "", with("Authorization", "Basic YWxpY2U6"))
		b.refused(401, "token_invalid", "", method, target, "", as("mallory"))
	}
}

func TestBearerReadsTheHeaderAsPeopleWriteIt(t *testing.T) {
	for header, want := range map[string]string{
		"":               "",
		"Bearer":         "",
		"Bearer ":        "",
		"Bearer abc":     "abc",
		"bearer abc":     "abc",
		"BEARER   abc ":  "abc",
		"Basic abc":      "",
		"Bearerabc":      "",
		"abc":            "",
		"Token abc":      "",
		"Bearer a.b-c_d": "a.b-c_d",
	} {
		if got := bearer(header); got != want {
			t.Errorf("bearer(%q) = %q, want %q", header, got, want)
		}
	}
}
