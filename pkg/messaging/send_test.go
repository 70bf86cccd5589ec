package messaging

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

func TestASendIsKeptDeliveredAndAnswered(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		for _, c := range []struct {
			o    Outgoing
			want chat.Delivery
		}{
			{
				Outgoing{Session: "s1", Device: "d1", ClientID: "a", To: chat.Target{User: "bob"}, Draft: chat.Draft{Kind: chat.Text, Text: "hi"}},
				chat.Delivery{Origin: "s1", Session: true, Recipients: []chat.UserID{"ann", "bob"}, Message: chat.Message{Conversation: chat.DirectID("ann", "bob"), Seq: 1, To: chat.Target{User: "bob"}}},
			},
			{
				Outgoing{Device: "d1", ClientID: "b", To: chat.Target{Conversation: chat.DirectID("ann", "bob")}, Draft: chat.Draft{Kind: chat.Sticker, Media: "m"}},
				chat.Delivery{Origin: "device d1", Recipients: []chat.UserID{"ann", "bob"}, Message: chat.Message{Conversation: chat.DirectID("ann", "bob"), Seq: 2, To: chat.Target{User: "bob"}}},
			},
			{
				Outgoing{Session: "s1", ClientID: "c", To: chat.Target{User: "ann"}, Draft: chat.Draft{Kind: chat.Text, Text: "note"}},
				chat.Delivery{Origin: "s1", Session: true, Recipients: []chat.UserID{"ann"}, Message: chat.Message{Conversation: chat.DirectID("ann", "ann"), Seq: 1, To: chat.Target{User: "ann"}}},
			},
			{
				Outgoing{Session: "s1", ClientID: "d", To: chat.Target{Room: chat.Lobby}, Draft: chat.Draft{Kind: chat.Text, Text: "all", ReplyTo: 1, Mentions: []chat.UserID{"bob"}}},
				chat.Delivery{Origin: "s1", Session: true, Log: true, Message: chat.Message{Conversation: chat.Lobby, Seq: 1, To: chat.Target{Room: chat.Lobby}}},
			},
		} {
			c.o.From = chat.Person{ID: "ann", Username: "ann", Nickname: "Ann"}
			sent, err := n.Send(context.Background(), c.o)
			if want := (Sent{Conversation: c.want.Conversation, Seq: c.want.Seq, At: time.Now(), Live: true}); err != nil || sent != want {
				t.Errorf("%s: have %+v, %v, want %+v", c.o.ClientID, sent, err, want)
			}
			c.want.From, c.want.Draft, c.want.ClientID, c.want.At = c.o.From, c.o.Draft, c.o.ClientID, sent.At
			if got := n.c.queue[len(n.c.queue)-1]; !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s: delivered %+v\nwant %+v", c.o.ClientID, got, c.want)
			}
		}
	})
}

// An announcement takes the way of any message; its own sender's devices are
// pushed it, too.
func TestAnAnnouncementIsForEverybody(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		ann := chat.Person{ID: "ann", Username: "ann"}
		for _, wrong := range []string{"", " \n", strings.Repeat("漢", chat.MaxText+1)} {
			if _, err := n.Announce(context.Background(), ann, "id", wrong); chat.KindOf(err) != chat.Invalid {
				t.Errorf("%.10q: %v", wrong, err)
			}
		}
		for range 2 { // the same id is the same announcement
			sent, err := n.Announce(context.Background(), ann, "id", "hear, hear")
			if err != nil || sent.Conversation != chat.Lobby || sent.Seq != 1 {
				t.Fatalf("%+v, %v", sent, err)
			}
		}
		d := n.c.queue[0]
		if len(n.c.queue) != 1 || d.Kind != chat.System || d.Text != "hear, hear" || d.From != ann || d.Origin != "" || d.Session || !d.Log {
			t.Errorf("delivered %+v", n.c.queue)
		}
		if _, err := n.Send(context.Background(), Outgoing{From: ann, ClientID: "x", To: chat.Target{Room: chat.Lobby}, Draft: d.Draft}); chat.KindOf(err) != chat.Invalid {
			t.Errorf("a user says something as the system: %v", err)
		}
	})
}

