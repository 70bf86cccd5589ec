package handlers

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/account"
	"github.com/tieline/tieline/pkg/chat"
)

// S3.2, S3.6
func TestAVIPCodeIsRedeemed(t *testing.T) {
	b := newBench(t)
	b.want(200, alicesOwn, "POST", "/api/v1/me/vip", `{"code":"GOOD"}`, as("alice"))
	b.refused(422, "code_invalid", "", "POST", "/api/v1/me/vip", `{"code":"BAD"}`, as("alice"))
	b.refused(422, "invalid", "code", "POST", "/api/v1/me/vip", `{}`, as("alice"))
	b.refused(422, "invalid", "code", "POST", "/api/v1/me/vip", `{"code":7}`, as("alice"))
	b.refused(401, "unauthorized", "", "POST", "/api/v1/me/vip", `{"code":"GOOD"}`)
}

// S3.6: administrators make codes, and are shown them this once.
func TestCodesAreMade(t *testing.T) {
	b := newBench(t)
	a := b.want(201, `{"codes":["ONE","TWO"]}`, "POST", "/api/v1/admin/codes", `{"kind":"vip","count":2,"vip_days":30,"ttl":"720h"}`, as("alice"))
	if a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("header %v", a.header)
	}
	b.want(201, "", "POST", "/api/v1/admin/codes", `{"kind":"invite"}`, as("alice"))
	want := fmt.Sprint([]account.CodeOrder{{Kind: chat.VIPCode, Count: 2, VIPDays: 30, TTL: 720 * time.Hour}, {Kind: chat.InviteCode}})
	if got := fmt.Sprint(b.codes.orders); got != want {
		t.Errorf("ordered %s, want %s", got, want)
	}
	for _, ttl := range []string{`"soon"`, `"720"`, `"0s"`, `"-1h"`, `720`} {
		b.refused(422, "invalid", "ttl", "POST", "/api/v1/admin/codes", `{"kind":"invite","ttl":`+ttl+`}`, as("alice"))
	}
	b.refused(403, "forbidden", "", "POST", "/api/v1/admin/codes", `{"kind":"invite"}`, as("bob"))
	b.refused(403, "forbidden", "", "GET", "/api/v1/admin/codes", "", as("bob"))
}

// S3.6
func TestCodesAreListed(t *testing.T) {
	b := newBench(t)
	hash := bytes.Repeat([]byte{0xab}, 32)
	b.codes.found = []chat.Code{
		{Hash: hash, Kind: chat.VIPCode, VIPDays: 30, ExpiresAt: born, UsedBy: "u-bob", UsedAt: born, CreatedAt: born},
		{Hash: hash, Kind: chat.InviteCode, CreatedAt: born},
	}
	b.want(200, `{"items":[
		{"id":"abababababababab","kind":"vip","vip_days":30,"expires_at":"2026-11-21T08:30:00.005Z","used_by":"u-bob",
			"used_at":"2026-11-21T08:30:00.005Z","created_at":"2026-11-21T08:30:00.005Z"},
		{"id":"abababababababab","kind":"invite","vip_days":0,"created_at":"2026-11-21T08:30:00.005Z"}],"next":"more"}`,
		"GET", "/api/v1/admin/codes?kind=vip&cursor=x&limit=7", "", as("alice"))
	if got := fmt.Sprint(b.codes.asked); got != "[vip x 7]" {
		t.Errorf("asked for %s", got)
	}
}
