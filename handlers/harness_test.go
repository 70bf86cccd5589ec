package handlers

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
)

// bench is an app with hand-made parts behind it.
type bench struct {
	t         *testing.T
	app       *fiber.App
	accounts  *fakeAccounts
	owners    *fakeOwners
	codes     *fakeCodes
	devices   *fakeDevices
	people    *fakePeople
	messenger *fakeMessenger
	desk      *fakeDesk
	hooks     *fakeHooks
	rooms     *fakeRooms
	board     *fakeBoard
	presence  *fakePresence
	node      *fakeNode
	log       *logBook

	anyStatus bool // the test makes up refusals that the operation would not think of
}

// newBench builds an app; change its options before that with more.
func newBench(t *testing.T, more ...func(*Options)) *bench {
	t.Helper()
	b := &bench{
		t: t, accounts: &fakeAccounts{}, owners: &fakeOwners{}, codes: &fakeCodes{}, devices: &fakeDevices{}, messenger: &fakeMessenger{}, desk: &fakeDesk{}, hooks: &fakeHooks{},
		people: &fakePeople{}, rooms: &fakeRooms{}, board: &fakeBoard{},
		presence: &fakePresence{}, node: &fakeNode{ready: true, strict: true}, log: &logBook{},
	}
	o := Options{
		Accounts: b.accounts, Owners: b.owners, Avatars: fakeAvatars{}, Codes: b.codes, Devices: b.devices, Messenger: b.messenger, Desk: b.desk, Hooks: b.hooks, Presence: b.presence, Node: b.node,
		People: b.people, Rooms: b.rooms, Board: b.board,
		Nodes: func() []NodeInfo {
			return []NodeInfo{{ID: "n-1", Address: "10.0.0.1:8080", Connections: 2, Sessions: 2}}
		},
		SetDraining: b.node.setDraining,
		Metrics:     http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "up 1\n") }),
		Log:         slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, change := range more {
		change(&o)
	}
	b.app = New(o)
	return b
}

// logBook is a log that may be written to from anywhere.
type logBook struct {
	mu      sync.Mutex
	b       bytes.Buffer
	changed chan struct{} // closed by the next write; nil: nobody waits
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
	return l.b.Write(p)
}

// await waits until something is written so many times.
func (l *logBook) await(t *testing.T, want string, times int) {
	t.Helper()
	late := time.After(patience)
	for {
		l.mu.Lock()
		found := strings.Count(l.b.String(), want)
		if l.changed == nil {
			l.changed = make(chan struct{})
		}
		changed := l.changed
		l.mu.Unlock()
		if found >= times {
			return
		}
		select {
		case <-changed:
		case <-late:
			t.Fatalf("the log has %q %d times, want %d:\n%s", want, found, times, l)
		}
	}
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// answer is a response that was read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// request changes a request before it is sent.
type request func(*http.Request)

// as signs a request; tokens of these tests are names.
func as(token string) request {
	return with("Authorization", "Bearer "+token)
}

func with(header, value string) request {
	return func(r *http.Request) { r.Header.Set(header, value) }
}

// do sends a request with a JSON body (empty: none) and holds it and its answer
// to openapi.yaml.
func (b *bench) do(method, target, body string, how ...request) answer {
	b.t.Helper()
	var content io.Reader = http.NoBody
	if body != "" {
		content = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, target, content)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, change := range how {
		change(r)
	}
	resp, err := b.app.Test(r, -1)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, target, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	a := answer{resp.StatusCode, resp.Header, text}
	b.checkAgainstSpec(exchange{r, body, a})
	return a
}

// want sends a request and wants a status, and exactly this JSON unless it is
// empty.
func (b *bench) want(status int, want, method, target, body string, how ...request) answer {
	b.t.Helper()
	a := b.do(method, target, body, how...)
	if a.status != status {
		b.t.Fatalf("%s %s: %d %s; want %d", method, target, a.status, a.body, status)
	}
	if want != "" && canonical(b.t, a.body) != canonical(b.t, []byte(want)) {
		b.t.Errorf("%s %s\n got %s\nwant %s", method, target, a.body, want)
	}
	return a
}

// refused sends a request and wants a problem with this status and code, and
// the field it is about unless that is empty.
func (b *bench) refused(status int, code, field, method, target, body string, how ...request) problem {
	b.t.Helper()
	a := b.do(method, target, body, how...)
	var p problem
	if err := json.Unmarshal(a.body, &p); err != nil || a.header.Get("Content-Type") != "application/problem+json" {
		b.t.Fatalf("%s %.80s: %d %s is no problem: %s", method, target, a.status, a.header.Get("Content-Type"), a.body)
	}
	if a.status != status || p.Status != status || string(p.Code) != code {
		b.t.Errorf("%s %.80s: %d %s; want %d %s", method, target, a.status, a.body, status, code)
	}
	if field != "" && (len(p.Errors) != 1 || p.Errors[0].Field != field) {
		b.t.Errorf("%s %.80s: fields %v; want %s", method, target, p.Errors, field)
	}
	return p
}

// canonical is JSON in one spelling.
func canonical(t *testing.T, b []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
