package handlers

import (
	"testing"

	"github.com/tieline/tieline/pkg/chat"
)

const (
	aliceCard = `{"id":"u-alice","username":"alice","nickname":"Alice","avatar_url":"/a.png"}`
	bobCard   = `{"id":"u-bob","username":"bob","nickname":"","avatar_url":""}`
	askedBare = `"id":"r-1","from":` + aliceCard + `,"to":` + bobCard + `,"message":"hi","created_at":"2026-11-21T08:30:00.005Z"`
	handledAt = `"handled_at":"2026-11-21T08:30:00.005Z"`
	isPending = `{` + askedBare + `,"state":"pending"}`
	since     = `"since":"2026-11-21T08:30:00.005Z"`
)

// didLast expects the use-case to have been asked for something, last.
func (b *bench) didLast(want string) {
	b.t.Helper()
	if done := b.people.done; len(done) == 0 || done[len(done)-1] != want {
		b.t.Errorf("done %q\nwant at last %q", done, want)
	}
}

// S0.5, S2.2
func TestAskingToBeFriends(t *testing.T) {
	b := newBench(t)
	b.want(201, isPending, "POST", "/api/v1/friend-requests",
		`{"user":"u-bob","message":"hi","remark":"Bobby","tags":["work"],"moments":{"hide_theirs":true}}`, as("alice"))
	b.didLast("{From:u-alice To:u-bob Message:hi Label:{Remark:Bobby Tags:[work] Moments:{HideMine:false HideTheirs:true}}}")
	b.want(201, isPending, "POST", "/api/v1/friend-requests", `{"user":"u-bob"}`, as("alice"))
	for body, field := range map[string]string{
		`{}`: "user", `{"user":"漢字"}`: "user", `{"user":7}`: "user", `{"user":"u-bob","tags":7}`: "tags",
		`{"user":"u-bob","moments":{"hide_mine":7}}`: "moments.hide_mine",
	} {
		b.refused(422, "invalid", field, "POST", "/api/v1/friend-requests", body, as("alice"))
	}
	b.people.err = chat.E("x", chat.Blocked, nil)
	b.refused(403, "blocked", "", "POST", "/api/v1/friend-requests", `{"user":"u-bob"}`, as("alice"))
}

// S2.2: who is ignored does not learn of it.
func TestRequestsAreListed(t *testing.T) {
	b := newBench(t)
	b.want(200, `{"items":[`+isPending+`],"next":"r-0"}`, "GET", "/api/v1/friend-requests?direction=outgoing&cursor=r-9&limit=7", "", as("alice"))
	b.didLast(`requests of u-alice outgoing=true "r-9" 7`)
	for _, query := range []string{"", "?direction=incoming"} {
		b.want(200, `{"items":[{`+askedBare+`,"state":"ignored",`+handledAt+`}],"next":"r-0"}`, "GET", "/api/v1/friend-requests"+query, "", as("bob"))
		b.didLast(`requests of u-bob outgoing=false "" 50`)
	}
	for _, wrong := range []string{"x", "%00", "Incoming"} {
		b.refused(422, "invalid", "direction", "GET", "/api/v1/friend-requests?direction="+wrong, "", as("alice"))
	}
}

// S2.2
func TestRequestsAreHandled(t *testing.T) {
	b := newBench(t)
	b.want(200, `{`+askedBare+`,"state":"accepted",`+handledAt+`}`,
		"POST", "/api/v1/friend-requests/r-1/accept", `{"remark":"Al","tags":["a","b"],"moments":{"hide_mine":true}}`, as("bob"))
	b.didLast("u-bob: accepted of r-1 {Remark:Al Tags:[a b] Moments:{HideMine:true HideTheirs:false}}")
	for verb, state := range map[string]string{"accept": "accepted", "reject": "rejected", "ignore": "ignored"} {
		b.want(200, `{`+askedBare+`,"state":"`+state+`",`+handledAt+`}`, "POST", "/api/v1/friend-requests/r-1/"+verb, "", as("bob"))
		b.didLast("u-bob: " + state + " of r-1 {Remark: Tags:[] Moments:{HideMine:false HideTheirs:false}}")
		b.refused(404, "not_found", "", "POST", "/api/v1/friend-requests/%00/"+verb, "", as("bob"))
	}
	b.refused(400, "malformed", "", "POST", "/api/v1/friend-requests/r-1/accept", `[]`, as("bob"))
	b.people.err = chat.E("x", chat.Conflict, nil)
	b.refused(409, "conflict", "", "POST", "/api/v1/friend-requests/r-1/accept", "", as("bob"))
}

