package handlers

import (
	"fmt"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/device"
)

const (
	aliceForOthers = `"id":"u-alice","username":"alice","nickname":"Alice","sex":"female","bio":"hi","avatar_url":"/a.png",
		"vip_until":"2026-11-21T08:30:00.005Z","created_at":"2026-11-21T08:30:00.005Z"`
	bobForOthers = `"id":"u-bob","username":"bob","nickname":"","sex":"unknown","bio":"","avatar_url":"",
		"vip_until":null,"created_at":"2026-11-21T08:30:00.005Z"`
	stranger = `"relation":{"friend":false,"blocked":false,"remark":"","tags":[],"starred":false,
		"moments":{"hide_mine":false,"hide_theirs":false}}`
)

// S1.2, S3.2, S4.2
func TestMeShowsAllOfOneself(t *testing.T) {
	newBench(t).want(200, alicesOwn, "GET", "/api/v1/me", "", as("alice"))
}

// S0.3, S3.7
func TestUsersAreFoundAndShownAsToOthers(t *testing.T) {
	b := newBench(t)
	b.accounts.search = func(reader chat.UserID, query, cursor string, limit int) ([]chat.User, string, error) {
		if reader != alice.ID || query != "爱 & co" || cursor != "u-a" || limit != 200 {
			t.Errorf("query %q, cursor %q, limit %d", query, cursor, limit)
		}
		return []chat.User{alice, bob}, "u-bob", nil
	}
	b.want(200, `{"items":[{`+aliceForOthers+`},{`+bobForOthers+`}],"next":"u-bob"}`,
		"GET", "/api/v1/users?query=%E7%88%B1+%26+co&cursor=u-a&limit=1000", "", as("alice"))

	b.accounts.search = func(_ chat.UserID, query, cursor string, limit int) ([]chat.User, string, error) {
		if query != "" || cursor != "" || limit != 50 {
			t.Errorf("query %q, cursor %q, limit %d", query, cursor, limit)
		}
		return nil, "", nil
	}
	b.want(200, `{"items":[]}`, "GET", "/api/v1/users", "", as("alice"))
}

// S2.3, S4.8
func TestACardSaysWhoAndWhereAndWhatOneIsToThem(t *testing.T) {
	b := newBench(t)
	b.presence.of = map[chat.UserID]chat.Presence{alice.ID: {Online: true, Devices: []chat.Platform{chat.IOS, chat.Web}}}
	b.want(200, `{`+aliceForOthers+`,`+stranger+`,"presence":{"online":true,"devices":["ios","web"]}}`,
		"GET", "/api/v1/users/u-alice", "", as("bob"))
	b.want(200, `{`+bobForOthers+`,`+stranger+`,"presence":{"online":false,"devices":[]}}`,
		"GET", "/api/v1/users/u-bob", "", as("alice"))
	b.people.blockers = []chat.UserID{alice.ID} // S2.4: who blocks somebody is offline to them
	b.want(200, `{`+aliceForOthers+`,`+stranger+`,"presence":{"online":false,"devices":[]}}`,
		"GET", "/api/v1/users/u-alice", "", as("bob"))
	b.people.relation = labelled
	b.want(200, `{`+bobForOthers+`,`+labelledJSON+`,"presence":{"online":false,"devices":[]}}`, "GET", "/api/v1/users/u-bob", "", as("alice"))
	b.presence.err = chat.E("x", chat.Unavailable, nil)
	b.want(200, `{`+bobForOthers+`,`+labelledJSON+`}`, "GET", "/api/v1/users/u-bob", "", as("alice"))
}

func TestIdsThatNameNobodyAreNotFound(t *testing.T) {
	b := newBench(t)
	for _, id := range []string{
		"u-carol", "%00", "a%00b", "%E6%BC%A2", "%FF%FE", "a%20b", "%2F", "..%2F..%2Fetc", "'%20OR%201=1--",
		fmt.Sprintf("%065d", 1), fmt.Sprintf("%03000d", 1),
	} {
		b.refused(404, "not_found", "", "GET", "/api/v1/users/"+id, "", as("alice"))
	}
}

// S1.4
func TestOnlineListsPeopleWithTheirPresence(t *testing.T) {
	b := newBench(t)
	b.people.blockers = []chat.UserID{"u-eve"}
	b.presence.online = func(hidden []chat.UserID, cursor string, limit int) ([]chat.UserID, string, int, error) {
		if fmt.Sprint(hidden) != "[u-eve]" || cursor != "u-a" || limit != 3 {
			t.Errorf("cursor %q, limit %d", cursor, limit)
		}
		return []chat.UserID{"u-alice", "u-gone", "u-bob"}, "u-bob", 7, nil
	}
	b.presence.of = map[chat.UserID]chat.Presence{
		alice.ID: {Online: true, Devices: []chat.Platform{chat.Web}}, bob.ID: {LastSeen: born},
	}
	b.want(200, `{"items":[{`+aliceForOthers+`,"presence":{"online":true,"devices":["web"]}},
		{`+bobForOthers+`,"presence":{"online":false,"devices":[],"last_seen":"2026-11-21T08:30:00.005Z"}}],"next":"u-bob","total":7}`,
		"GET", "/api/v1/presence/online?cursor=u-a&limit=3", "", as("alice"))

	b.presence.online = func([]chat.UserID, string, int) ([]chat.UserID, string, int, error) { return nil, "", 0, nil }
	b.want(200, `{"items":[],"total":0}`, "GET", "/api/v1/presence/online", "", as("alice"))

	b.presence.online = func([]chat.UserID, string, int) ([]chat.UserID, string, int, error) {
		return nil, "", 0, chat.E("x", chat.Unavailable, nil)
	}
	b.refused(503, "unavailable", "", "GET", "/api/v1/presence/online", "", as("alice"))
}

