package main_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// addressee is who or what something is said to: a user, or a room.
type addressee interface{ target() wire.Target }

func (u *User) target() wire.Target { return wire.Target{User: u.ID} }

// room is a room by its id.
type room chat.ConversationID

func (r room) target() wire.Target { return wire.Target{Room: chat.ConversationID(r)} }

const lobby = room(chat.Lobby)

// Said is something that was said, and the server's ack.
type Said struct {
	ID           string
	Text         string
	To           wire.Target
	Conversation chat.ConversationID
	Seq          int64
	Live         bool
}

// Says sends a text and waits until it is kept. A server that cannot just now is
// asked again, with the same id, as every client does.
func (d *device) Says(to addressee, text string) Said {
	d.s.t.Helper()
	return d.repeat(Said{ID: chat.NewID(), Text: text, To: to.target()})
}

// SaysAgain repeats something with its id and expects the same answer, if there
// was one before.
func (d *device) SaysAgain(said Said) Said {
	d.s.t.Helper()
	again := d.repeat(said)
	if said.Seq != 0 && (again.Seq != said.Seq || again.Conversation != said.Conversation) {
		d.fail("said %q again: it became seq %d of %s, it was seq %d of %s", said.Text, again.Seq, again.Conversation, said.Seq, said.Conversation)
	}
	return again
}

func (d *device) repeat(said Said) Said {
	d.s.t.Helper()
	late := time.Now().Add(d.within)
	for {
		f, err := d.line.ask(said.frame(), time.Until(late))
		switch {
		case err != nil:
			d.fail("said %q: %v", said.Text, err)
		case f.Type == wire.Ack:
			said.Conversation, said.Seq, said.Live = f.Conversation, f.Seq, f.Live
			return said
		case !f.Retry:
			d.fail("said %q: %s %s", said.Text, f.Code, f.Detail)
		}
		<-time.After(50 * time.Millisecond) // as a client paces itself; the deadline bounds it
	}
}

func (s Said) frame() wire.ClientFrame {
	return wire.ClientFrame{Type: wire.Send, ID: s.ID, To: &s.To, Message: &wire.Draft{Kind: chat.Text, Text: s.Text}}
}

// Shouts sends without waiting for anything: see Acked.
func (d *device) Shouts(to addressee, text string) Said {
	d.s.t.Helper()
	said := Said{ID: chat.NewID(), Text: text, To: to.target()}
	if err := d.line.raw.Send(said.frame()); err != nil {
		d.fail("could not send %q: %v", text, err)
	}
	return said
}

// Acked waits for the ack of something shouted.
func (d *device) Acked(said Said) Said {
	d.s.t.Helper()
	f, err := d.line.reply(said.ID, d.within)
	if err != nil || f.Type != wire.Ack {
		d.fail("said %q: %v %s", said.Text, err, f.Code)
	}
	said.Conversation, said.Seq, said.Live = f.Conversation, f.Seq, f.Live
	return said
}

// MayNotSay sends a text and expects it to be refused with a code.
func (d *device) MayNotSay(to addressee, text string, code chat.Kind) {
	d.s.t.Helper()
	d.refused(Said{ID: chat.NewID(), Text: text, To: to.target()}, code)
}

// MayNotReuse says something else under the id of something said: a conflict.
func (d *device) MayNotReuse(said Said, text string) {
	d.s.t.Helper()
	said.Text = text
	d.refused(said, chat.Conflict)
}

func (d *device) refused(said Said, code chat.Kind) {
	d.s.t.Helper()
	f, err := d.line.ask(said.frame(), d.within)
	if err != nil || f.Type != wire.Error || f.Code != code {
		d.fail("said %q: %s %s %v, want it to be refused with %s", said.Text, f.Type, f.Code, err, code)
	}
}

// Hears waits for these texts: the next messages, in this order, nothing between
// them.
func (d *device) Hears(texts ...string) {
	d.s.t.Helper()
	for _, want := range texts {
		f, err := d.line.next(wire.Message, d.within)
		if err != nil {
			d.fail("does not hear %q: %v", want, err)
		}
		if f.Text != want {
			d.fail("hears %q, want %q", f.Text, want)
		}
	}
	d.check()
}

// HearsAll is Hears in any order.
func (d *device) HearsAll(texts ...string) {
	d.s.t.Helper()
	left := slices.Clone(texts)
	for len(left) > 0 {
		f, err := d.line.next(wire.Message, d.within)
		if err != nil {
			d.fail("does not hear %q: %v", left, err)
		}
		i := slices.Index(left, f.Text)
		if i < 0 {
			d.fail("hears %q, want any of %q", f.Text, left)
		}
		left = slices.Delete(left, i, i+1)
	}
	d.check()
}

