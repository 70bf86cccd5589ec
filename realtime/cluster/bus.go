package cluster

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/redis/go-redis/v9"
	"github.com/tieline/tieline/pkg/chat"
)

// ear is one subscription of this node, over a connection of its own.
type ear struct {
	channels []string
	heardAt  atomic.Int64 // Unix nanoseconds: when the canary last came back
}

// earsOf returns the subscriptions of a node: one for all that it listens to, or
// where Redis is a cluster one each, since every channel has its own server.
func earsOf(r *Redis, n chat.NodeID) []*ear {
	if r != nil && r.sharded {
		return []*ear{{channels: []string{channelOf(n)}}, {channels: []string{channelAll}}}
	}
	return []*ear{{channels: []string{channelOf(n), channelAll}}}
}

// publish adds a publication to a pipeline. In a Redis Cluster it goes to the
// one server of its channel; an ordinary one would go to all of them.
func (r *Redis) publish(ctx context.Context, p redis.Pipeliner, channel string, data []byte) {
	if r.sharded {
		p.SPublish(ctx, channel, data)
	} else {
		p.Publish(ctx, channel, data)
	}
}

func (r *Redis) subscribe(ctx context.Context, channels []string) *redis.PubSub {
	if r.sharded {
		return r.plain.SSubscribe(ctx, channels...)
	}
	return r.plain.Subscribe(ctx, channels...)
}

// Hears reports whether this node's own publications come back to it. After
// Redis was away they have a moment to do so.
func (c *Cluster) Hears() bool {
	upFor := time.Since(time.Unix(0, c.upAt.Load()))
	for _, e := range c.ears {
		if at := e.heardAt.Load(); at == 0 || time.Since(time.Unix(0, at)) > canaryOverdue && upFor > canaryOverdue {
			return false
		}
	}
	return true
}

// CanaryAge returns how long ago the node last heard itself.
func (c *Cluster) CanaryAge() time.Duration {
	age := time.Duration(0)
	for _, e := range c.ears {
		age = max(age, time.Since(time.Unix(0, e.heardAt.Load())))
	}
	return age
}

// listen keeps this node subscribed and hands every envelope to the receiver in
// the order of its arrival. Whenever the subscription was made, for the first
// time or again because it broke or the canary stayed away, something may have
// been missed, and the receiver is told so.
func (c *Cluster) listen(ctx context.Context, e *ear, to Receiver) error {
	pause := newBackoff(50*time.Millisecond, time.Second)
	for ctx.Err() == nil {
		ps := c.r.subscribe(ctx, e.channels)
		unblock := context.AfterFunc(ctx, func() { ps.Close() })
		err := c.hear(ctx, e, ps, to, pause.reset)
		unblock()
		ps.Close()
		if err != nil && ctx.Err() == nil {
			c.o.Log.Debug("subscription interrupted", "channel", e.channels[0], "error", err)
			pause.wait(ctx)
		}
	}
	return nil
}

// errMoved says that a channel is another server's now.
var errMoved = errors.New("cluster: the channel has moved")

// hear reads one subscription until it fails. The canary comes by twice a
// second, so a read that takes longer than silentMost means a dead link.
func (c *Cluster) hear(ctx context.Context, e *ear, ps *redis.PubSub, to Receiver, alive func()) error {
	confirmed := 0
	for {
		m, err := ps.ReceiveTimeout(ctx, silentMost)
		if err != nil {
			return err
		}
		switch m := m.(type) {
		case *redis.Subscription:
			if m.Kind == "sunsubscribe" {
				return errMoved
			}
			if confirmed++; confirmed == len(e.channels) {
				to.Restored(time.Unix(0, e.heardAt.Load()))
			}
		case *redis.Message:
			alive()
			c.take(e, m.Payload, to)
		}
	}
}

// take hands one envelope on.
func (c *Cluster) take(e *ear, payload string, to Receiver) {
	envelope, err := DecodeEnvelope(unsafe.Slice(unsafe.StringData(payload), len(payload))) // nobody writes to it
	if err != nil {
		c.o.Log.Error("an envelope could not be read: are all nodes of one version?", "error", err)
		return
	}
	if envelope.Canary != "" {
		if envelope.Canary == c.o.Boot {
			e.heardAt.Store(time.Now().UnixNano())
		}
		return
	}
	c.takeInquiry(envelope)
	c.delivering.Lock()
	defer c.delivering.Unlock()
	to.Deliver(envelope)
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
