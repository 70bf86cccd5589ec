package cluster

import (
	"context"
	"time"
	"unsafe"

	"github.com/redis/go-redis/v9"
)

// listen keeps this node subscribed and hands every envelope to the receiver in
// the order of its arrival. Whenever the subscription was made, for the first
// time or again because it broke or the canary stayed away, something may have
// been missed, and the receiver is told so.
func (c *Cluster) listen(ctx context.Context, to Receiver) error {
	pause := newBackoff(50*time.Millisecond, time.Second)
	for ctx.Err() == nil {
		ps := c.r.c.Subscribe(ctx, channelOf(c.o.Node), channelAll)
		unblock := context.AfterFunc(ctx, func() { ps.Close() })
		err := c.hear(ctx, ps, to, pause.reset)
		unblock()
		ps.Close()
		if err != nil && ctx.Err() == nil {
			c.o.Log.Debug("subscription interrupted", "error", err)
			pause.wait(ctx)
		}
	}
	return nil
}

// hear reads one subscription until it fails. The canary comes by twice a
// second, so a read that takes longer than canaryOverdue means a dead link.
func (c *Cluster) hear(ctx context.Context, ps *redis.PubSub, to Receiver, alive func()) error {
	confirmed := 0
	for {
		m, err := ps.ReceiveTimeout(ctx, canaryOverdue)
		if err != nil {
			return err
		}
		switch m := m.(type) {
		case *redis.Subscription:
			if confirmed++; confirmed == 2 {
				to.Restored(time.Unix(0, c.heardAt.Load()))
			}
		case *redis.Message:
			alive()
			e, err := DecodeEnvelope(unsafe.Slice(unsafe.StringData(m.Payload), len(m.Payload))) // nobody writes to it
			if err != nil {
				c.o.Log.Error("an envelope could not be read: are all nodes of one version?", "error", err)
				continue
			}
			if e.Canary == c.o.Boot {
				c.heardAt.Store(time.Now().UnixNano())
				continue
			}
			c.takeInquiry(e)
			to.Deliver(e)
		}
	}
}

// backoff waits longer each time, up to a limit.
type backoff struct{ least, most, next time.Duration }

func newBackoff(least, most time.Duration) *backoff { return &backoff{least, most, least} }

func (b *backoff) reset() { b.next = b.least }

func (b *backoff) wait(ctx context.Context) {
	t := time.NewTimer(b.next)
	defer t.Stop()
	b.next = min(b.next*2, b.most)
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