func TestWhatIsRefused(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		bobs, err := n.a.OpenDirect(context.Background(), "bob", "cid")
		if err != nil {
			t.Fatal(err)
		}
		anns, err := n.OpenDirect(context.Background(), "ann", "bob")
		if err != nil {
			t.Fatal(err)
		}
		text := func(s string) chat.Draft { return chat.Draft{Kind: chat.Text, Text: s} }
		for name, c := range map[string]struct {
			o    Outgoing
			want chat.Kind
		}{
			"no id":             {Outgoing{To: chat.Target{Room: chat.Lobby}, Draft: text("x")}, chat.Invalid},
			"long id":           {Outgoing{ClientID: strings.Repeat("漢", 65), To: chat.Target{Room: chat.Lobby}, Draft: text("x")}, chat.Invalid},
			"longest id":        {Outgoing{ClientID: strings.Repeat("漢", 64), To: chat.Target{Room: chat.Lobby}, Draft: text("x")}, ""},
			"no text":           {Outgoing{ClientID: "1", To: chat.Target{Room: chat.Lobby}, Draft: text(" \n")}, chat.Invalid},
			"system":            {Outgoing{ClientID: "2", To: chat.Target{Room: chat.Lobby}, Draft: chat.Draft{Kind: chat.System, Text: "x"}}, chat.Invalid},
			"to nobody":         {Outgoing{ClientID: "3", To: chat.Target{User: "nobody"}, Draft: text("x")}, chat.NotFound},
			"no target":         {Outgoing{ClientID: "4", Draft: text("x")}, chat.NotFound},
			"no such room":      {Outgoing{ClientID: "5", To: chat.Target{Room: "cellar"}, Draft: text("x")}, chat.NotFound},
			"no room":           {Outgoing{ClientID: "6", To: chat.Target{Room: anns.ID}, Draft: text("x")}, chat.NotFound},
			"of others":         {Outgoing{ClientID: "7", To: chat.Target{Conversation: bobs.ID}, Draft: text("x")}, chat.NotFound},
			"of others as room": {Outgoing{ClientID: "8", To: chat.Target{Room: bobs.ID}, Draft: text("x")}, chat.NotFound},
			"one's own":         {Outgoing{ClientID: "9", To: chat.Target{Conversation: anns.ID}, Draft: text("x")}, ""},
		} {
			c.o.From.ID = "ann"
			if _, err := n.Send(context.Background(), c.o); chat.KindOf(err) != c.want {
				t.Errorf("%s: %v, want %q", name, err, c.want)
			}
		}
		n.a.goAway(true) // before the conversation is known, and after
		for _, to := range []chat.Target{{User: "dan"}, {Conversation: "unheard of"}, {Room: chat.Lobby}} {
			_, err := n.Send(context.Background(), Outgoing{From: chat.Person{ID: "ann"}, ClientID: "away", To: to, Draft: text("x")})
			if chat.KindOf(err) != chat.Unavailable {
				t.Errorf("to %v while the database is away: %v", to, err)
			}
		}
	})
}

func TestARepeatIsDeliveredOnce(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		n.submit("a", "b")
		n.wantAnswers("1 live, 2 live", "a", "b")
		pass(time.Hour)
		n.submit("b", "a", "a", "c")
		n.wantAnswers("1 live+1 live+1 live, 2 live+2 live, 3 live", "a", "b", "c")
		n.send(ann("a", "another text"))
		n.send(ann("d", "text"))
		n.wantAnswers("1 live+1 live+1 live+conflict, 4 live", "a", "d")
		n.wantDelivered("a b c d")
	})
}

// However batches fall, what one goroutine submits is kept and delivered in that
// order.
func TestTheOrderOfOneSubmitter(t *testing.T) {
	n := newNode(t, newArchive(), newCourier(t))
	n.start()
	done := make(chan struct{}, 10_000)
	const senders, many = 4, 2500
	for s := range senders {
		go func() {
			for i := range many {
				o := ann(fmt.Sprintf("%d %d", s, i), "text")
				o.From.ID = chat.UserID(fmt.Sprint("user", s))
				n.Submit(context.Background(), o, func(_ Sent, err error) {
					if err != nil {
						t.Error(err)
					}
					done <- struct{}{}
				})
			}
		}()
	}
	for range senders * many {
		<-done
	}
	n.stop()
	last := map[string]int{}
	for i, d := range n.c.queue {
		sender, number := "", 0
		if _, err := fmt.Sscan(d.ClientID, &sender, &number); err != nil {
			t.Fatal(err)
		}
		if number != last[sender] || d.Seq != int64(i+1) {
			t.Fatalf("delivery %d is %q with seq %d, after %d", i, d.ClientID, d.Seq, last[sender])
		}
		last[sender]++
	}
	if len(n.c.queue) != senders*many {
		t.Error(len(n.c.queue))
	}
}