// HearsNothing says that no message has come that was not named. It is no guess:
// from every node a probe is sent to this device, and what was acknowledged
// before, on any of them, has arrived when all probes have. On a socket that has
// ended, it looks at what had come.
func (d *device) HearsNothing() {
	d.s.t.Helper()
	if d.line.open() {
		for _, n := range d.s.running() {
			d.probe(n)
		}
	}
	d.line.mu.Lock()
	heard := d.line.queues[wire.Message]
	d.line.mu.Unlock()
	if len(heard) > 0 {
		d.fail("hears %q, want nothing", heard[0].Text)
	}
	d.check()
}

func (d *device) probe(n *node) {
	d.s.t.Helper()
	text := probePre + chat.NewID()
	d.s.prober(n).Says(d.user, text)
	if err := d.line.await(d.within, func() bool { return d.line.probes[text] }); err != nil {
		d.fail("does not get a probe from %s: %v", n.id, err)
	}
}

// prober is somebody on a node who only sends probes.
func (s *story) prober(n *node) *User {
	s.t.Helper()
	u := s.probes[n]
	if u == nil {
		u = s.User("probe-" + n.id)
		s.probes[n] = u
	}
	if u.line == nil || !u.line.open() {
		u.Returns(n.id)
	}
	return u
}

// prepareProbes connects those who cannot when Redis is away.
func (s *story) prepareProbes() {
	s.t.Helper()
	for _, n := range s.running() {
		s.prober(n)
	}
}

// Synced says what the newest connect was told: how many frames it had missed
// (-1: any number), probes not counted, and from where they came ("": anywhere).
func (d *device) Synced(count int, source string) {
	d.s.t.Helper()
	f, err := d.line.next(wire.Synced, d.within)
	if err != nil || count >= 0 && f.Count != count || source != "" && f.Source != source {
		d.fail("is synced with %d frames from the %s (%v), want %d from the %q", f.Count, f.Source, err, count, source)
	}
	d.check()
}

// SeesGap waits for a gap in a conversation and returns its bounds.
func (d *device) SeesGap(in chat.ConversationID) (afterSeq, beforeSeq int64) {
	d.s.t.Helper()
	f, err := d.line.next(wire.Gap, d.within)
	if err != nil || f.Conversation != in {
		d.fail("sees a gap in %q (%v), want one in %s", f.Conversation, err, in)
	}
	return f.AfterSeq, f.BeforeSeq
}

// Reports tells the server that everything sent so far was received.
func (d *device) Reports() {
	d.s.t.Helper()
	if err := d.line.raw.Received(d.newestOffset()); err != nil {
		d.fail("cannot report: %v", err)
	}
	d.StaysOn() // so that it is not overtaken by a close
}

// IsKicked waits to be told why this device was signed out.
func (d *device) IsKicked(reason chat.Reason) *device {
	d.s.t.Helper()
	f, err := d.line.next(wire.Kicked, d.within)
	if err != nil || f.Reason != reason || f.Device != d.id {
		d.fail("is kicked: %q, device %q (%v), want %q, device %q", f.Reason, f.Device, err, reason, d.id)
	}
	return d
}

// IsTold waits for a refusal that answers nothing that was asked.
func (d *device) IsTold(code chat.Kind) *device {
	d.s.t.Helper()
	f, err := d.line.next(wire.Error, d.within)
	if err != nil || f.Code != code {
		d.fail("is told %q (%v), want %q", f.Code, err, code)
	}
	return d
}

// IsDrained waits for being asked to come back later.
func (d *device) IsDrained() *device {
	d.s.t.Helper()
	if _, err := d.line.next(wire.Drain, d.within); err != nil {
		d.fail("is not drained: %v", err)
	}
	return d
}

// ClosedWith waits for the server to close the socket.
func (d *device) ClosedWith(code int) {
	d.s.t.Helper()
	var closed *client.CloseError
	if err := d.line.end(d.within); !errors.As(err, &closed) || closed.Code != code {
		d.fail("is closed with %v, want %d", err, code)
	}
	d.check()
}

// StaysOn says that the socket still works.
func (d *device) StaysOn() {
	d.s.t.Helper()
	if f, err := d.line.ask(wire.ClientFrame{Type: wire.Ping, ID: chat.NewID()}, d.within); err != nil || f.Type != wire.Pong {
		d.fail("is no longer there: %v %s", err, f.Code)
	}
	d.check()
}

// FindsInHistory says what the newest messages of a conversation are, all of
// them if there are fewer than 200, with seqs without holes.
func (d *device) FindsInHistory(in chat.ConversationID, texts ...string) {
	d.s.t.Helper()
	d.does(func(ctx context.Context, a *client.API) error {
		all, err := a.Messages(ctx, in, client.History{Limit: wire.MaxHistory})
		var found []string
		for i, m := range all {
			found = append(found, m.Text)
			if i > 0 && m.Seq != all[i-1].Seq+1 {
				err = errors.Join(err, fmt.Errorf("seq %d follows %d", m.Seq, all[i-1].Seq))
			}
		}
		if err == nil && !slices.Equal(found, texts) {
			err = fmt.Errorf("the history is %q, want %q", found, texts)
		}
		return err
	})
}
