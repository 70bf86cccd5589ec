package messaging

import (
	"context"
	"slices"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/trace"
)

// Timing of deliveries that did not work at once.
const (
	forgetEvery = time.Second            // delivered batches leave the outbox
	forgetAfter = 4                      // times that later: a node that does not reach Redis finds them there
	retryEvery  = 250 * time.Millisecond // what this node left is tried again
	catchUpFor  = 300 * time.Millisecond // at a time
	reapEvery   = time.Second            // what other nodes left is looked for
	reapAfter   = 3 * time.Second        // a batch this old of a node that is not alive was left
	reapBatch   = 100                    // leftovers read at a time
	reapMost    = 256                    // messages of leftovers delivered together
	searchAll   = 1 << 20                // queue entries searched for repeats of leftovers
)

// delivery is the state of the delivering goroutine: which batches of this run
// are delivered, and whether some were left to the outbox.
type delivery struct {
	m         *Messenger
	taken     int64 // the newest batch that was this goroutine's turn
	delivered int64 // all batches up to this one are delivered
	forgotten int64 // and up to this one have left the outbox
	behind    bool  // batches after delivered are in the outbox and wait their turn
	retry     *time.Ticker
	doubts    []doubt // in the order of their batches
	lately    []int64 // what delivered was, each forgetEvery
}

// deliverAll is the only goroutine of the node that delivers what the node
// committed, so the order of one sender's messages is kept. When Redis is away
// batches are left to the outbox, and while some are left there later ones join
// them, until all have been delivered in their order.
func (m *Messenger) deliverAll(ctx context.Context) {
	d := delivery{m: m, retry: time.NewTicker(retryEvery)}
	forget := time.NewTicker(forgetEvery)
	defer forget.Stop()
	defer d.retry.Stop()
	for {
		select {
		case b, ok := <-m.batches:
			if !ok {
				d.settleAll()
				d.m.absent.finish()
				d.forget(d.delivered)
				return
			}
			d.deliver(b)
		case <-forget.C:
			d.forgetOld()
		case <-d.retry.C:
			d.catchUp()
		case <-m.nudge:
			if m.again.Swap(false) {
				d.again()
			}
			d.catchUp()
		}
	}
}

// deliver takes one batch to its recipients, or leaves it to the outbox, and
// answers its senders.
func (d *delivery) deliver(b *commit) {
	start := time.Now()
	before := d.taken
	d.taken = b.n
	d.m.note(b, trace.Committed)
	switch {
	case len(b.sends) == 0:
		d.doubt(before, b.n)
		return
	case d.behind || !d.m.c.Up():
	default:
		var absent []chat.UserID
		fresh, err := b.fresh(), d.doubtsBefore()
		if err == nil {
			absent, err = d.m.c.Deliver(context.Background(), fresh, 0)
		}
		if err == nil {
			d.delivered = b.n
			b.answer(true)
			d.m.absent.add(b.n, absences(fresh, absent))
			d.m.o.Observe.Delivered(len(b.sends), time.Since(start))
			return
		}
		d.pause()
		d.m.o.Log.Warn("messages are kept, but their delivery has to wait", "messages", len(b.sends), "error", err)
	}
	d.behind = true
	d.m.note(b, trace.Postponed)
	b.answer(false)
	d.m.o.Observe.Postponed(len(b.sends))
}

// note remembers what became of a batch, for whoever asks about one message.
func (m *Messenger) note(b *commit, stage trace.Stage) {
	if m.o.Trace == nil {
		return
	}
	for _, s := range b.sends {
		if !s.Repeated && s.Err == nil {
			m.o.Trace.Note(s.Conversation, s.Seq, trace.Event{Stage: stage, User: s.From.ID})
		}
	}
}

// pause lets a whole retryEvery pass before the next try. A call to a Redis that
// hangs takes its time, and senders wait for their answers meanwhile.
func (d *delivery) pause() { d.retry.Reset(retryEvery) }

// fresh returns what of a batch is new, ready to be delivered.
func (b *commit) fresh() []chat.Delivery {
	out := make([]chat.Delivery, 0, len(b.sends))
	for _, s := range b.sends {
		if !s.Repeated && s.Err == nil {
			out = append(out, s.Delivery)
		}
	}
	return out
}

// answer tells the senders that their messages are committed.
func (b *commit) answer(live bool) {
	for _, s := range b.sends {
		if s.Err != nil {
			s.done(Sent{}, s.Err)
			continue
		}
		s.done(Sent{Conversation: s.Conversation, Seq: s.Seq, At: s.At, Live: live}, nil)
	}
}

// catchUp delivers what this node left to the outbox, for a moment at a time:
// in between, senders get their answers. Batches that the outbox has, but whose
// turn has not come, wait for it: they may come after one whose commit is in
// doubt.
func (d *delivery) catchUp() {
	for d.behind && len(d.m.batches) > 0 {
		d.deliver(<-d.m.batches)
	}
	if !d.behind || !d.m.c.Up() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), commitWithin)
	defer cancel()
	left, err := d.m.h.Leftovers(ctx, d.m.o.Boot, d.delivered, reapBatch)
	if err != nil {
		return // the database is away: later
	}
	all := len(left) < reapBatch
	if n := slices.IndexFunc(left, func(l chat.Leftover) bool { return l.N > d.taken }); n >= 0 {
		left, all = left[:n], true
	}
	start := time.Now()
	for len(left) > 0 {
		if time.Since(start) > catchUpFor {
			all = false
			break
		}
		some := together(left)
		absent, err := d.m.redeliver(ctx, some)
		if err != nil {
			d.pause()
			return
		}
		d.delivered, left = some[len(some)-1].N, left[len(some):]
		d.m.absent.add(some[0].N, absent)
	}
	if !all {
		d.m.Nudge()
		return
	}
	d.delivered, d.behind = d.taken, false
}

