package messaging

import (
	"context"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// commit is a batch that is in the database.
type commit struct {
	n     int64 // in the outbox
	sends []*send
}

// commitWithin bounds one transaction, and with it how long a batch can be in
// doubt. What history fills in reaches back further than this.
const commitWithin = 5 * time.Second

// commitAll is the only goroutine of the node that commits messages. It takes
// whatever has gathered while the last transaction was under way: a slow disk
// makes batches larger, not senders slower.
func (m *Messenger) commitAll(ctx context.Context) {
	defer close(m.batches)
	var n int64
	for {
		first := m.next(ctx)
		if first == nil {
			return
		}
		batch := m.gather(first)
		m.o.Observe.Sent(len(batch))
		m.o.Observe.Waiting(len(m.in))
		m.commit(batch, &n)
	}
}

// next waits for a send; nil when ctx has ended and nothing is left.
func (m *Messenger) next(ctx context.Context) *send {
	select {
	case s := <-m.in:
		return s
	case <-ctx.Done():
	}
	select {
	case s := <-m.in:
		return s
	default:
		return nil
	}
}

func (m *Messenger) gather(first *send) []*send {
	batch, size := []*send{first}, len(first.Text)
	for len(batch) < maxBatch && size < maxBytes {
		select {
		case s := <-m.in:
			batch = append(batch, s)
			size += len(s.Text)
		default:
			return batch
		}
	}
	return batch
}

// commit puts a batch into the database. A fault of one message must not refuse
// the others, so a batch that the database will not have is halved until the
// culprit stands alone.
func (m *Messenger) commit(batch []*send, n *int64) {
	*n++
	start := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), commitWithin)
	err := m.h.Append(ctx, m.o.Boot, *n, pendings(batch))
	cancel()
	switch kind := chat.KindOf(err); {
	case err == nil:
		m.o.Observe.Committed(len(batch), time.Since(start))
		for _, s := range batch {
			if s.Err != nil {
				m.o.Observe.Refused(chat.KindOf(s.Err), 1)
			}
		}
		m.batches <- &commit{*n, batch}
	case kind == chat.Unavailable:
		// It may be committed all the same: then the outbox has it, and whoever
		// repeats the send is told so.
		m.o.Log.Warn("messages could not be committed", "messages", len(batch), "error", err)
		m.refuse(batch, err)
		m.batches <- &commit{n: *n}
	case len(batch) > 1:
		m.commit(batch[:len(batch)/2], n)
		m.commit(batch[len(batch)/2:], n)
	default:
		m.o.Log.Error("a message could not be committed", "error", err)
		m.refuse(batch, err)
	}
}

func pendings(batch []*send) []*chat.Pending {
	out := make([]*chat.Pending, len(batch))
	for i, s := range batch {
		out[i] = &s.Pending
	}
	return out
}

func (m *Messenger) refuse(batch []*send, err error) {
	m.o.Observe.Refused(chat.KindOf(err), len(batch))
	for _, s := range batch {
		s.done(Sent{}, err)
	}
}
