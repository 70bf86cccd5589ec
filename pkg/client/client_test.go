package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

func TestMessagesArriveInOrderAndAreReported(t *testing.T) {
	n, r := newNode(t), make(recorder, 64)
	c, p := connect(t, n, Options{Handler: r.handler(), ReceivedEvery: 2, Device: "phone", Platform: chat.IOS, Offset: "before"})
	if q := p.req.URL.Query(); q.Get("offset") != "before" || q.Get("device") != "phone" || q.Get("platform") != "ios" {
		t.Errorf("connected with %v", q)
	}
	if got := p.req.Header.Get("Authorization"); got != "Bearer token" {
		t.Errorf("Authorization: %q", got)
	}
	next[wire.WelcomeFrame](t, r)
	p.message("o1", "c", 1)
	p.message("o2", "c", 2)
	for i := range 2 {
		m := next[Message](t, r)
		if m.Seq != int64(i+1) || m.Text != fmt.Sprint("text ", i+1) || m.Offset != fmt.Sprint("o", i+1) || m.Late {
			t.Errorf("message %d: %+v", i, m)
		}
	}
	if f := p.expect(wire.Received); f.Offset != "o2" {
		t.Errorf("reported %q", f.Offset)
	}
	if c.Offset() != "o2" {
		t.Errorf("Offset() = %q", c.Offset())
	}
	p.write(`{"type":"event","offset":"o3","name":"friend.requested","data":{"n":1}}`)
	if e := next[Event](t, r); e.Name != "friend.requested" || string(e.Data) != `{"n":1}` || e.Offset != "o3" {
		t.Errorf("event %+v", e)
	}
	p.write(`{"type":"comet","tail":1}`)
	if f := next[Frame](t, r); f.Type != "comet" {
		t.Errorf("unknown frame %+v", f)
	}
}

func TestCloseReportsWhatWasHandledAndSaysGoodbye(t *testing.T) {
	n, r := newNode(t), make(recorder, 64)
	c, p := connect(t, n, Options{Handler: r.handler(), ReceivedAfter: time.Hour})
	p.message("o1", "c", 1)
	next[wire.WelcomeFrame](t, r)
	next[Message](t, r)
	c.Close()
	if f := p.expect(wire.Received); f.Offset != "o1" {
		t.Errorf("reported %q", f.Offset)
	}
	if err := receive(t, p.ended, "end"); !websocket.IsCloseError(err, websocket.CloseNormalClosure) {
		t.Errorf("the server saw %v", err)
	}
	if _, err := c.Send(context.Background(), chat.Target{User: "u"}, text("x")); !errors.Is(err, ErrClosed) {
		t.Errorf("Send after Close: %v", err)
	}
}

func TestResumeRepeatsWhatWasNotAcknowledged(t *testing.T) {
	n, r := newNode(t), make(recorder, 64)
	c, p := connect(t, n, Options{Handler: r.handler()})
	ctx := t.Context()
	first, err := c.Queue(ctx, "id-1", chat.Target{User: "bob"}, text("one"))
	second, err2 := c.Queue(ctx, "id-2", chat.Target{User: "bob"}, text("<two>"))
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	p.expect(wire.Send)
	p.expect(wire.Send)
	p.message("o7", "c", 7)
	next[wire.WelcomeFrame](t, r)
	next[Message](t, r)
	p.conn.Close()

	p = n.welcomed("o7")
	if got := p.req.URL.Query().Get("offset"); got != "o7" {
		t.Errorf("resumed from %q", got)
	}
	for i, want := range []string{"one", "<two>"} {
		f := p.expect(wire.Send)
		if f.ID != fmt.Sprint("id-", i+1) || f.Message.Text != want || f.To.User != "bob" {
			t.Errorf("repeated %+v", f)
		}
		p.ack(f, int64(8+i))
	}
	for i, s := range []*Sending{first, second} {
		if a, err := s.Wait(ctx); err != nil || a.Seq != int64(8+i) || !a.Live || a.Conversation != "c" {
			t.Errorf("ack %d: %+v, %v", i, a, err)
		}
	}
	if err := next[error](t, r); err == nil {
		t.Error("the handler was not told of the loss")
	}
}

