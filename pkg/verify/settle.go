package verify

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// settle ends the traffic: what is owed is said, everything gets the time to
// arrive, every device that is signed in comes back once more, and the
// histories are read.
func (r *run) settle(ctx context.Context) error {
	step := r.bar.window("settling", r.o.Settle)
	defer step.end()
	sets := r.sets()
	r.together(sets, func(h *handset) { h.finish(ctx) })
	r.work.Wait()
	r.rec.note(Event{What: Quiet})
	r.awaitAll(ctx)
	r.together(sets, func(h *handset) { h.lastReturn(ctx) })
	r.awaitAll(ctx)
	if err := r.pullAll(ctx); err != nil {
		return err
	}
	for _, h := range sets {
		if s := h.connected(); s != nil && h.isIn() {
			h.note(Event{What: Settled})
		}
	}
	return ctx.Err()
}

// sets are all handsets.
func (r *run) sets() []*handset {
	var all []*handset
	for _, p := range slices.Concat(r.talkers, r.kicked) {
		all = append(all, p.sets...)
	}
	return all
}

func (r *run) together(sets []*handset, do func(*handset)) {
	var all sync.WaitGroup
	for _, h := range sets {
		all.Go(func() { do(h) })
	}
	all.Wait()
}

// finish connects, so that nothing is missed from now on, and repeats what is
// owed until it is answered.
func (h *handset) finish(ctx context.Context) {
	until := h.r.rec.now() + h.r.o.Settle
	for first := true; (first || h.owes()) && ctx.Err() == nil && h.r.rec.now() < until; first = false {
		s := h.connected()
		if s == nil {
			if s = h.comeBack(ctx, until); s == nil {
				return
			}
		}
		s.sayOwed()
		if h.r.rec.now()-time.Duration(s.heard.Load()) > silentAfter {
			s.leave(HowDrop)
		} else if s.ping(); pause(ctx, 200*time.Millisecond) != nil {
			return
		}
	}
}

// awaitAll waits until no device lacks anything that it must have, or until
// that has taken too long.
func (r *run) awaitAll(ctx context.Context) {
	for until := r.rec.now() + r.o.Settle; r.rec.now() < until; {
		w, lack := newWorld(r.rec.history()), false
		for _, h := range r.sets() {
			if d := w.byPlace[place{h.who.id, h.id}]; d != nil && d.start != nil && h.isIn() && len(w.missing(d)) > 0 {
				lack = true
				break
			}
		}
		if !lack || pause(ctx, 300*time.Millisecond) != nil {
			return
		}
	}
}

// lastReturn has the device leave and come back, with its newest offset.
func (h *handset) lastReturn(ctx context.Context) {
	if s := h.connected(); s != nil {
		s.leave(HowBye)
	}
	if !h.isIn() {
		return
	}
	until, why := h.r.rec.now()+h.r.o.Settle, "it was not let in"
	for ctx.Err() == nil && h.r.rec.now() < until {
		s := h.comeBack(ctx, until)
		if s == nil {
			break
		}
		if s.await(ctx, s.level, until-h.r.rec.now()) {
			return
		}
		why = "it was let in, and not told that it is level"
	}
	_, grant, _ := h.credential(ctx) // the number is there even if the token is not
	h.note(Event{What: Strand, Grant: grant, Detail: why})
}

// pullAll has everybody read the history of every conversation of theirs that
// the run wrote to, and the read cursors.
func (r *run) pullAll(ctx context.Context) error {
	w := newWorld(r.rec.history())
	readers := map[chat.ConversationID][]*person{}
	for _, l := range w.letters {
		if ack := l.ack(); ack != nil && readers[ack.Conversation] == nil {
			readers[ack.Conversation] = slices.DeleteFunc(slices.Clone(r.talkers), func(p *person) bool {
				return !l.first().isFor(&device{place: place{user: p.id}})
			})
		}
	}
	for _, in := range slices.Sorted(maps.Keys(readers)) {
		for _, p := range readers[in] {
			if err := r.insist(ctx, func(ctx context.Context) error { return p.pull(ctx, in) }); err != nil {
				return err
			}
		}
	}
	for _, p := range r.talkers {
		if err := r.insist(ctx, p.voice().look); err != nil {
			return err
		}
	}
	return nil
}

// voice is a handset that is signed in, if there is one.
func (p *person) voice() *handset {
	for _, h := range p.sets {
		if h.isIn() {
			return h
		}
	}
	return p.sets[0]
}

// insist repeats a request until it is answered, or for too long.
func (r *run) insist(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, r.o.Settle)
	defer cancel()
	for {
		err := do(ctx)
		if code, _ := codeOf(err); err == nil || !code.Retryable() && code != noAnswer {
			return err
		}
		if late := pause(ctx, later(err)); late != nil {
			return cmp.Or(err, late)
		}
	}
}

// pull reads what is new in a conversation since the run began.
func (p *person) pull(ctx context.Context, in chat.ConversationID) error {
	h, after := p.voice(), p.r.heads[in]
	conn, began := p.r.rec.conn(), p.r.rec.now()
	var found []wire.MessageBody
	for newest := after; ; {
		page, err := h.api().Messages(ctx, in, pageAfter(newest))
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		found = append(found, page...)
		newest = page[len(page)-1].Seq
	}
	for _, m := range found {
		e := p.r.message(m)
		e.What, e.Conn = Kept, conn
		h.note(e)
	}
	h.note(Event{What: Pull, Conn: conn, Conversation: in, After: after, Began: began})
	return nil
}

// pageAfter asks for the page that follows a seq. Without a bound the newest
// would come.
func pageAfter(seq int64) client.History {
	if seq == 0 {
		return client.History{BeforeSeq: wire.MaxHistory + 1, Limit: wire.MaxHistory}
	}
	return client.History{AfterSeq: seq, Limit: wire.MaxHistory}
}
