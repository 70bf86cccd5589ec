package main_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// told is an event that a node posted.
type told struct {
	ID   string
	Name chat.HookName
	Data struct {
		User         any // a card, or an id
		Conversation chat.ConversationID
		Seq          int64
		From         wire.PersonBody
		Text, Reason string
		Online       bool
	}
}

// listener is a program of the operator's that events are posted to. It refuses
// what is not genuine, and otherwise answers as it is told.
type listener struct {
	*httptest.Server
	t      testing.TB
	secret string

	mu     sync.Mutex
	status int
	came   int
	events []told // that were taken, each once, in the order of their first coming
}

// hooked has the nodes post events to a listener.
func hooked(t testing.TB) (*listener, storyOption) {
	l := &listener{t: t, secret: "the secret of " + chat.NewID(), status: http.StatusOK}
	l.Server = httptest.NewServer(l)
	t.Cleanup(l.Close)
	return l, func(o *storyOptions) {
		setting("TIELINE_WEBHOOK_URL", l.URL+"/hooks")(o)
		setting("TIELINE_WEBHOOK_SECRET", l.secret)(o)
	}
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the node was killed
	}
	var at int64
	var theirs string
	fmt.Sscanf(r.Header.Get("Tieline-Signature"), "t=%d,v1=%s", &at, &theirs)
	mac := hmac.New(sha256.New, []byte(l.secret))
	fmt.Fprintf(mac, "%d.%s", at, body)
	var e told
	if err := json.Unmarshal(body, &e); err != nil || theirs != hex.EncodeToString(mac.Sum(nil)) || e.ID != r.Header.Get("Tieline-Id") {
		l.t.Errorf("this is not genuine: %v %v %s", err, r.Header, body)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.came++
	if l.status == http.StatusOK && !slices.ContainsFunc(l.events, func(had told) bool { return had.ID == e.ID }) {
		l.events = append(l.events, e)
	}
	w.WriteHeader(l.status)
}

// answers has everything answered so.
func (l *listener) answers(status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status, l.came = status, 0
}

// heard are the texts of what somebody missed, in the order of their coming.
func (l *listener) heard(u *User) (texts []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.events {
		if e.Name == chat.MessageOffline && e.Data.User == string(u.ID) {
			texts = append(texts, e.Data.Text)
		}
	}
	return texts
}

// has waits for an event.
func (l *listener) has(name chat.HookName, which func(told) bool) {
	l.t.Helper()
	eventually(l.t, startup, string(name)+" is told", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return slices.ContainsFunc(l.events, func(e told) bool { return e.Name == name && which(e) })
	})
}

// missed waits until it was told of exactly these texts that somebody missed, in
// this order.
func (l *listener) missed(u *User, texts ...string) {
	l.t.Helper()
	eventually(l.t, startup, u.name+"'s missed messages are told", func() bool { return len(l.heard(u)) >= len(texts) })
	if got := l.heard(u); !slices.Equal(got, texts) {
		l.t.Errorf("%s missed %q, want %q", u.name, got, texts)
	}
}

