package messaging

import (
	"context"
	"time"
)

// doubtFor is how late a commit that was not heard of may turn up.
const doubtFor = time.Minute

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

// settleDoubts looks which batches in doubt were committed after all, and
// delivers them. Their senders were told to try again; they may not.
func (d *delivery) settleDoubts() {
	if len(d.doubts) == 0 || d.behind || !d.m.c.Up() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), commitWithin)
	defer cancel()
	left := d.doubts[:0]
	for _, some := range d.doubts {
		if !d.settled(ctx, some) {
			left = append(left, some)
		}
	}
	d.doubts = left
}

// settled delivers what there is of a doubt, and reports whether no more will
// come.
func (d *delivery) settled(ctx context.Context, some doubt) bool {
	over := !time.Now().Before(some.until) // asked first: what comes until then is found
	left, err := d.m.h.Leftovers(ctx, d.m.o.Boot, some.from-1, reapBatch)
	if err != nil {
		return false
	}
	for i, l := range left {
		if l.N > some.to {
			break
		}
		if d.m.redeliver(ctx, left[i:i+1]) != nil || d.m.h.Delivered(ctx, l.Node, l.N, l.N) != nil {
			return false
		}
		if some.from == some.to {
			return true
		}
		over = over && i < reapBatch-1
	}
	return over
}