func TestRefusedForNowIsTriedAgain(t *testing.T) {
	n := newNode(t)
	c, p := connect(t, n, Options{})
	s, err := c.Queue(t.Context(), "again", chat.Target{User: "bob"}, text("x"))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		f := p.expect(wire.Send)
		p.write(`{"type":"error","re":%q,"code":"unavailable","detail":"later","retry":true}`, f.ID)
	}
	p.ack(p.expect(wire.Send), 1)
	if _, err := s.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestRefusedForGoodIsAnError(t *testing.T) {
	n, r := newNode(t), make(recorder, 8)
	c, p := connect(t, n, Options{Handler: Handler{Refused: r.handler().Refused}})
	s, _ := c.Queue(t.Context(), "x", chat.Target{User: "bob"}, text("x"))
	p.write(`{"type":"error","re":%q,"code":"blocked","detail":"no","retry":false}`, p.expect(wire.Send).ID)
	_, err := s.Wait(t.Context())
	var e *Error
	if !errors.As(err, &e) || e.Code != chat.Blocked || e.Detail != "no" || chat.KindOf(err) != chat.Blocked {
		t.Errorf("got %v", err)
	}
	p.write(`{"type":"error","code":"invalid","detail":"of nothing in particular"}`)
	if e := next[*Error](t, r); e.Code != chat.Invalid {
		t.Errorf("refused: %v", e)
	}
}

func TestFinalCloses(t *testing.T) {
	for code := wire.CloseKicked; code <= wire.CloseReplaced; code++ {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			n, r := newNode(t), make(recorder, 8)
			c, p := connect(t, n, Options{Handler: r.handler()})
			s, _ := c.Queue(t.Context(), "x", chat.Target{User: "bob"}, text("x"))
			next[wire.WelcomeFrame](t, r)
			p.write(`{"type":"kicked","reason":"by_admin","device":"d"}`)
			p.close(code)
			next[wire.KickedFrame](t, r)
			err := next[error](t, r)
			var closed *CloseError
			if !errors.As(err, &closed) || closed.Code != code || closed.Reason != chat.ByAdmin {
				t.Errorf("ended with %v", err)
			}
			receive(t, c.Done(), "end")
			if _, err := s.Wait(t.Context()); !errors.As(err, &closed) {
				t.Errorf("the send under way: %v", err)
			}
			if c.Err() == nil {
				t.Error("no Err")
			}
		})
	}
}

func TestRefusedConnectIsTheErrorOfDial(t *testing.T) {
	n := newNode(t)
	go func() {
		p := n.accept()
		p.write(`{"type":"error","code":"token_invalid","detail":"no","retry":false}`)
		p.close(wire.CloseInvalid)
	}()
	_, err := Dial(t.Context(), Options{URLs: []string{n.URL}, AccessToken: "bad"})
	var closed *CloseError
	if !errors.As(err, &closed) || closed.Code != wire.CloseInvalid || chat.KindOf(err) != chat.TokenInvalid {
		t.Errorf("Dial: %v", err)
	}
}

func TestExpiredTokenIsAskedForOnceMore(t *testing.T) {
	n, r := newNode(t), make(recorder, 8)
	tokens := make(chan string, 4)
	for _, s := range []string{"first", "expired", "fresh"} {
		tokens <- s
	}
	_, p := connect(t, n, Options{Handler: r.handler(), Token: func(context.Context) (string, error) { return <-tokens, nil }})
	p.conn.Close()
	p = n.accept()
	p.close(wire.CloseExpired)
	p = n.welcomed("o")
	if got := p.req.Header.Get("Authorization"); got != "Bearer fresh" {
		t.Errorf("came back with %q", got)
	}
	tokens <- "fresh"
	tokens <- "fresh"
	p.close(wire.CloseExpired)
	next[wire.WelcomeFrame](t, r)
	next[error](t, r) // lost
	next[wire.WelcomeFrame](t, r)
	var closed *CloseError
	if err := next[error](t, r); !errors.As(err, &closed) || closed.Code != wire.CloseExpired {
		t.Errorf("ended with %v", err)
	}
}

func TestDrainIsObeyedAtAnotherNode(t *testing.T) {
	a, b := newNode(t), newNode(t)
	_, p := connect(t, a, Options{URLs: []string{a.URL, b.URL}})
	p.write(`{"type":"drain","reconnect_in_ms":1}`)
	p.close(wire.CloseGoingAway)
	if q := b.welcomed("o").req.URL.Query(); q.Get("offset") != "o0" {
		t.Errorf("came back with %v", q)
	}
}

func TestDialGoesOnToTheNextNode(t *testing.T) {
	n := newNode(t)
	refusing := httptest.NewServer(http.NotFoundHandler())
	refusing.Close()
	connect(t, n, Options{URLs: []string{refusing.URL, n.URL}})
}

