package client

import (
	"encoding/json"
	"time"

	"github.com/tieline/tieline/pkg/wire"
)

// delivery is the goroutine that calls the handler, and what it keeps: the order
// within conversations, and how far everything has been handled.
type delivery struct {
	c     *Client
	h     *Handler
	order *sequencer

	marks      []*mark // of the frames with an offset, as they arrived
	unreported int     // handled since the server was told
	reportAt   time.Time
}

// mark is a frame with an offset that has arrived.
type mark struct {
	offset string
	done   bool // handled
}

// deliver hands on what was read until nothing more comes or is wanted.
func (c *Client) deliver() {
	defer close(c.done)
	d := &delivery{c: c, h: &c.o.Handler, order: newSequencer(c.o.Reorder)}
	defer d.report()
	timer := time.NewTimer(0)
	defer timer.Stop()
	var items []item
	for {
		var last bool
		items, last = c.in.take(items)
		for _, it := range items {
			select {
			case <-c.in.quit:
				return
			default:
				d.item(it)
			}
		}
		again := d.tick(time.Now())
		if last {
			d.end()
			return
		}
		if len(items) > 0 {
			continue
		}
		timer.Reset(again)
		select {
		case <-c.in.wake:
		case <-timer.C:
		case <-c.in.quit:
			return
		}
	}
}

// tick does what is due by time and says when to come again.
func (d *delivery) tick(now time.Time) time.Duration {
	ready, again := d.order.due(now)
	d.messages(ready)
	if !d.reportAt.IsZero() && !now.Before(d.reportAt) {
		d.report()
	}
	next := now.Add(time.Hour)
	for _, t := range []time.Time{again, d.reportAt} {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	return next.Sub(now)
}

func (d *delivery) end() {
	d.messages(d.order.flush())
	if d.h.Ended != nil {
		d.h.Ended(d.c.Err())
	}
}

func (d *delivery) item(it item) {
	switch {
	case it.note != nil:
		it.note()
	case it.own != nil:
		d.messages(d.order.fill(it.own.conversation, it.own.seq, it.own.seq))
	default:
		d.frame(it.frame)
	}
}

// frame is the one switch from frame types to the handler's functions.
func (d *delivery) frame(f Frame) {
	switch f.Type {
	case wire.Message:
		d.message(f)
	case wire.Event:
		d.event(f)
	case wire.Welcome:
		d.welcome(f)
	case wire.Synced:
		d.synced(f)
	case wire.Gap:
		d.gap(f)
	case wire.Receipt:
		tell(d, f, d.h.Receipt)
	case wire.Presence:
		tell(d, f, d.h.Presence)
	case wire.Typing:
		tell(d, f, d.h.Typing)
	case wire.Signal:
		tell(d, f, d.h.Signal)
	case wire.Kicked:
		tell(d, f, d.h.Kicked)
	case wire.Drain:
		tell(d, f, d.h.Drain)
	case wire.Error:
		tell(d, f, func(e wire.ErrorFrame) {
			if d.h.Refused != nil {
				d.h.Refused(refusal(e))
			}
		})
	default:
		d.unknown(f)
	}
}

// tell decodes a frame for a function that may be nil.
func tell[T any](d *delivery, f Frame, fn func(T)) {
	if fn == nil {
		return
	}
	var v T
	if f.Into(&v) != nil {
		d.unknown(f)
		return
	}
	fn(v)
}

func (d *delivery) unknown(f Frame) {
	if d.h.Unknown != nil {
		d.h.Unknown(f)
	}
}

func (d *delivery) message(f Frame) {
	m := d.arrived(f.Offset())
	a := arrival{mark: m, at: time.Now()}
	if json.Unmarshal(f.Data, &a.msg.MessageBody) != nil {
		d.unknown(f)
		d.handled(m)
		return
	}
	a.msg.Offset = m.offset
	ready, fresh := d.order.admit(a)
	if !fresh {
		d.handled(m)
	}
	d.messages(ready)
}

func (d *delivery) messages(ready []arrival) {
	for _, a := range ready {
		if d.h.Message != nil {
			d.h.Message(a.msg)
		}
		d.handled(a.mark)
	}
}

func (d *delivery) event(f Frame) {
	m := d.arrived(f.Offset())
	tell(d, f, d.h.Event)
	d.handled(m)
}

func (d *delivery) welcome(f Frame) {
	tell(d, f, d.h.Welcome)
	d.arrived(f.Offset()).done = true
	d.settle()
}

func (d *delivery) synced(f Frame) {
	d.messages(d.order.flush()) // what is still missing was not missed
	tell(d, f, d.h.Synced)
	d.arrived(f.Offset()).done = true
	d.settle()
}

func (d *delivery) gap(f Frame) {
	tell(d, f, d.h.Gap)
	var g wire.GapFrame
	if f.Into(&g) == nil {
		d.messages(d.order.fill(g.Conversation, g.AfterSeq+1, g.BeforeSeq-1))
	}
}

// arrived notes a frame with an offset in the order of arrival.
func (d *delivery) arrived(offset string) *mark {
	m := &mark{offset: offset}
	d.marks = append(d.marks, m)
	return m
}

// handled notes that the handler is done with a queued frame, and reports it if
// it is time to.
func (d *delivery) handled(m *mark) {
	m.done = true
	d.settle()
	d.unreported++
	switch every := d.c.o.ReceivedEvery; {
	case every < 0:
	case d.unreported >= every:
		d.report()
	case d.reportAt.IsZero():
		d.reportAt = time.Now().Add(d.c.o.ReceivedAfter)
	}
}

// settle moves the client's offset behind everything that is handled without a
// hole: a message held back keeps it, although later ones are done.
func (d *delivery) settle() {
	n, offset := 0, ""
	for n < len(d.marks) && d.marks[n].done {
		if d.marks[n].offset != "" {
			offset = d.marks[n].offset
		}
		n++
	}
	d.marks = d.marks[n:]
	if offset != "" {
		d.c.mu.Lock()
		d.c.offset = offset
		d.c.mu.Unlock()
	}
}

// report tells the server how far this device has got. What cannot be said now,
// the offset of the next connect says.
func (d *delivery) report() {
	if d.unreported == 0 || d.c.o.ReceivedEvery < 0 {
		return
	}
	d.unreported, d.reportAt = 0, time.Time{}
	_ = d.c.out.report(d.c.Offset())
}
