package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// recovery is how long all may take to be well again once a part is back.
const recovery = 5 * time.Second

// saysOfItself is what a node answers about its health: whether it is ready,
// what is away, and the statuses of /readyz, /readyz?strict=1 and /healthz.
func (n *node) saysOfItself() (ready bool, away []string, statuses [3]int) {
	n.s.t.Helper()
	var r struct {
		Ready    bool
		Degraded []string
	}
	a := n.Asks("GET", "/readyz", "", "")
	if err := json.Unmarshal(a.Body, &r); err != nil || r.Degraded == nil {
		n.s.t.Fatalf("/readyz says %s: %v", a.Body, err)
	}
	return r.Ready, r.Degraded, [3]int{a.Status, n.Asks("GET", "/readyz?strict=1", "", "").Status, n.Asks("GET", "/healthz", "", "").Status}
}

// awaits polls every node until it says that these parts are away.
func (s *story) awaits(within time.Duration, away ...string) {
	s.t.Helper()
	want, statuses := len(away) < 2, [3]int{http.StatusOK, http.StatusServiceUnavailable, http.StatusOK}
	switch len(away) {
	case 0:
		statuses[1] = http.StatusOK
	case 2:
		statuses[0] = http.StatusServiceUnavailable
	}
	for _, n := range s.running() {
		var ready bool
		var gone []string
		var got [3]int
		if !until(s.patience(within), func() bool {
			ready, gone, got = n.saysOfItself()
			return ready == want && slices.Equal(gone, away) && got == statuses
		}) {
			s.t.Fatalf("%s says ready=%v, away %q, statuses %v; want %v, %q, %v", n.id, ready, gone, got, want, away, statuses)
		}
	}
}

// mustWait expects an HTTP call to be refused for now, with a time to come back
// at.
func (n *node) mustWait(method, path, token, body string) {
	n.s.t.Helper()
	a := n.Asks(method, path, token, body)
	if a.is(n.s, 503, chat.Unavailable); a.Header.Get("Retry-After") == "" {
		n.s.t.Fatalf("%s %s: no Retry-After", method, path)
	}
}

// Promise 8, 1: Redis killed and started empty. Sockets stay, what is sent is
// kept and acknowledged in time, what needs Redis is answered for now, what does
// not goes on; and all is well soon after its return.
func TestRedisAwayAndBackEmpty(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob, carol := s.User("alice"), s.User("bob"), s.User("carol")
	alice.On("n1")
	bob.On("n2")
	carol.On("n2").Leaves()
	alice.Says(bob, "before")
	bob.Hears("before")
	s.awaits(soon)
	s.Redis.Kill()
	var said []string
	for i := range 5 {
		text := fmt.Sprint("without ", i)
		if ack := alice.Within(2*time.Second).Says(bob, text); ack.Live {
			t.Errorf("%q is said to be live", text)
		}
		alice.Within(2*time.Second).Says(carol, text)
		said = append(said, text)
	}
	s.awaits(soon, "redis")
	bob.Hears(said...) // more slowly, but not only after its return
	for _, n := range s.nodes {
		n.Asks("GET", "/api/v1/me", alice.grant.AccessToken, "").into(s, new(client.User))
		n.Asks("GET", "/api/v1/conversations", alice.grant.AccessToken, "").into(s, new(struct{}))
		n.mustWait("POST", "/api/v1/presence", alice.grant.AccessToken, `{"users":["x"]}`)
		n.mustWait("GET", "/api/v1/presence/online", alice.grant.AccessToken, "")
		n.mustWait("GET", "/api/v1/me/devices", alice.grant.AccessToken, "")
		n.mustWait("POST", "/api/v1/auth/ticket", alice.grant.AccessToken, "")
		n.mustWait("POST", "/api/v1/auth/login", "", fmt.Sprintf(`{"login":"alice","password":%q}`, alice.password))
		carol.Tries(n.id)
		if f, err := carol.line.next(wire.Error, soon); err != nil || f.Code != chat.Unavailable || !f.Retry {
			t.Errorf("a connect to %s is answered %+v, %v", n.id, f, err)
		}
	}
	alice.mustWaitFor(wire.ClientFrame{Type: wire.Signal, ID: "s", To: &wire.Target{User: bob.ID}, Data: []byte(`1`)})
	alice.mustWaitFor(wire.ClientFrame{Type: wire.Watch, ID: "w", Users: []chat.UserID{bob.ID}})
	alice.StaysOn()
	bob.StaysOn()
	s.Redis.Erase()
	s.Redis.Start()
	s.awaits(recovery)
	alice.Within(recovery).eventually("what is said is live", func() bool {
		said := alice.Says(bob, "again")
		return said.Live
	})
	carol.ReturnsWhenItMay("n1").Hears(said...)
	alice.SignsIn().StaysOnAfterSigningIn("n1")
	alice.Watches(bob).SeesOnline(bob)
	bob.Signals(alice, "hi")
	alice.HearsSignal(bob, "hi")
}

