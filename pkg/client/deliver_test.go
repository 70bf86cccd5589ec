package client

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// seqs waits for messages with these seqs, in this order.
func seqs(t *testing.T, r recorder, want ...int64) (got []Message) {
	t.Helper()
	for _, seq := range want {
		m := next[Message](t, r)
		if m.Seq != seq {
			t.Fatalf("seq %d was handed on, want %d", m.Seq, seq)
		}
		got = append(got, m)
	}
	return got
}

func TestOvertakenMessagesAreHandedOnInOrder(t *testing.T) {
	n, r := newNode(t), make(recorder, 64)
	c, p := connect(t, n, Options{Handler: Handler{Message: r.handler().Message}, Reorder: time.Hour})
	for i, seq := range []int64{5, 8, 7, 6, 9} {
		p.message(string(rune('a'+i)), "c", seq)
	}
	seqs(t, r, 5, 6, 7, 8, 9)
	settled(t, c)
	if c.Offset() != "e" {
		t.Errorf("offset %q", c.Offset())
	}
}

// settled waits until the handler is done with everything it was given.
func settled(t *testing.T, c *Client) {
	t.Helper()
	done := make(chan struct{})
	c.note(func(*Handler) { close(done) })
	receive(t, done, "turn")
}

func TestOffsetStaysBeforeAMessageHeldBack(t *testing.T) {
	n, r := newNode(t), make(recorder, 64)
	c, p := connect(t, n, Options{Handler: Handler{Message: r.handler().Message}, Reorder: time.Hour})
	p.message("a", "c", 1)
	p.message("b", "c", 3)
	p.message("c", "other", 1)
	seqs(t, r, 1, 1)
	settled(t, c)
	if c.Offset() != "a" {
		t.Errorf("offset %q, although seq 3 has not been handed on", c.Offset())
	}
	p.message("d", "c", 2)
	seqs(t, r, 2, 3)
	settled(t, c)
	if c.Offset() != "d" {
		t.Errorf("offset %q", c.Offset())
	}
}

func TestWaitingForAnOvertakenMessageEnds(t *testing.T) {
	n, r := newNode(t), make(recorder, 64)
	_, p := connect(t, n, Options{Handler: Handler{Message: r.handler().Message}, Reorder: time.Millisecond})
	p.message("a", "c", 1)
	p.message("b", "c", 3)
	seqs(t, r, 1, 3)
	p.message("c", "c", 2)
	if m := seqs(t, r, 2); !m[0].Late {
		t.Error("a message after a later one is not marked late")
	}
}

func TestDuplicatesAreDroppedAlsoOverAReconnect(t *testing.T) {
	n, r := newNode(t), make(recorder, 64)
	_, p := connect(t, n, Options{Handler: Handler{Message: r.handler().Message}})
	p.message("a", "c", 1)
	p.message("b", "c", 2)
	seqs(t, r, 1, 2)
	p.conn.Close()
	p = n.welcomed("x") // another generation of offsets: the same messages again
	p.message("x1", "c", 1)
	p.message("x2", "c", 2)
	p.message("x3", "c", 3)
	seqs(t, r, 3)
}

func TestOwnMessagesFillTheirPlaces(t *testing.T) {
	n, r := newNode(t), make(recorder, 64)
	c, p := connect(t, n, Options{Handler: Handler{Message: r.handler().Message}, Reorder: time.Hour})
	p.message("a", "c", 1)
	s, _ := c.Queue(t.Context(), "x", chat.Target{User: "bob"}, text("x"))
	f := p.expect(wire.Send)
	p.message("b", "c", 3) // waits for 2, which is our own
	p.ack(f, 2)
	seqs(t, r, 1, 3)
	if _, err := s.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestGapAndSyncedReleaseWhatWaits(t *testing.T) {
	n, r := newNode(t), make(recorder, 64)
	h := Handler{Message: r.handler().Message, Gap: r.handler().Gap, Synced: r.handler().Synced}
	_, p := connect(t, n, Options{Handler: h, Reorder: time.Hour})
	p.message("a", "c", 1)
	p.write(`{"type":"gap","conversation":"c","after_seq":1,"before_seq":1000}`)
	p.message("b", "c", 1000)
	p.message("c", "c", 1002)
	p.write(`{"type":"synced","offset":"c","count":3,"source":"history"}`)
	seqs(t, r, 1)
	if g := next[wire.GapFrame](t, r); g.BeforeSeq != 1000 {
		t.Errorf("gap %+v", g)
	}
	seqs(t, r, 1000, 1002)
	if s := next[wire.SyncedFrame](t, r); s.Count != 3 || s.Source != wire.SourceHistory {
		t.Errorf("synced %+v", s)
	}
}

// A handler that answers each message and waits for that to be kept does not
// lock itself out, although its own acks stand behind a full buffer.
func TestHandlerMayWaitForReplies(t *testing.T) {
	n, r := newNode(t), make(recorder, 64)
	ready := make(chan *Client, 1)
	h := Handler{Message: func(m Message) {
		c := <-ready
		ready <- c
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if _, err := c.Send(ctx, chat.Target{User: "bob"}, text("echo")); err != nil {
			t.Error(err)
		}
		r <- m
	}}
	c, p := connect(t, n, Options{Handler: h, Buffer: 4})
	for i := range 16 { // four times what the buffer holds, before the first ack
		p.message("o", "c", int64(2*i+1))
		if i == 15 {
			ready <- c
		}
	}
	for i := range 16 {
		p.ack(p.expect(wire.Send), int64(2*i+2))
	}
	for range 16 {
		next[Message](t, r)
	}
}

func TestInboxHoldsTheReaderBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asking atomic.Bool
		b := newInbox(2, asking.Load)
		put := 0
		go func() {
			for b.put(item{note: func() {}}) {
				put++
			}
		}()
		steps := []struct {
			name string
			do   func()
			want int
		}{
			{"full", func() {}, 2},
			{"one taken", func() { b.take(nil) }, 3},
			{"somebody waits for a reply", func() { asking.Store(true); b.nudge() }, 1 + 2*relief},
			{"stopped", b.stop, 1 + 2*relief},
		}
		for _, s := range steps {
			s.do()
			synctest.Wait()
			if put != s.want {
				t.Errorf("%s: %d were put, want %d", s.name, put, s.want)
			}
		}
	})
}
