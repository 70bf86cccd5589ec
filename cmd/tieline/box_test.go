package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// Section 1: one node with nothing beside it and not one setting. It is all
// there, commands beside it act at once, and over a restart, or a kill, nothing
// that was said is lost and everybody is still signed in.
func TestOneNodeAlone(t *testing.T) {
	t.Parallel()
	s := newStory(t, inTheBox())
	n := s.Node("n1")
	starts := func() {
		t.Helper()
		n.Start()
		s.awaits(recovery)
	}
	s.awaits(soon)
	alice, bob := s.User("alice"), s.User("bob")
	alice.On("n1").Watches(bob)
	bob.On("n1")
	alice.SeesOnline(bob)
	alice.Says(bob, "hi")
	bob.Hears("hi")
	bob.Leaves()
	alice.Says(bob, "one")
	alice.Says(lobby, "everybody")
	s.lossy.Store(true) // the Redis in the box goes with its node
	n.Kill()
	starts()
	bob.Returns("n1").HearsAll("one", "everybody")
	alice.Returns("n1").Says(bob, "two")
	bob.Hears("two")
	n.Stop()
	starts()
	bob.Returns("n1")
	alice.Returns("n1").Says(bob, "three")
	bob.HearsAll("three")
	bob.HearsNothing()
	s.Tieline("", "user", "kick", "bob")
	bob.IsKicked(chat.ByAdmin).ClosedWith(wire.CloseKicked)
	if out := s.Tieline("", "nodes"); !strings.Contains(out, n.addr) {
		t.Errorf("the nodes are %s", out)
	}
	bob.IsOut(chat.ByAdmin)
	alice.Refreshes()
	key, err := os.ReadFile(filepath.Join(s.dir, "data", "token.key"))
	if err != nil || len(key) < 32 {
		t.Errorf("the key of the tokens: %d bytes, %v", len(key), err)
	}
	s.keepSecret(strings.TrimSpace(string(key)))
	n.Stop()
	if r := s.runs("", nil, "nodes"); r.code != 1 || strings.Count(r.errors, "\n") != 1 {
		t.Errorf("with no node running: %+v", r)
	}
	s.Tieline("", "user", "disable", "alice") // it is seen when there is one
	starts()
	alice.Tries("n1").IsTold(chat.AccountDisabled).ClosedWith(wire.CloseDisabled)
}

// Section 1: what a node shows besides its API.
func TestPagesOfANode(t *testing.T) {
	t.Parallel()
	s := newStory(t, inTheBox())
	n := s.Node("n1")
	s.awaits(soon)
	for path, has := range map[string]string{
		"/": "<html", "/docs": "<html", "/openapi.yaml": "openapi: 3", "/asyncapi.yaml": "asyncapi: 3", "/metrics": "tieline_", "/healthz": "{", "/readyz": `"ready":true`,
	} {
		if a := n.Asks("GET", path, "", ""); a.Status != 200 || !strings.Contains(string(a.Body), has) {
			t.Errorf("%s: %d %.200s, want %q in it", path, a.Status, a.Body, has)
		}
	}
}

// Promise 7, section 1: what is over a limit is refused for now, over frames and
// over HTTP, by all nodes together, and nobody else is held up.
func TestLimits(t *testing.T) {
	t.Parallel()
	s := newStory(t, setting("TIELINE_LIMIT_SENDS", "1"), setting("TIELINE_LIMIT_SIGNALS", "1"), setting("TIELINE_LIMIT_CONNECTS", "3"))
	alice, bob := s.User("alice"), s.User("bob")
	alice.On("n1")
	phone := alice.Device("phone", chat.IOS).On("n2")
	bob.On("n2")
	kept, refused, began := 0, 0, time.Now()
	for i := range 20 {
		d := []*device{alice.device, phone}[i%2]
		said := Said{ID: chat.NewID(), Text: "hurry", To: bob.target()}
		switch f, err := d.line.ask(said.frame(), soon); {
		case err == nil && f.Type == wire.Ack:
			kept++
		case err == nil && f.Code == chat.RateLimited && f.Retry:
			refused++
		default:
			t.Fatalf("%+v, %v", f, err)
		}
	}
	if took := time.Since(began); kept < 2 || float64(kept) > 3+took.Seconds() || refused == 0 {
		t.Errorf("of 20 messages in %v %d were kept, %d refused; the limit is one a second, two in a burst", took, kept, refused)
	}
	conversation := bob.Says(alice, "not so fast").Conversation // nobody else is held up
	a := answer{}
	for range 4 {
		a = s.Node("n1").Asks("POST", "/api/v1/conversations/"+string(conversation)+"/messages", alice.grant.AccessToken,
			`{"id":"`+chat.NewID()+`","message":{"kind":"text","text":"hurry"}}`)
	}
	if a.is(s, 429, chat.RateLimited); a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	alice.Says(bob, "in time") // as any client that waits
	alice.StaysOn()
	phone.StaysOn()
	var crowd sync.WaitGroup
	var turned atomic.Int32
	for range 40 {
		crowd.Go(func() {
			conn, _, err := s.Node("n2").Knock().Header("Authorization", "Bearer "+bob.grant.AccessToken).try()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			if f, _, err := first(conn); err == nil && f.Type == wire.Error && f.Code == chat.RateLimited && f.Retry {
				turned.Add(1)
			}
		})
	}
	if crowd.Wait(); turned.Load() == 0 {
		t.Error("of 40 connects at once none is refused; the limit is three a second, six in a burst")
	}
}

// Section 2: what administrators do over HTTP acts as what operators do.
func TestAdministrators(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob := s.User("alice"), s.User("bob")
	s.keepSecret("the password of root")
	s.Tieline("the password of root", "user", "add", "root", "--admin")
	root, err := s.api("").Login(t.Context(), "root", "the password of root", nil)
	if err != nil {
		t.Fatal(err)
	}
	s.keepSecret(root.AccessToken, root.RefreshToken)
	asks := func(who client.Grant, n, what string, of chat.UserID) answer {
		return s.Node(n).Asks("POST", "/api/v1/admin/users/"+string(of)+"/"+what, who.AccessToken, "")
	}
	alice.On("n1")
	bob.On("n2")
	for _, what := range []string{"kick", "disable", "enable"} {
		asks(alice.grant, "n1", what, bob.ID).is(s, 403, chat.Forbidden)
		asks(root, "n1", what, "nobody").is(s, 404, chat.NotFound)
	}
	bob.StaysOn()
	asks(root, "n1", "kick", bob.ID).is(s, 204, "")
	bob.IsKicked(chat.ByAdmin).ClosedWith(wire.CloseKicked)
	bob.SignsIn().Returns("n2")
	asks(root, "n1", "disable", bob.ID).is(s, 204, "")
	bob.IsKicked(chat.Disabled).ClosedWith(wire.CloseDisabled)
	bob.mayNotSignIn(chat.AccountDisabled)
	asks(root, "n2", "enable", bob.ID).is(s, 204, "")
	bob.SignsIn().Returns("n1").StaysOn()
	alice.StaysOn()
}
