package realtime

import (
	"context"
	"time"

	"github.com/tieline/tieline/realtime/cluster"
)

// An administrator may have a node stand aside, before work on its machine, say:
// it hands its sockets over as one that ends does, takes no more and is not
// ready, but stays up, and takes sockets again when it is told to. Only the
// newest order counts; a node that is started again has none.

// draining reports whether clients are to go elsewhere.
func (n *Node) draining() bool { return n.drain.Load() || n.aside.Load() }

// follow takes an order. It does not wait: obey does what takes long.
func (n *Node) follow(o cluster.Order) {
	aside := o == cluster.Drain
	if n.aside.Swap(aside) == aside {
		return
	}
	n.log.Info("ordered by an administrator", "order", o)
	n.c.RenewLease()
	select {
	case n.ordered <- struct{}{}:
	default: // it is about to look
	}
}

// obey hands the sockets over whenever the node is to stand aside.
func (n *Node) obey(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-n.ordered:
		}
		conns := n.hub.all()
		n.handOver(ctx, conns, drainPace*time.Duration(len(conns)), n.aside.Load)
	}
}
