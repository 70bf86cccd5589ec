package realtime

import (
	"context"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// pollOutbox shows messages while Redis is away: what any node committed is in
// the outbox until it is delivered, and a while longer, so a few small queries a
// second, however many sockets there are, find all of it. So they do where only
// this node does not reach Redis.
func (n *Node) pollOutbox(ctx context.Context) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	shown := map[string]int64{}
	var since time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if n.c.Up() || !n.ready.Load() {
			clear(shown)
			since = time.Now()
			continue
		}
		if err := n.pollOnce(ctx, shown, since); err != nil && ctx.Err() == nil {
			n.log.Debug("outbox not read", "error", err)
		}
	}
}

// pollEvery is the rate of the queries while Redis is away, pollMost how many
// batches each reads of a node, and pollLoad how many messages are loaded together.
const (
	pollEvery = 500 * time.Millisecond
	pollMost  = 200
	pollLoad  = 500
)

func (n *Node) pollOnce(ctx context.Context, shown map[string]int64, since time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	if err := n.closeEnded(ctx, since); err != nil {
		return err
	}
	nodes, err := n.h.LeftoverNodes(ctx)
	if err != nil {
		return err
	}
	for node, newest := range nodes {
		if newest <= shown[node] {
			continue
		}
		left, err := n.h.Leftovers(ctx, node, shown[node], pollMost)
		if err != nil {
			return err
		}
		if err := n.showLeft(ctx, left); err != nil {
			return err
		}
		if len(left) > 0 {
			shown[node] = left[len(left)-1].N
		}
	}
	return nil
}

// showLeft shows batches that are in the outbox. They are loaded together, so that
// the rate of queries is that of the polls and not that of messages.
func (n *Node) showLeft(ctx context.Context, left []chat.Leftover) error {
	var ranges []chat.Range
	messages := int64(0)
	for i, l := range left {
		for _, g := range l.Ranges {
			ranges = append(ranges, g)
			messages += g.To - g.From + 1
		}
		if messages < pollLoad && i < len(left)-1 {
			continue
		}
		batch, err := n.h.Load(ctx, ranges)
		if err != nil {
			return err
		}
		for j := range batch {
			n.showUnqueued(&batch[j])
		}
		ranges, messages = ranges[:0], 0
	}
	return nil
}

func (n *Node) showUnqueued(d *chat.Delivery) {
	if d.Log {
		l := logged(&d.Message)
		n.lobby.take(&l)
		return
	}
	for _, u := range d.Recipients {
		conns := n.hub.of(u)
		if len(conns) == 0 {
			continue
		}
		body := wire.EncodeMessage(&d.Message, u)
		for _, c := range conns {
			c.pushUnqueued(&d.Message, body)
		}
	}
}

// closeEnded closes the sockets of devices that were signed out while Redis
// could not say so.
func (n *Node) closeEnded(ctx context.Context, since time.Time) error {
	return n.o.Devices.EndedSince(ctx, since.Add(-replayEarly), func(ended []chat.Device) error {
		for _, d := range ended {
			for _, c := range n.hub.of(d.User) {
				if c.session.Device == d.ID {
					c.kick(d.EndReason)
				}
			}
		}
		return nil
	})
}