// StaysOnAfterSigningIn returns on the new session of the same device.
func (d *device) StaysOnAfterSigningIn(node string) {
	d.s.t.Helper()
	d.Returns(node).StaysOn()
}

// mustWaitFor expects a frame to be refused for now.
func (d *device) mustWaitFor(f wire.ClientFrame) {
	d.s.t.Helper()
	reply, err := d.line.ask(f, d.within)
	if err != nil || reply.Code != chat.Unavailable || !reply.Retry {
		d.fail("%s is answered %+v, %v", f.Type, reply, err)
	}
}

// Promise 8, 2: Redis hangs for five seconds and goes on where it was. Nothing
// is lost, nothing comes twice, no socket ends.
func TestRedisHangsForAWhile(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob := s.User("alice"), s.User("bob")
	alice.On("n1")
	bob.On("n2")
	alice.Says(bob, "before")
	bob.Hears("before")
	s.Redis.Pause()
	began := time.Now()
	pace := time.NewTicker(250 * time.Millisecond)
	defer pace.Stop()
	var said []string
	for time.Since(began) < 5*time.Second {
		text := fmt.Sprint("while it hangs ", len(said))
		alice.Within(2*time.Second).Says(bob, text)
		said = append(said, text)
		<-pace.C
	}
	s.awaits(soon, "redis")
	s.Redis.Resume()
	s.awaits(recovery)
	alice.Within(recovery).eventually("what is said is live", func() bool {
		said = append(said, fmt.Sprint("after ", len(said)))
		return alice.Says(bob, said[len(said)-1]).Live
	})
	bob.Hears(said...)
	bob.HearsNothing()
	alice.StaysOn()
	bob.Leaves()
	alice.Says(bob, "and then")
	bob.Returns("n1").Hears("and then")
	bob.HearsNothing()
}

// Promise 8, 6: who is disabled while Redis is away is off soon after its
// return, and so is who was signed out.
func TestEndsWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob, carol := s.User("alice"), s.User("bob"), s.User("carol")
	alice.On("n1")
	bob.On("n2")
	carol.On("n1")
	s.Redis.Pause()
	s.Tieline("", "user", "disable", "bob")
	s.Tieline("", "user", "kick", "carol")
	for _, n := range s.nodes {
		n.Asks("GET", "/api/v1/me", bob.grant.AccessToken, "").is(s, 403, chat.AccountDisabled)
		n.Asks("GET", "/api/v1/me", carol.grant.AccessToken, "").is(s, 401, chat.SessionEnded)
	}
	s.Redis.Resume()
	bob.Within(recovery).IsKicked(chat.Disabled).ClosedWith(wire.CloseDisabled)
	carol.Within(recovery).IsKicked(chat.ByAdmin).ClosedWith(wire.CloseKicked)
	alice.StaysOn()
	s.awaits(recovery)
	carol.IsOut(chat.ByAdmin)
}

