package handlers

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
)

// S3.4, S4.3: what the routes of rooms do, and what they answer.
func TestRoomsOverHTTP(t *testing.T) {
	b := newBench(t)
	b.presence.of = map[chat.UserID]chat.Presence{bob.ID: {Online: true}}
	const one = "/api/v1/rooms/r-tea"
	for _, c := range []struct {
		method, target, body string
		status               int
		did                  string
	}{
		{"POST", "/api/v1/rooms", `{"name":"Tea","info":"green","visibility":"private"}`, 201, "u-alice makes {Tea green private}"},
		{"GET", "/api/v1/rooms?query=te&cursor=c&limit=3", "", 200, "find tec3"},
		{"GET", one, "", 200, "u-alice looks"},
		{"PATCH", one, `{"name":"Coffee"}`, 200, "u-alice names it Coffee true true"},
		{"POST", one + "/join", "", 200, "u-alice joins"},
		{"POST", one + "/leave", "", 204, "u-alice leaves"},
		{"GET", one + "/members", "", 200, "members 50"},
		{"POST", one + "/members", `{"user":"u-bob"}`, 204, "u-alice adds u-bob"},
		{"PATCH", one + "/members/u-bob", `{"role":"admin"}`, 200, "u-alice has u-bob admin"},
		{"PATCH", one + "/members/u-bob", `{"muted_until":"1970-01-01T00:00:01Z"}`, 200, "u-alice has u-bob as before muted 1000"},
		{"PATCH", one + "/members/u-bob", `{"muted_until":null}`, 200, "u-alice has u-bob as before muted -62135596800000"},
		{"DELETE", one + "/members/u-bob", "", 204, "u-alice removes u-bob"},
		{"DELETE", one, "", 204, "u-alice ends it"},
		{"GET", "/api/v1/rooms/nowhere", "", 404, ""},
		{"POST", one + "/members", `{"user":""}`, 422, ""},
		{"PATCH", one + "/members/u-bob", `{"muted_until":"tomorrow"}`, 422, ""},
		{"PATCH", one + "/members/u-bob", `{"muted_until":7}`, 422, ""},
	} {
		b.rooms.did = nil
		got := b.do(c.method, c.target, c.body, as("alice"))
		if got.status != c.status || c.did != "" && !slices.Equal(b.rooms.did, []string{c.did}) {
			t.Errorf("%s %s: %d %s, did %q", c.method, c.target, got.status, got.body, b.rooms.did)
		}
	}
}

// How many are online is said where it is known.
func TestARoomSaysWhoIsOnline(t *testing.T) {
	b := newBench(t)
	b.presence.of = map[chat.UserID]chat.Presence{bob.ID: {Online: true}}
	if got := b.do("GET", "/api/v1/rooms/r-tea", "", as("bob")); !strings.Contains(string(got.body), `"member_count":2`) || !strings.Contains(string(got.body), `"online_count":1`) {
		t.Errorf("%s", got.body)
	}
	b.presence.err = chat.E("fake", chat.Unavailable, nil)
	if got := b.do("GET", "/api/v1/rooms/r-tea", "", as("bob")); got.status != http.StatusOK || strings.Contains(string(got.body), "online_count") {
		t.Errorf("%d %s", got.status, got.body)
	}
}
