package handlers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/messaging"
)

// Whatever an administrator can change is written down first, or is not done.
func TestNothingIsDoneThatIsNotInTheLog(t *testing.T) {
	b := newBench(t)
	b.desk.noteErr = chat.E("desk", chat.Unavailable, nil)
	changing := 0
	for _, op := range operations() {
		method, path, _ := strings.Cut(op, " ")
		if method == "GET" || !strings.HasPrefix(path, "/api/v1/admin/") {
			continue
		}
		changing++
		path = strings.NewReplacer("{id}", "u-bob", "{", "", "}", "").Replace(path)
		b.refused(503, "unavailable", "", method, path, `{}`, as("alice"))
		b.refused(403, "forbidden", "", method, path, `{}`, as("bob"))
	}
	if changing < 4 || len(b.accounts.acts) > 0 {
		t.Errorf("of %d ways to change something, this was done: %v", changing, b.accounts.acts)
	}
}

func TestAttemptsAreInTheLog(t *testing.T) {
	b := newBench(t)
	b.want(204, "", "POST", "/api/v1/admin/users/u-bob/disable", "", as("alice"))
	b.refused(404, "not_found", "", "POST", "/api/v1/admin/users/u-nobody/kick", `{"why":"spam"}`, as("alice"))
	b.refused(404, "not_found", "", "POST", "/api/v1/admin/users/%00/kick", "", as("alice"))
	want := "[{  u-alice user.disable u-bob } {  u-alice user.kick u-nobody {\"why\":\"spam\"}}]"
	for i := range b.desk.noted {
		if d := &b.desk.noted[i]; d.ID != "" || !d.At.IsZero() {
			t.Errorf("the edge made up %+v", d)
		}
	}
	if got := strings.ReplaceAll(fmt.Sprint(b.desk.noted), "0001-01-01 00:00:00 +0000 UTC", ""); got != want {
		t.Errorf("noted %s\n want %s", got, want)
	}
}

func TestTheLogIsPaged(t *testing.T) {
	b := newBench(t)
	b.desk.deeds = func(cursor string, limit int) ([]chat.Deed, string, error) {
		if cursor != "a-9" || limit != 2 {
			t.Errorf("cursor %q, limit %d", cursor, limit)
		}
		return []chat.Deed{{ID: "a-8", At: born, Actor: chat.Operator, Action: "code.create", Target: "vip", Detail: "count 3"}}, "a-8", nil
	}
	b.want(200, `{"items":[{"id":"a-8","at":"2026-11-21T08:30:00.005Z","actor":"operator","action":"code.create","target":"vip","detail":"count 3"}],"next":"a-8"}`,
		"GET", "/api/v1/admin/audit?cursor=a-9&limit=2", "", as("alice"))
	b.refused(403, "forbidden", "", "GET", "/api/v1/admin/audit", "", as("bob"))
}

// S2.6
func TestComplaintsAreTaken(t *testing.T) {
	b := newBench(t)
	b.desk.report = func(from chat.UserID, about chat.ReportTarget, reason, detail string) (chat.Report, error) {
		if about.User == "u-nobody" {
			return chat.Report{}, chat.E("desk", chat.NotFound, nil)
		}
		return chat.Report{ID: "r-1", From: chat.Person{ID: from}, Target: about, Text: "for the desk only", Reason: reason, Detail: detail, CreatedAt: born}, nil
	}
	b.want(201, `{"id":"r-1","target":{"conversation":"c-1","seq":7},"reason":"spam","detail":"again","created_at":"2026-11-21T08:30:00.005Z"}`,
		"POST", "/api/v1/reports", `{"target":{"conversation":"c-1","seq":7},"reason":"spam","detail":"again"}`, as("bob"))
	b.refused(404, "not_found", "", "POST", "/api/v1/reports", `{"target":{"user":"u-nobody"},"reason":"spam"}`, as("bob"))
	b.refused(422, "invalid", "target.room", "POST", "/api/v1/reports", `{"target":{"room":"漢字"},"reason":"spam"}`, as("bob"))
	b.refused(422, "invalid", "target.seq", "POST", "/api/v1/reports", `{"target":{"conversation":"c","seq":"1"},"reason":"spam"}`, as("bob"))
	b.refused(401, "unauthorized", "", "POST", "/api/v1/reports", `{}`)
}