func TestPresenceAnswersForEverybodyAsked(t *testing.T) {
	b := newBench(t)
	b.presence.of = map[chat.UserID]chat.Presence{alice.ID: {Online: true, Devices: []chat.Platform{chat.Web}}}
	b.want(200, `{"users":{"u-alice":{"online":true,"devices":["web"]},"u-nobody":{"online":false,"devices":[]}}}`,
		"POST", "/api/v1/presence", `{"users":["u-alice","u-nobody"]}`, as("alice"))
	b.people.blockers = []chat.UserID{alice.ID} // S2.4
	b.want(200, `{"users":{"u-alice":{"online":false,"devices":[]},"u-nobody":{"online":false,"devices":[]}}}`,
		"POST", "/api/v1/presence", `{"users":["u-alice","u-nobody"]}`, as("bob"))
	b.want(200, `{"users":{}}`, "POST", "/api/v1/presence", `{}`, as("alice"))
	b.refused(422, "invalid", "users", "POST", "/api/v1/presence", `{"users":["a",""]}`, as("alice"))
	b.refused(422, "invalid", "users", "POST", "/api/v1/presence", `{"users":["漢字"]}`, as("alice"))
	b.refused(422, "invalid", "users", "POST", "/api/v1/presence", `{"users":[`+repeat(`"u"`, 501)+`]}`, as("alice"))
	b.presence.err = chat.E("x", chat.Unavailable, nil)
	b.refused(503, "unavailable", "", "POST", "/api/v1/presence", `{"users":["u-alice"]}`, as("alice"))
}

// repeat is a list of n times the same.
func repeat(s string, n int) string {
	list := s
	for range n - 1 {
		list += "," + s
	}
	return list
}

func TestDevicesAreListedAndRemoved(t *testing.T) {
	b := newBench(t)
	b.devices.list = []device.Info{
		{Device: chat.Device{ID: "phone", Platform: chat.IOS, Name: "Alice's", CreatedAt: born, LastSeen: born}, Online: true, Node: "n-1", Current: true},
		{Device: chat.Device{ID: "laptop", Platform: chat.Desktop, CreatedAt: born}},
	}
	b.want(200, `{"items":[
		{"id":"phone","platform":"ios","name":"Alice's","created_at":"2026-11-21T08:30:00.005Z","last_seen":"2026-11-21T08:30:00.005Z",
			"online":true,"node":"n-1","current":true},
		{"id":"laptop","platform":"desktop","name":"","created_at":"2026-11-21T08:30:00.005Z","last_seen":null,
			"online":false,"node":"","current":false}]}`, "GET", "/api/v1/me/devices", "", as("alice"))

	b.want(204, "", "DELETE", "/api/v1/me/devices/laptop", "", as("alice"))
	b.want(204, "", "DELETE", "/api/v1/me/devices/%E6%89%8B%E6%9C%BA%2F1", "", as("alice"))
	b.want(204, "", "DELETE", "/api/v1/me/devices", "", as("alice"))
	want := "[u-alice laptop device_removed u-alice 手机/1 device_removed u-alice all but phone device_removed]"
	if got := fmt.Sprint(b.devices.ended); got != want {
		t.Errorf("ended %s, want %s", got, want)
	}
	for _, id := range []string{"nowhere", "%00", "%FF", fmt.Sprintf("%065d", 1)} {
		b.refused(404, "not_found", "", "DELETE", "/api/v1/me/devices/"+id, "", as("alice"))
	}
}

func TestAdministratorsAct(t *testing.T) {
	b := newBench(t)
	for _, what := range []string{"disable", "enable", "kick"} {
		b.want(204, "", "POST", "/api/v1/admin/users/u-bob/"+what, "", as("alice"))
		b.refused(404, "not_found", "", "POST", "/api/v1/admin/users/u-nobody/"+what, "", as("alice"))
		b.refused(404, "not_found", "", "POST", "/api/v1/admin/users/%00/"+what, "", as("alice"))
		b.refused(403, "forbidden", "", "POST", "/api/v1/admin/users/u-bob/"+what, "", as("bob"))
	}
	if got := fmt.Sprint(b.accounts.acts); got != "[disabled true disabled false kicked]" {
		t.Errorf("acts %s", got)
	}
	b.want(200, `{"items":[{"id":"n-1","address":"10.0.0.1:8080","connections":2,"sessions":2,"since":"0001-01-01T00:00:00.000Z","draining":false}]}`,
		"GET", "/api/v1/admin/nodes", "", as("alice"))
	b.refused(403, "forbidden", "", "GET", "/api/v1/admin/nodes", "", as("bob"))
}
