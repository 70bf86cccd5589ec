package cluster

import (
	"context"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// Order is what an administrator has a node do.
type Order string

// The orders.
const (
	Drain  Order = "drain"  // hand the sockets over and take no more, but stay up
	Resume Order = "resume" // take sockets again
)

// How long a node may take to follow an order, how often its lease is looked at
// meanwhile, and every how many looks the order is given again.
const (
	orderWithin = 5 * time.Second
	orderEvery  = 100 * time.Millisecond
	orderAgain  = 10
)

// SetDraining has a node hand its sockets over and take no more, or take some
// again, and returns when its lease says so. It may be asked on any node.
// NotFound for a node that is not there; Unavailable for one that does not follow.
func (c *Cluster) SetDraining(ctx context.Context, id chat.NodeID, on bool) error {
	ctx, cancel := context.WithTimeout(ctx, orderWithin)
	defer cancel()
	order := Resume
	if on {
		order = Drain
	}
	tick := time.NewTicker(orderEvery)
	defer tick.Stop()
	for looks := 0; ; looks++ {
		nodes, err := c.lookAtLeases(ctx)
		if err != nil {
			return err
		}
		n, lives := nodes[id]
		switch {
		case !lives:
			return chat.E("cluster.order", chat.NotFound, nil)
		case n.Draining == on:
			c.remember(nodes)
			return nil
		case looks%orderAgain == 0:
			if err := c.publish(ctx, map[chat.NodeID]*Envelope{id: {Order: order}}); err != nil {
				return c.unwell("order", err)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return &chat.Error{Kind: chat.Unavailable, Op: "cluster.order", Err: ctx.Err(), Retry: time.Second}
		}
	}
}

// RenewLease has the node's lease tell the others of what has changed, at once.
func (c *Cluster) RenewLease() { poke(c.leaseDue) }
