package handlers

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// refuseAll refuses one operation and notes who asked.
type refuseAll struct {
	op  chat.Operation
	who []string
}

func (r *refuseAll) Allow(_ context.Context, op chat.Operation, who string) error {
	if op != r.op {
		return nil
	}
	r.who = append(r.who, who)
	return &chat.Error{Kind: chat.RateLimited, Retry: 1500 * time.Millisecond}
}

func TestWhoDoesTooMuchIsToldWhenToComeBack(t *testing.T) {
	for _, c := range []struct {
		op                   chat.Operation
		method, target, body string
		who                  string
	}{
		{chat.Logins, "POST", "/api/v1/auth/login", `{"login":"alice","password":"x"}`, "0.0.0.0"},
		{chat.Logins, "POST", "/api/v1/auth/register", `{"username":"alice","password":"password"}`, "0.0.0.0"},
		{chat.Requests, "GET", "/api/v1/me", "", "u-alice"},
		{chat.Requests, "POST", "/api/v1/me/vip", `{"code":"GOOD"}`, "u-alice"},
		{chat.Logins, "POST", "/api/v1/me/vip", `{"code":"GOOD"}`, "u-alice"},
		{chat.Sends, "POST", "/api/v1/conversations/lobby/messages", `{"id":"1","message":{"kind":"text","text":"hi"}}`, "u-alice"},
	} {
		limits := &refuseAll{op: c.op}
		b := newBench(t, func(o *Options) { o.Limits = limits })
		got := b.do(c.method, c.target, c.body, as("alice"))
		if got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") != "2" {
			t.Errorf("%s %s: %d, Retry-After %q", c.method, c.target, got.status, got.header.Get("Retry-After"))
		}
		if len(limits.who) != 1 || limits.who[0] != c.who {
			t.Errorf("%s %s was counted for %q, want %q", c.method, c.target, limits.who, c.who)
		}
	}
}