// As many as may wait do, then senders do, and those for whom there is no room
// in time are told to come again.
func TestTooManyAtOnce(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		gate := make(chan struct{})
		n.a.hook(func(int64, []*chat.Pending) error { <-gate; return nil })
		n.submit("first")
		synctest.Wait() // it is being committed
		ids := numbered("m", maxWaiting)
		n.submit(ids...)
		short, cancel := context.WithTimeout(context.Background(), admitWithin/2)
		defer cancel()
		go n.Submit(short, ann("short", "text"), func(_ Sent, err error) {
			if e := err.(*chat.Error); e.Kind != chat.Unavailable || e.Retry <= 0 {
				t.Errorf("short: %+v", e)
			}
		})
		go n.submit("late")
		go n.submit("later")
		n.wantAnswers(", , ", "short", "late", "later")
		pass(admitWithin)
		n.wantAnswers("unavailable, unavailable", "late", "later")
		if took := n.took("late"); took != admitWithin {
			t.Errorf("refused after %v", took)
		}
		go n.submit("in time")
		synctest.Wait()
		pass(admitWithin - time.Millisecond)
		close(gate)
		n.wantAnswers("1 live, 2 live, 8193 live, 8194 live", "first", "m1", ids[maxWaiting-1], "in time")
	})
}

// Whoever no longer waits for the answer has said what was said.
func TestSendGivesUpWaiting(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		gate := make(chan struct{})
		n.a.hook(func(int64, []*chat.Pending) error { <-gate; return nil })
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := n.Send(ctx, ann("a", "text")); chat.KindOf(err) != chat.Unavailable {
			t.Error(err)
		}
		close(gate)
		n.wantDelivered("a")
		n.submit("a")
		n.wantAnswers("1 live", "a")
	})
}

// What was accepted before the end is kept, delivered and answered; what comes
// after it is refused, and nobody waits for ever.
func TestTheEnd(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		gate := make(chan struct{})
		n.a.hook(func(int64, []*chat.Pending) error { <-gate; return nil })
		ids := numbered("m", 1300)
		n.submit(ids...)
		ended := make(chan struct{})
		go func() { n.stop(); close(ended) }()
		synctest.Wait()
		n.submit("meanwhile") // the first is still being committed
		close(gate)
		<-ended
		n.wantAnswers("1 live, 1300 live, 1301 live", "m1", "m1300", "meanwhile")
		n.wantDelivered(strings.Join(ids, " ") + " meanwhile")
		n.wantWaiting("")
		n.submit("late")
		n.wantAnswers("unavailable", "late")
		if _, err := n.Send(context.Background(), ann("later", "text")); chat.KindOf(err) != chat.Unavailable {
			t.Error(err)
		}
	})
}

// One who sends when the last batch is on its way, and nothing is committed any
// more, is told so.
func TestTheEndWhileDelivering(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		gate := make(chan struct{})
		n.c.hook(func([]chat.Delivery, int) (int, error) { <-gate; return 0, nil })
		n.submit("a")
		go n.stop()
		synctest.Wait()
		n.submit("b")
		n.wantAnswers(", ", "a", "b")
		close(gate)
		n.wantAnswers("1 live, unavailable", "a", "b")
		n.wantDelivered("a")
	})
}

// Senders who are still busy at the end: each gets one answer, and what they are
// told was kept was kept.
func TestTheEndAmidSends(t *testing.T) {
	for range 50 {
		alone(t, func(t *testing.T, n *node) {
			const many = 200
			for s := range 4 {
				go n.submit(numbered(fmt.Sprint("m", s, "-"), many)...)
			}
			n.stop()
			synctest.Wait()
			kept := 0
			for s := range 4 {
				for _, id := range numbered(fmt.Sprint("m", s, "-"), many) {
					switch answer := n.answered(id); {
					case strings.HasSuffix(answer, " live") && !strings.Contains(answer, "+"):
						kept++
					case answer != "unavailable":
						t.Fatalf("%s was answered %q", id, answer)
					}
				}
			}
			if len(n.c.queue) != kept {
				t.Errorf("%d were answered, %d delivered", kept, len(n.c.queue))
			}
		})
	}
}

// Redis is away at the end: what waits for it is left to the other nodes.
func TestTheEndWithoutRedis(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		n.c.setUp(false)
		n.submit("a")
		n.stop()
		n.wantAnswers("1 kept", "a")
		n.wantWaiting("me1")
	})
}