// S2.6
func TestComplaintsAreReadAndClosed(t *testing.T) {
	b := newBench(t)
	b.desk.reports = func(open bool, cursor string, limit int) ([]chat.Report, string, error) {
		r := chat.Report{ID: "r-1", From: bob.Person(), Target: chat.ReportTarget{User: alice.ID}, Reason: "rude", CreatedAt: born}
		if !open {
			r.ResolvedAt, r.ResolvedBy = born, alice.ID
		}
		return []chat.Report{r}, "", nil
	}
	const item = `"id":"r-1","from":{"id":"u-bob","username":"bob","nickname":"","avatar_url":""},"target":{"user":"u-alice"},"text":"",
		"reason":"rude","detail":"","created_at":"2026-11-21T08:30:00.005Z"`
	b.want(200, `{"items":[{`+item+`}]}`, "GET", "/api/v1/admin/reports", "", as("alice"))
	b.want(200, `{"items":[{`+item+`}]}`, "GET", "/api/v1/admin/reports?state=open", "", as("alice"))
	b.want(200, `{"items":[{`+item+`,"resolved_at":"2026-11-21T08:30:00.005Z","resolved_by":"u-alice"}]}`,
		"GET", "/api/v1/admin/reports?state=resolved", "", as("alice"))
	b.refused(422, "invalid", "state", "GET", "/api/v1/admin/reports?state=all", "", as("alice"))
	b.refused(403, "forbidden", "", "GET", "/api/v1/admin/reports", "", as("bob"))

	b.desk.resolve = func(by chat.UserID, id string) error {
		if by != alice.ID || id != "r-1" {
			return chat.E("desk", chat.Conflict, nil)
		}
		return nil
	}
	b.want(204, "", "POST", "/api/v1/admin/reports/r-1/resolve", `{"note":"talked to them"}`, as("alice"))
	b.want(204, "", "POST", "/api/v1/admin/reports/r-1/resolve", "", as("alice"))
	b.refused(409, "conflict", "", "POST", "/api/v1/admin/reports/r-2/resolve", "", as("alice"))
	b.refused(422, "invalid", "note", "POST", "/api/v1/admin/reports/r-1/resolve", `{"note":"`+strings.Repeat("x", 2001)+`"}`, as("alice"))
	b.refused(403, "forbidden", "", "POST", "/api/v1/admin/reports/r-1/resolve", "", as("bob"))
}

func TestAnnouncementsGoToEverybody(t *testing.T) {
	b := newBench(t)
	b.messenger.announce = func(from chat.Person, clientID, text string) (messaging.Sent, error) {
		if from != alice.Person() || clientID == "" || text != "maintenance at noon" {
			return messaging.Sent{}, chat.InvalidField("text", "required", "")
		}
		return messaging.Sent{Conversation: chat.Lobby, Seq: 9, At: born, Live: true}, nil
	}
	a := b.want(201, "", "POST", "/api/v1/admin/broadcast", `{"text":"maintenance at noon"}`, as("alice"))
	if !strings.Contains(string(a.body), `"conversation":"lobby","seq":9,"at":"2026-11-21T08:30:00.005Z","live":true`) {
		t.Errorf("the answer is %s", a.body)
	}
	b.refused(422, "invalid", "text", "POST", "/api/v1/admin/broadcast", `{}`, as("alice"))
	b.refused(403, "forbidden", "", "POST", "/api/v1/admin/broadcast", `{"text":"me too"}`, as("bob"))
}

func TestNodesAreDrainedAndResumed(t *testing.T) {
	b := newBench(t)
	for _, verb := range []string{"drain", "drain", "resume"} {
		b.want(204, "", "POST", "/api/v1/admin/nodes/n-1/"+verb, "", as("alice"))
		b.refused(404, "not_found", "", "POST", "/api/v1/admin/nodes/n-2/"+verb, "", as("alice"))
		b.refused(403, "forbidden", "", "POST", "/api/v1/admin/nodes/n-1/"+verb, "", as("bob"))
	}
	if got := fmt.Sprint(b.node.orders); got != "[draining true draining true draining false]" {
		t.Errorf("orders %s", got)
	}
}

func TestHooksAreListedAndTriedAnew(t *testing.T) {
	b := newBench(t)
	b.hooks.list = func(dead bool, _ string, _ int) ([]chat.Hook, string, error) {
		h := chat.Hook{ID: "h-1", User: bob.ID, Name: chat.MessageOffline, Body: "not shown", CreatedAt: born, DueAt: born, Attempts: 3, Error: "answered 500"}
		if dead {
			h.DueAt = time.Time{}
		}
		return []chat.Hook{h}, "h-1", nil
	}
	const item = `"id":"h-1","user":"u-bob","name":"message.offline","created_at":"2026-11-21T08:30:00.005Z","attempts":3,"error":"answered 500"`
	b.want(200, `{"items":[{`+item+`,"due_at":"2026-11-21T08:30:00.005Z"}],"next":"h-1"}`, "GET", "/api/v1/admin/hooks", "", as("alice"))
	b.want(200, `{"items":[{`+item+`}],"next":"h-1"}`, "GET", "/api/v1/admin/hooks?state=dead", "", as("alice"))
	b.refused(422, "invalid", "state", "GET", "/api/v1/admin/hooks?state=lost", "", as("alice"))
	b.refused(403, "forbidden", "", "GET", "/api/v1/admin/hooks", "", as("bob"))

	b.hooks.retry = func(id string) error {
		if id != "h-1" {
			return chat.E("fake", chat.NotFound, nil)
		}
		return nil
	}
	b.want(204, "", "POST", "/api/v1/admin/hooks/h-1/retry", "", as("alice"))
	b.refused(404, "not_found", "", "POST", "/api/v1/admin/hooks/h-2/retry", "", as("alice"))
}