// Promise 8: without the database signals, typing, presence and kicks go on, and
// people come back; sends are refused for now, and work once it is back.
func TestTheDatabaseAwayAndBack(t *testing.T) {
	t.Parallel()
	s := newStory(t, ownDatabase(), setting("TIELINE_OFFLINE_GRACE", "1s"))
	alice, bob := s.User("alice"), s.User("bob")
	alice.On("n1").Watches(bob)
	bob.On("n2")
	alice.SeesOnline(bob)
	said := alice.Says(bob, "before")
	bob.Hears("before")
	s.Database.Kill()
	again := Said{ID: chat.NewID(), Text: "without", To: bob.target()}
	alice.mustWaitFor(again.frame())
	alice.mustWaitFor(wire.ClientFrame{Type: wire.History, ID: "h", Conversation: said.Conversation})
	s.awaits(soon, "database")
	alice.Signals(bob, "ring")
	bob.HearsSignal(alice, "ring")
	alice.Types(bob, true)
	bob.SeesTyping(alice, true)
	bob.Leaves()
	alice.Within(3 * time.Second).SeesOffline(bob)
	bob.Returns("n1")
	alice.SeesOnline(bob)
	old := bob.TakesOver("n2")
	old.IsKicked(chat.Replaced).ClosedWith(wire.CloseReplaced)
	bob.StaysOn()
	for _, n := range s.nodes {
		n.mustWait("GET", "/api/v1/me", alice.grant.AccessToken, "")
		n.mustWait("POST", "/api/v1/auth/login", "", fmt.Sprintf(`{"login":"alice","password":%q}`, alice.password))
		n.mustWait("GET", "/api/v1/conversations/"+string(said.Conversation)+"/messages", alice.grant.AccessToken, "")
	}
	alice.mustWaitFor(again.frame())
	s.Database.Start()
	s.awaits(recovery)
	alice.SaysAgain(again)
	alice.SaysAgain(again)
	bob.Hears("without")
	bob.HearsNothing()
	alice.FindsInHistory(said.Conversation, "before", "without")
}

// Promise 1, 2: the database is killed and started under traffic. Whatever was
// acknowledged is kept, whatever was not is repeated, nothing comes twice.
func TestTheDatabaseRestartsUnderTraffic(t *testing.T) {
	t.Parallel()
	s := newStory(t, ownDatabase())
	alice, bob := s.User("alice"), s.User("bob")
	says, _ := connects(t, alice.device, "n1")
	bob.On("n2")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	const many = 400
	var sendings []*client.Sending
	var texts []string
	for i := range many {
		if i == many/4 {
			s.Database.Kill()
		}
		if i == many/2 {
			s.Database.Start()
		}
		texts = append(texts, fmt.Sprint(i+1))
		one, err := says.Queue(ctx, chat.NewID(), chat.Target{User: bob.ID}, chat.Draft{Kind: chat.Text, Text: texts[i]})
		if err != nil {
			t.Fatal(err)
		}
		sendings = append(sendings, one)
	}
	order := make([]string, many) // what was refused for now may be kept after what was said later
	for i, one := range sendings {
		ack, err := one.Wait(ctx)
		if err != nil || ack.Seq < 1 || ack.Seq > many || order[ack.Seq-1] != "" {
			t.Fatalf("%s: seq %d, %v", texts[i], ack.Seq, err)
		}
		order[ack.Seq-1] = texts[i]
	}
	bob.Hears(order...)
	bob.HearsNothing()
}

// Promise 8: with both away a node is not ready, and nothing else; sockets stay,
// and all is well when they are back.
func TestBothAway(t *testing.T) {
	t.Parallel()
	s := newStory(t, ownDatabase())
	alice, bob := s.User("alice"), s.User("bob")
	alice.On("n1")
	bob.On("n2")
	s.awaits(soon)
	s.Redis.Kill()
	s.Database.Kill()
	s.awaits(soon, "redis", "database")
	alice.StaysOn()
	again := Said{ID: chat.NewID(), Text: "kept after all", To: bob.target()}
	alice.mustWaitFor(again.frame())
	s.Database.Start()
	s.awaits(recovery, "redis")
	s.Redis.Start()
	s.awaits(recovery)
	alice.SaysAgain(again)
	bob.Hears("kept after all")
	bob.HearsNothing()
	alice.StaysOn()
}
