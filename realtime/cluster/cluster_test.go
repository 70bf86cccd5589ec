package cluster

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/testserver"
)

// S2.10: the close of an old socket that comes late leaves the new one alone.
func TestLateReleaseChangesNothing(t *testing.T) {
	onEachRedis(t, func(t *testing.T, url string) {
		c := join(t, url, &ledger{}, "n1")
		signIn(t, c, "bob", "phone", 1)
		old, fresh := session("bob", "phone", "n1"), session("bob", "phone", "n2")
		if got := claim(t, c, old, 1); got.Previous != nil || got.Online {
			t.Fatalf("first claim found %+v", got)
		}
		got := claim(t, c, fresh, 1)
		if got.Previous == nil || got.Previous.Session != old.ID || got.Previous.Reason != chat.Replaced || !got.Online {
			t.Fatalf("second claim found %+v", got)
		}
		if again := claim(t, c, fresh, 1); again.Previous != nil {
			t.Fatalf("claiming again found %+v", again.Previous)
		}
		if _, err := c.Release(t.Context(), old, 0); err != nil {
			t.Fatal(err)
		}
		found, err := c.Renew(t.Context(), []chat.Session{old, fresh})
		if err != nil || found[0].Holder != fresh.ID || found[1].Holder != fresh.ID {
			t.Fatalf("after the late release: %+v, %v", found, err)
		}
		if _, err := c.Release(t.Context(), fresh, 0); err != nil {
			t.Fatal(err)
		}
		if found, err = c.Renew(t.Context(), []chat.Session{fresh}); err != nil || found[0].Holder != "" {
			t.Fatalf("after its own release: %+v, %v", found, err)
		}
	})
}

// The login order decides, whoever is told first.
func TestRegistryFollowsTheLoginOrder(t *testing.T) {
	onEachRedis(t, func(t *testing.T, url string) {
		c := join(t, url, &ledger{}, "n1")
		if got := claim(t, c, session("bob", "phone", "n1"), 1); !got.Unknown {
			t.Fatalf("a device nobody told of: %+v", got)
		}
		signIn(t, c, "bob", "laptop", 2, chat.Device{User: "bob", ID: "phone", Login: 1, EndReason: chat.SignedInElsewhere})
		if got := claim(t, c, session("bob", "phone", "n1"), 1); got.Ended != chat.SignedInElsewhere {
			t.Fatalf("a displaced device: %+v", got)
		}
		// The word of its own sign-in comes late: it stays out.
		signIn(t, c, "bob", "phone", 1)
		if got := claim(t, c, session("bob", "phone", "n1"), 1); got.Ended != chat.SignedInElsewhere {
			t.Fatalf("after the late word: %+v", got)
		}
		// It signs in again: in, and the end of its earlier login is over.
		signIn(t, c, "bob", "phone", 3)
		if err := c.End(t.Context(), []chat.Device{{User: "bob", ID: "phone", Login: 1, EndReason: chat.DeviceRemoved}}); err != nil {
			t.Fatal(err)
		}
		if got := claim(t, c, session("bob", "phone", "n1"), 3); got.Ended != "" || got.Unknown {
			t.Fatalf("after signing in again: %+v", got)
		}
		if got := claim(t, c, session("bob", "phone", "n1"), 1); got.Ended == "" {
			t.Fatalf("a token of the earlier login: %+v", got)
		}
		st, known, err := c.Check(t.Context(), "bob", "phone")
		if err != nil || !known || st.Ended != "" || st.Login != 3 {
			t.Fatalf("check: %+v %v %v", st, known, err)
		}
	})
}

func TestEndClosesTheSocketWhereverItIs(t *testing.T) {
	onEachRedis(t, func(t *testing.T, url string) {
		l := &ledger{}
		here, there := join(t, url, l, "n1"), join(t, url, l, "n2")
		in := run(t, there)
		signIn(t, here, "bob", "phone", 1)
		s := session("bob", "phone", "n2")
		claim(t, there, s, 1)
		if err := here.End(t.Context(), []chat.Device{{User: "bob", ID: "phone", Login: 1, EndReason: chat.Disabled}}); err != nil {
			t.Fatal(err)
		}
		e := in.next(t, "a kick", func(e *Envelope) bool { return len(e.Kicks) > 0 })
		if k := e.Kicks[0]; k.Session != s.ID || k.Reason != chat.Disabled {
			t.Fatalf("kick: %+v", k)
		}
	})
}