// S0.5, S2.3, S2.5
func TestFriendsAreListedAndChanged(t *testing.T) {
	b := newBench(t)
	b.presence.of = map[chat.UserID]chat.Presence{bob.ID: {Online: true, Devices: []chat.Platform{chat.Web}}}
	const there, away = `"presence":{"online":true,"devices":["web"]}`, `"presence":{"online":false,"devices":[]}`
	b.want(200, `{"items":[{`+bobForOthers+`,`+labelledJSON+`,`+there+`,`+since+`}],"next":"u-bob"}`, "GET", "/api/v1/friends?cursor=u-a&limit=2", "", as("alice"))
	b.didLast(`friends of u-alice "u-a" 2`)
	b.people.blockers = []chat.UserID{bob.ID}
	b.want(200, `{"items":[{`+bobForOthers+`,`+labelledJSON+`,`+away+`,`+since+`}],"next":"u-bob"}`, "GET", "/api/v1/friends", "", as("alice"))
	b.presence.err = chat.E("x", chat.Unavailable, nil)
	b.want(200, `{`+bobForOthers+`,`+labelledJSON+`,`+since+`}`, "PATCH", "/api/v1/friends/u-bob", `{}`, as("alice"))
	b.want(200, `{`+bobForOthers+`,"relation":{"friend":true,"blocked":false,"remark":"","tags":[],"starred":false,
		"moments":{"hide_mine":true,"hide_theirs":true}},`+since+`}`,
		"PATCH", "/api/v1/friends/u-bob", `{"remark":"","tags":[],"starred":false,"moments":{"hide_theirs":true}}`, as("alice"))
	b.didLast("u-alice: changes u-bob")
	for body, field := range map[string]string{`{"starred":"x"}`: "starred", `{"tags":"x"}`: "tags", `{"moments":{"hide_mine":1}}`: "moments.hide_mine"} {
		b.refused(422, "invalid", field, "PATCH", "/api/v1/friends/u-bob", body, as("alice"))
	}
	b.refused(404, "not_found", "", "PATCH", "/api/v1/friends/%00", `{}`, as("alice"))
	b.want(204, "", "DELETE", "/api/v1/friends/u-bob", "", as("alice"))
	b.didLast("u-alice: removes u-bob")
	b.people.err = chat.E("x", chat.NotFriends, nil)
	b.refused(403, "not_friends", "", "DELETE", "/api/v1/friends/u-bob", "", as("alice"))
	b.refused(403, "not_friends", "", "PATCH", "/api/v1/friends/u-bob", `{}`, as("alice"))
}

// S2.4
func TestTheListOfBlocks(t *testing.T) {
	b := newBench(t)
	b.want(204, "", "PUT", "/api/v1/blocks/u-bob", "", as("alice"))
	b.didLast("u-alice: blocks u-bob true")
	b.want(200, `{"items":[{`+bobForOthers+`,`+since+`}]}`, "GET", "/api/v1/blocks?cursor=u-a&limit=3", "", as("alice"))
	b.didLast(`blocks of u-alice "u-a" 3`)
	b.want(204, "", "DELETE", "/api/v1/blocks/u-bob", "", as("alice"))
	b.didLast("u-alice: blocks u-bob false")
	b.refused(404, "not_found", "", "PUT", "/api/v1/blocks/%00", "", as("alice"))
	b.people.err = chat.E("x", chat.NotFound, nil)
	b.refused(404, "not_found", "", "PUT", "/api/v1/blocks/u-nobody", "", as("alice"))
}