// together returns as many of some leftovers as are delivered together: one at a
// time, a node would catch up no faster than it falls behind. They follow one
// another, so that forgetting them forgets no commit that turns up in between.
func together(left []chat.Leftover) []chat.Leftover {
	messages := int64(0)
	for i, l := range left {
		for _, g := range l.Ranges {
			messages += g.To - g.From + 1
		}
		if i > 0 && (messages > reapMost || l.Node != left[0].Node || l.N != left[i-1].N+1) {
			return left[:i]
		}
	}
	return left
}

// redeliver takes leftovers to their recipients, in their order; what they have
// already stays where it is in their queues. It returns who was away.
func (m *Messenger) redeliver(ctx context.Context, left []chat.Leftover) (away []chat.Absence, err error) {
	var ranges []chat.Range
	for _, l := range left {
		ranges = append(ranges, l.Ranges...)
	}
	loaded, err := m.h.Load(ctx, ranges)
	if err != nil {
		return nil, err
	}
	rest := inOrder(loaded, ranges)
	for len(rest) > 0 {
		n, size := 0, 0
		for n < len(rest) && size < maxBytes {
			size += len(rest[n].Text)
			n++
		}
		absent, err := m.c.Deliver(ctx, rest[:n], searchAll)
		if err != nil {
			return nil, err
		}
		away = append(away, absences(rest[:n], absent)...)
		rest = rest[n:]
	}
	return away, nil
}

// finish is redeliver for leftovers that leave the outbox next.
func (m *Messenger) finish(ctx context.Context, left []chat.Leftover) error {
	away, err := m.redeliver(ctx, left)
	if err == nil && len(away) > 0 {
		err = m.o.Absences.Absent(ctx, away)
	}
	return err
}

// inOrder returns what was loaded in the order of the ranges that named it.
func inOrder(loaded []chat.Delivery, ranges []chat.Range) []chat.Delivery {
	type seat struct {
		in  chat.ConversationID
		seq int64
	}
	at := make(map[seat]int, len(loaded))
	for i := range loaded {
		at[seat{loaded[i].Conversation, loaded[i].Seq}] = i
	}
	out := make([]chat.Delivery, 0, len(loaded))
	for _, g := range ranges {
		for seq := g.From; seq <= g.To; seq++ {
			if i, ok := at[seat{g.Conversation, seq}]; ok {
				out = append(out, loaded[i])
			}
		}
	}
	return out
}

// again has everything count as undelivered that the outbox has still.
func (d *delivery) again() {
	d.delivered, d.lately, d.behind = d.forgotten, nil, d.taken > d.forgotten
	d.m.absent.forget()
}

// forgetOld takes out of the outbox what was delivered a while ago. Nodes that do
// not reach Redis show what is there: without holes, since it takes them less
// time to know that they do not.
func (d *delivery) forgetOld() {
	d.settleAll()
	d.lately = append(d.lately, d.delivered)
	if len(d.lately) > forgetAfter {
		d.forget(d.lately[0])
		d.lately = d.lately[1:]
	}
}

// forget takes delivered batches out of the outbox, but for those in doubt, and
// those of which not everybody has been told who wants to know.
func (d *delivery) forget(to int64) {
	to = min(to, d.m.absent.told())
	if len(d.doubts) > 0 {
		to = min(to, d.doubts[0].from-1)
	}
	if to <= d.forgotten {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), commitWithin)
	defer cancel()
	if d.m.h.Delivered(ctx, d.m.o.Boot, d.forgotten+1, to) == nil {
		d.forgotten = to
	}
}

// reap finishes what other nodes began: batches in the outbox whose node is not
// alive, because it died or cannot reach Redis. Several nodes may do so at once,
// since delivering twice changes nothing.
func (m *Messenger) reap(ctx context.Context) {
	tick := time.NewTicker(reapEvery)
	defer tick.Stop()
	for {
		for m.c.Up() && m.reapSome(ctx) {
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// reapSome reports whether there may be more.
func (m *Messenger) reapSome(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, commitWithin)
	defer cancel()
	alive := m.c.Alive()
	if len(alive) == 0 {
		return false
	}
	left, err := m.h.OldLeftovers(ctx, append(alive, m.o.Boot), time.Now().Add(-reapAfter), reapBatch)
	if err != nil || len(left) == 0 {
		return false
	}
	full := len(left) == reapBatch
	for len(left) > 0 {
		some := together(left)
		first, last := some[0], some[len(some)-1]
		if m.finish(ctx, some) != nil || m.h.Delivered(ctx, first.Node, first.N, last.N) != nil {
			return false
		}
		m.o.Log.Info("delivered what another node left", "node", first.Node, "batches", len(some))
		left = left[len(some):]
	}
	return full
}