func TestQueueIsDenseAndRepeatsAreFound(t *testing.T) {
	onEachRedis(t, func(t *testing.T, url string) {
		l := &ledger{}
		n1, n2 := join(t, url, l, "n1"), join(t, url, l, "n2")
		in := run(t, n2)
		signIn(t, n1, "bob", "phone", 1)
		start := claim(t, n2, session("bob", "phone", "n2"), 1).Head
		batch := []chat.Delivery{message("bob", 1, "one"), message("bob", 2, "two")}
		if _, err := n1.Deliver(t.Context(), batch, 0); err != nil {
			t.Fatal(err)
		}
		e := in.next(t, "two entries", func(e *Envelope) bool { return len(e.Queued) == 2 })
		if e.Queued[0].Position != start+1 || e.Queued[1].Position != start+2 || e.Queued[1].Seq != 2 {
			t.Fatalf("published %+v", e.Queued)
		}
		if strings.Contains(string(e.Queued[0].Body), "client_id") {
			t.Fatalf("the sender's id is for the sender: %s", e.Queued[0].Body)
		}
		// Delivered again, as after a lost reply, with one more: that one only.
		again := append(batch, message("bob", 3, "three"))
		if _, err := n1.Deliver(t.Context(), again, 1000); err != nil {
			t.Fatal(err)
		}
		page, err := n2.ReadQueue(t.Context(), "bob", start, 100)
		if err != nil || !slices.Equal(seqs(page), []int64{1, 2, 3}) || page.Head != start+3 {
			t.Fatalf("queue: %+v, %v", page, err)
		}
		e = in.next(t, "a nudge", func(e *Envelope) bool { return len(e.Queued) > 0 })
		if len(e.Queued[0].Body) != 0 || e.Queued[0].Position != start+3 {
			t.Fatalf("nudge: %+v", e.Queued[0])
		}
		own, err := n1.ReadQueue(t.Context(), "alice", 0, 100)
		if err != nil || len(own.Entries) != 3 || !strings.Contains(string(own.Entries[0].Body), `"client_id":"one"`) {
			t.Fatalf("the sender's own queue: %+v, %v", own, err)
		}
	})
}

func TestQueueIsTrimmedAWhileAfterAllHaveReceived(t *testing.T) {
	onEachRedis(t, func(t *testing.T, url string) {
		c := join(t, url, &ledger{}, "n1")
		signIn(t, c, "bob", "phone", 1)
		signIn(t, c, "bob", "laptop", 2)
		start := claim(t, c, session("bob", "phone", "n1"), 1).Head
		for seq := range int64(4) {
			if _, err := c.Deliver(t.Context(), []chat.Delivery{message("bob", seq+1, "x")}, 0); err != nil {
				t.Fatal(err)
			}
		}
		received := func(d chat.DeviceID, n int64) {
			t.Helper()
			o := Offset{Generation: c.Generation(), Position: start + n}
			k := &call{script: receivedScript, keys: []string{keyMeta("bob"), keyQueue("bob"), keyDevices("bob")},
				args: []any{c.gen(), string(d), o.String(), o.Position, 0}}
			if err := pipeline(t.Context(), c.r.c, []*call{k}); err != nil {
				t.Fatal(err)
			}
		}
		left := func() int {
			page, err := c.ReadQueue(t.Context(), "bob", start, 100)
			if err != nil {
				t.Fatal(err)
			}
			return len(page.Entries)
		}
		received("phone", 3)
		received("phone", 3)
		if left() != 4 {
			t.Fatal("trimmed what the laptop has not received")
		}
		received("laptop", 2)
		received("laptop", 2)
		received("phone", 4)
		if left() != 2 {
			t.Fatalf("%d entries left, want the two that the laptop lacks", left())
		}
	})
}

// The generation: a Redis that lost its data begins a new one, and what belongs
// to the old one is forgotten and not compared with.
func TestLostDataBeginsANewGeneration(t *testing.T) {
	l := &ledger{}
	server := testserver.Redis(t)
	c := join(t, server.URL(), l, "n1")
	in := run(t, c)
	signIn(t, c, "bob", "phone", 1)
	if _, err := c.Deliver(t.Context(), []chat.Delivery{message("bob", 1, "one")}, 0); err != nil {
		t.Fatal(err)
	}
	before := c.Generation()
	at := claim(t, c, session("bob", "phone", "n1"), 1).Head
	server.Flush()
	eventually(t, "a new generation", func() bool { return c.Generation() > before && c.Up() })
	select {
	case <-in.restored:
	case <-time.After(20 * time.Second):
		t.Fatal("nobody was told")
	}
	if got := claim(t, c, session("bob", "phone", "n1"), 1); !got.Unknown {
		t.Fatalf("the registry of an emptied Redis: %+v", got)
	}
	page, err := c.ReadQueue(t.Context(), "bob", at, 10)
	if err != nil || page.First <= at+1 {
		t.Fatalf("an old position %d looks as if it were in the new queue: %+v, %v", at, page, err)
	}
	before = c.Generation()
	server.Kill()
	eventually(t, "Redis is away", func() bool { return !c.Up() })
	server.Erase()
	server.Start()
	eventually(t, "another generation", func() bool { return c.Up() && c.Generation() > before })
}