func TestDialSaysWhatFailedWhenItsTimeIsUp(t *testing.T) {
	notChat := httptest.NewServer(http.NotFoundHandler())
	defer notChat.Close()
	failed := make(chan struct{}, 64)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-failed; <-failed; cancel() }()
	_, err := Dial(ctx, Options{
		URLs: []string{notChat.URL}, Backoff: Backoff{Min: 1, Max: 1},
		Token: func(context.Context) (string, error) { failed <- struct{}{}; return "secret", nil },
	})
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "404") || strings.Contains(err.Error(), "secret") {
		t.Errorf("Dial: %v", err)
	}
}

func TestQuestions(t *testing.T) {
	n := newNode(t)
	c, p := connect(t, n, Options{})
	answered := make(chan []wire.MessageBody, 1)
	go func() {
		items, err := c.History(context.Background(), "c", History{BeforeSeq: 9, AfterSeq: 3, Limit: 2})
		if err != nil {
			t.Error(err)
		}
		answered <- items
	}()
	f := p.expect(wire.History)
	if f.Conversation != "c" || f.BeforeSeq != 9 || f.AfterSeq != 3 || f.Limit != 2 {
		t.Errorf("asked %+v", f)
	}
	p.write(`{"type":"history","re":%q,"items":[{"conversation":"c","seq":4},{"conversation":"c","seq":5}]}`, f.ID)
	if items := receive(t, answered, "history"); len(items) != 2 || items[1].Seq != 5 {
		t.Errorf("history %+v", items)
	}
	pinged := make(chan error, 1)
	go func() { _, err := c.Ping(context.Background()); pinged <- err }()
	p.conn.Close() // the question is asked again at the next socket
	p = n.welcomed("o")
	p.write(`{"type":"pong","re":%q}`, p.expect(wire.Ping).ID)
	if err := receive(t, pinged, "pong"); err != nil {
		t.Error(err)
	}
}

func TestWatchIsSaidAgain(t *testing.T) {
	n, r := newNode(t), make(recorder, 8)
	c, p := connect(t, n, Options{Handler: Handler{Presence: r.handler().Presence}})
	c.Watch("alice", "bob")
	c.Unwatch("bob")
	p.expect(wire.Watch)
	p.expect(wire.Unwatch)
	p.write(`{"type":"presence","users":{"alice":{"online":true,"devices":["web"]}}}`)
	if f := next[wire.PresenceFrame](t, r); !f.Users["alice"].Online {
		t.Errorf("presence %+v", f)
	}
	p.conn.Close()
	if f := n.welcomed("o").expect(wire.Watch); len(f.Users) != 1 || f.Users[0] != "alice" {
		t.Errorf("watched again: %v", f.Users)
	}
}

func TestWhatIsNotKept(t *testing.T) {
	n := newNode(t)
	c, p := connect(t, n, Options{})
	c.Typing(chat.Target{User: "bob"}, true)
	c.Signal(chat.Target{Room: "r"}, map[string]int{"x": 1})
	c.Read("c", 5)
	if f := p.expect(wire.Typing); f.To.User != "bob" || !f.On {
		t.Errorf("typing %+v", f)
	}
	if f := p.expect(wire.Signal); f.To.Room != "r" || string(f.Data) != `{"x":1}` {
		t.Errorf("signal %+v", f)
	}
	if f := p.expect(wire.Read); f.Conversation != "c" || f.Seq != 5 {
		t.Errorf("read %+v", f)
	}
}

func TestSendGivesUpWithItsContext(t *testing.T) {
	n := newNode(t)
	c, p := connect(t, n, Options{MaxPending: 1})
	ctx, cancel := context.WithCancel(t.Context())
	s, _ := c.Queue(ctx, "x", chat.Target{User: "bob"}, text("x"))
	p.expect(wire.Send)
	full, stop := context.WithCancel(t.Context())
	stop()
	if _, err := c.Queue(full, "y", chat.Target{User: "bob"}, text("y")); !errors.Is(err, context.Canceled) {
		t.Errorf("Queue beyond MaxPending: %v", err)
	}
	cancel()
	if _, err := s.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait: %v", err)
	}
	p.conn.Close()
	p = n.welcomed("o") // and is not repeated: the next thing written is the next send
	if _, err := c.Queue(t.Context(), "z", chat.Target{User: "bob"}, text("z")); err != nil {
		t.Error(err)
	}
	if f := p.expect(wire.Send); f.ID != "z" {
		t.Errorf("sent %q", f.ID)
	}
}

func TestTooLargeIsRefusedHere(t *testing.T) {
	n := newNode(t)
	c, _ := connect(t, n, Options{})
	_, err := c.Send(t.Context(), chat.Target{User: "bob"}, text(strings.Repeat("x", wire.MaxFrame)))
	if chat.KindOf(err) != chat.TooLarge {
		t.Errorf("got %v", err)
	}
}