// TIELINE_WEBHOOK_URL: a program of the operator's is told of sign-ups, of
// complaints, and of messages for those who are nowhere connected; of nothing
// else, and each once unless something fails.
func TestProgramsAreTold(t *testing.T) {
	t.Parallel()
	l, hooks := hooked(t)
	s := newStory(t, hooks, setting("TIELINE_OFFLINE_GRACE", "1s"))
	s.keepSecret(l.secret)
	alice, bob := s.User("alice"), s.User("bob")
	l.has(chat.UserRegistered, func(e told) bool {
		card, _ := e.Data.User.(map[string]any)
		return card["id"] == string(bob.ID) && card["username"] == "bob"
	})
	long := strings.Repeat("漢", 300)
	alice.On("n1").Says(bob, "one")
	alice.Says(lobby, "is anybody there?")
	bob.On("n2").Hears("one", "is anybody there?")
	phone := bob.Device("phone", chat.IOS)
	alice.Says(bob, "two")
	bob.Hears("two")
	bob.Leaves()
	phone.On("n1").HearsAll("two")
	alice.Says(bob, "three")
	phone.Hears("three")
	phone.Leaves()
	said := alice.Says(bob, long)
	for user, online := range map[*User]bool{alice: true, bob: false} {
		l.has(chat.PresenceChanged, func(e told) bool { return e.Data.User == string(user.ID) && e.Data.Online == online })
	}
	l.missed(bob, "one", strings.Repeat("漢", 200))
	l.has(chat.MessageOffline, func(e told) bool {
		return e.Data.Conversation == said.Conversation && e.Data.Seq == said.Seq && e.Data.From.ID == alice.ID
	})
	a := bob.asks(s.Node("n2"), "POST", "/reports", fmt.Sprintf(`{"target":{"user":%q},"reason":"loud"}`, alice.ID))
	if a.Status != 201 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	l.has(chat.ReportCreated, func(e told) bool { return e.Data.Reason == "loud" && e.Data.From.ID == bob.ID })
	if heard := l.heard(alice); len(heard) > 0 {
		t.Errorf("alice was there, and missed %q", heard)
	}
}

// Webhooks outlive the node that posts them: another takes over, and everything
// comes, in order, to a program that is back; so does word of whom the node held.
func TestProgramsAreToldAfterAKill(t *testing.T) {
	t.Parallel()
	l, hooks := hooked(t)
	s := newStory(t, hooks)
	root, alice, bob, carol := s.Admin("root"), s.User("alice"), s.User("bob"), s.User("carol")
	for _, u := range []*User{alice, bob, carol} {
		l.has(chat.UserRegistered, func(e told) bool { card, _ := e.Data.User.(map[string]any); return card["username"] == u.name })
	}
	posting, other := s.Node("n1"), s.Node("n2")
	eventually(t, soon, "one of them posts", func() bool {
		if posts(posting) == posts(other) {
			return false
		}
		if posts(other) {
			posting, other = other, posting
		}
		return true
	})
	bob.On(posting.id)
	l.has(chat.PresenceChanged, func(e told) bool { return e.Data.User == string(bob.ID) && e.Data.Online })
	l.answers(http.StatusInternalServerError)
	alice.On(other.id)
	for i := range 5 {
		alice.Says(carol, fmt.Sprint(i))
	}
	type waiting struct {
		ID, Name, Error string
		Attempts        int
	}
	wait := func() (list struct{ Items []waiting }) {
		root.asks(other, "GET", "/admin/hooks", "").into(s, &list)
		return list
	}
	var first waiting
	eventually(t, soon, "the first was tried", func() bool {
		list := slices.DeleteFunc(wait().Items, func(w waiting) bool { return w.Name != string(chat.MessageOffline) })
		if len(list) < 5 {
			return false
		}
		first = list[4]
		return first.Attempts > 0 && first.Error == "answered 500"
	})
	posting.Kill()
	l.answers(http.StatusOK)
	if a := root.asks(other, "POST", "/admin/hooks/"+first.ID+"/retry", ""); a.Status != 204 {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	root.asks(other, "POST", "/admin/hooks/nothing/retry", "").is(s, 404, chat.NotFound)
	l.missed(carol, "0", "1", "2", "3", "4")
	l.has(chat.PresenceChanged, func(e told) bool { return e.Data.User == string(bob.ID) && !e.Data.Online })
	eventually(t, soon, "nothing waits", func() bool { return len(wait().Items) == 0 })
}

// posts reports whether a node has posted anything.
func posts(n *node) bool {
	n.s.t.Helper()
	return !strings.Contains(string(n.Asks("GET", "/metrics", "", "").Body), "\ntieline_hooks_posted_total 0\n")
}