// A node that has not noticed yet must not write into what another has begun.
func TestAnOldGenerationCannotWrite(t *testing.T) {
	onEachRedis(t, func(t *testing.T, url string) {
		l := &ledger{}
		ahead, behind := join(t, url, l, "n1"), join(t, url, l, "n2")
		old := behind.Generation()
		if err := l.Mint(t.Context(), old, old+1, l.identity); err != nil {
			t.Fatal(err)
		}
		ahead.generation.Store(old + 1)
		signIn(t, ahead, "bob", "phone", 1)
		if _, err := behind.Deliver(t.Context(), []chat.Delivery{message("bob", 1, "one")}, 0); err != nil {
			t.Fatal(err)
		}
		if behind.Generation() != old+1 {
			t.Fatal("the node did not follow")
		}
		page, err := ahead.ReadQueue(t.Context(), "bob", 0, 10)
		if err != nil || !slices.Equal(seqs(page), []int64{1}) {
			t.Fatalf("queue: %+v, %v", page, err)
		}
	})
}

func TestTwoNodesAgreeOnOneGeneration(t *testing.T) {
	l := &ledger{}
	server := testserver.Redis(t)
	a, b := join(t, server.URL(), l, "n1"), join(t, server.URL(), l, "n2")
	run(t, a)
	run(t, b)
	for range 5 {
		before := a.Generation()
		server.Flush()
		eventually(t, "both are on", func() bool { return a.Generation() > before && a.Generation() == b.Generation() && a.Up() && b.Up() })
	}
	if a.Generation() > 20 {
		t.Fatalf("%d generations for five losses: the nodes outbid each other", a.Generation())
	}
}

func TestPresenceIsLeaseAndSession(t *testing.T) {
	onEachRedis(t, func(t *testing.T, url string) {
		l := &ledger{}
		c, dead := join(t, url, l, "n1"), join(t, url, l, "n2")
		run(t, c)
		signIn(t, c, "bob", "phone", 1)
		signIn(t, c, "eve", "phone", 1)
		s := session("bob", "phone", "n1")
		claim(t, c, s, 1)
		claim(t, dead, session("eve", "phone", "n2"), 1) // n2 holds no lease
		now, err := c.Presences(t.Context(), []chat.UserID{"bob", "eve", "nobody"})
		if err != nil || len(now) != 1 || !now["bob"].Online || !slices.Equal(now["bob"].Devices, []chat.Platform{chat.Web}) {
			t.Fatalf("presence: %+v, %v", now, err)
		}
		if _, err := c.Release(t.Context(), s, time.Minute); err != nil {
			t.Fatal(err)
		}
		if now, err = c.Presences(t.Context(), []chat.UserID{"bob"}); err != nil || !now["bob"].Online || now["bob"].Until.IsZero() {
			t.Fatalf("within the grace time: %+v, %v", now, err)
		}
		if err := c.Hold(t.Context(), []chat.UserID{"bob", "carol"}, nil, true); err != nil {
			t.Fatal(err)
		}
		ids, next, total, err := c.Online(t.Context(), nil, "", 1)
		if err != nil || total != 2 || len(ids) != 1 || ids[0] != "bob" || next != "bob" {
			t.Fatalf("online: %v %q %d %v", ids, next, total, err)
		}
		if ids, next, _, err = c.Online(t.Context(), nil, next, 1); err != nil || ids[0] != "carol" || next != "" {
			t.Fatalf("online, next page: %v %q %v", ids, next, err)
		}
	})
}

func TestTicketWorksOnce(t *testing.T) {
	onEachRedis(t, func(t *testing.T, url string) {
		c := join(t, url, &ledger{}, "n1")
		who := chat.Identity{User: "bob", Device: "a device\nof his", Login: 7}
		if err := c.PutTicket(t.Context(), "hash", who, time.Minute); err != nil {
			t.Fatal(err)
		}
		if got, ok, err := c.TakeTicket(t.Context(), "hash"); err != nil || !ok || got != who {
			t.Fatalf("%+v %v %v", got, ok, err)
		}
		if _, ok, err := c.TakeTicket(t.Context(), "hash"); err != nil || ok {
			t.Fatalf("again: %v %v", ok, err)
		}
	})
}

func TestLogIsSortedHoweverItIsWritten(t *testing.T) {
	onEachRedis(t, func(t *testing.T, url string) {
		c := join(t, url, &ledger{}, "n1")
		for _, seq := range []int64{2, 1, 3, 2} {
			m := message("", seq, "x")
			m.Conversation, m.Recipients, m.Log = chat.Lobby, nil, true
			m.At = time.UnixMilli(1000 * seq)
			if _, err := c.Deliver(t.Context(), []chat.Delivery{m}, 0); err != nil {
				t.Fatal(err)
			}
		}
		got, err := c.ReadLog(t.Context(), chat.Lobby, 1, 10)
		if err != nil || len(got) != 2 || got[0].Seq != 2 || got[1].Seq != 3 || got[0].Sender != "alice" {
			t.Fatalf("log after 1: %+v, %v", got, err)
		}
	})
}
