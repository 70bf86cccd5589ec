package messaging

import (
	"context"
	"time"
)

// doubtFor is how late a commit that was not heard of may turn up. In its first
// moment it is looked for before anything else is delivered: the heads of its
// conversations were locked, so that in each of them whatever was committed later
// was committed after it was, or was not.
const (
	doubtFor   = time.Minute
	doubtFresh = time.Second
)

// doubt is one or more batches, one after the other, whose commits were not
// heard of. They may yet be found in the outbox.
type doubt struct {
	from, to int64
	until    time.Time
}

// doubt notes that the commit of a batch was not heard of. While the database is
// away there are many, which are one doubt: the batch before it was one too.
func (d *delivery) doubt(before, n int64) {
	until := time.Now().Add(doubtFor)
	if i := len(d.doubts) - 1; i >= 0 && d.doubts[i].to == before {
		d.doubts[i].to, d.doubts[i].until = n, until
		return
	}
	d.doubts = append(d.doubts, doubt{n, n, until})
}

// doubtsBefore settles what was in doubt a moment ago, before something committed
// later is delivered.
func (d *delivery) doubtsBefore() error {
	if len(d.doubts) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), doubtFresh)
	defer cancel()
	return d.settleDoubts(ctx, true)
}

// settleAll settles what can be, now and then.
func (d *delivery) settleAll() {
	if len(d.doubts) == 0 || d.behind || !d.m.c.Up() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), commitWithin)
	defer cancel()
	d.settleDoubts(ctx, false) // what is left is for the next time
}

// settleDoubts looks which batches in doubt were committed after all, and
// delivers them. Their senders were told to try again; they may not. It stops at
// the first that could not be looked for, or delivered.
func (d *delivery) settleDoubts(ctx context.Context, onlyFresh bool) (err error) {
	left := d.doubts[:0]
	for _, some := range d.doubts {
		old, over := time.Until(some.until) < doubtFor-doubtFresh, false
		if err == nil && !(onlyFresh && old) {
			over, err = d.settle(ctx, some)
		}
		if !over {
			left = append(left, some)
		}
	}
	d.doubts = left
	return err
}

// settle delivers what there is of a doubt, and reports whether no more will
// come.
func (d *delivery) settle(ctx context.Context, some doubt) (over bool, err error) {
	over = !time.Now().Before(some.until) // asked first: what comes until then is found
	left, err := d.m.h.Leftovers(ctx, d.m.o.Boot, some.from-1, reapBatch)
	if err != nil {
		return false, err
	}
	for i, l := range left {
		if l.N > some.to {
			break
		}
		if err := d.m.finish(ctx, left[i:i+1]); err != nil {
			return false, err
		}
		if err := d.m.h.Delivered(ctx, l.Node, l.N, l.N); err != nil {
			return false, err
		}
		if some.from == some.to {
			return true, nil
		}
		over = over && i < reapBatch-1
	}
	return over, nil
}
