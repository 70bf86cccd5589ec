package handlers

import (
	"slices"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// S4.1: the answer is the same for everybody's address, with nothing in it.
func TestCodesAreSentByMail(t *testing.T) {
	b := newBench(t)
	const way = "/api/v1/auth/email-code"
	b.want(204, "", "POST", way, `{"email":"ann@example.com","purpose":"register"}`, with("Accept-Language", "zh-CN,en;q=0.5"))
	b.want(204, "", "POST", way, `{"email":"ann@example.com","purpose":"reset"}`)
	if want := []string{"ann@example.com register zh", "ann@example.com reset en"}; !slices.Equal(b.owners.did, want) {
		t.Errorf("did %q, want %q", b.owners.did, want)
	}
	b.refused(422, "invalid", "email", "POST", way, `{"email":7}`)
	b.owners.err = &chat.Error{Kind: chat.RateLimited, Retry: 1500 * time.Millisecond}
	a := b.do("POST", way, `{"email":"ann@example.com","purpose":"reset"}`)
	if a.status != 429 || a.header.Get("Retry-After") != "2" {
		t.Errorf("%d, %v", a.status, a.header)
	}
	limits := &refuseAll{op: chat.Logins}
	b = newBench(t, func(o *Options) { o.Limits = limits })
	b.refused(429, "rate_limited", "", "POST", way, `{"email":"ann@example.com","purpose":"reset"}`)
	if len(b.owners.did) > 0 || len(limits.who) != 1 || limits.who[0] != "0.0.0.0" {
		t.Errorf("did %q, counted for %q", b.owners.did, limits.who)
	}
}

// S4.1: a new password with a code, by anybody who has it.
func TestPasswordIsSetWithACode(t *testing.T) {
	b := newBench(t)
	const way = "/api/v1/auth/password"
	b.want(204, "", "POST", way, `{"email":"ann@example.com","email_code":"1234 5678","new_password":"new horse"}`)
	if want := []string{"ann@example.com new horse"}; !slices.Equal(b.owners.did, want) {
		t.Errorf("did %q, want %q", b.owners.did, want)
	}
	b.refused(422, "code_invalid", "", "POST", way, `{"email":"ann@example.com","email_code":"1","new_password":"new horse"}`)
	b.refused(422, "code_invalid", "", "POST", way, `{"email":"ann@example.com","new_password":"new horse"}`)
	b.refused(401, "unauthorized", "", "POST", way, `{"new_password":"new horse"}`)
}

// S4.2, S3.5: what is absent is not changed; what is empty is.
func TestMeIsChangedInPart(t *testing.T) {
	b := newBench(t)
	b.want(200, alicesOwn, "PATCH", "/api/v1/me", `{"nickname":"Ann","sex":"female","bio":"hi","email":"","phone":"+1","theme":"dark","locale":"zh","username":"x","admin":true}`,
		as("alice"), with("Accept-Language", "zh"))
	b.want(200, alicesOwn, "PATCH", "/api/v1/me", `{"theme":null}`, as("alice"))
	want := []string{`u-alice zh Nickname="Ann" Sex="female" Bio="hi" Email="" Phone="+1" Theme="dark" Locale="zh"`, "u-alice en"}
	if !slices.Equal(b.owners.did, want) {
		t.Errorf("did %q\nwant %q", b.owners.did, want)
	}
	b.refused(422, "invalid", "theme", "PATCH", "/api/v1/me", `{"theme":["dark"]}`, as("alice"))
	b.refused(400, "malformed", "", "PATCH", "/api/v1/me", `[]`, as("alice"))
	b.owners.err = chat.E("x", chat.EmailTaken, nil)
	b.refused(409, "email_taken", "", "PATCH", "/api/v1/me", `{"email":"bob@example.com"}`, as("alice"))
}

func TestMeIsRemovedWithThePassword(t *testing.T) {
	b := newBench(t)
	b.refused(401, "bad_credentials", "", "DELETE", "/api/v1/me", `{"password":"x"}`, as("alice"))
	b.refused(400, "malformed", "", "DELETE", "/api/v1/me", "", as("alice"))
	b.want(204, "", "DELETE", "/api/v1/me", `{"password":"horse"}`, as("alice"))
	if want := []string{"u-alice removed"}; !slices.Equal(b.owners.did, want) {
		t.Errorf("did %q, want %q", b.owners.did, want)
	}
}
