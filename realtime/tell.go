package realtime

import (
	"context"

	"github.com/tieline/tieline/realtime/cluster"
)

// tellMost is how many frames go out together.
const tellMost = 500

// tell takes signals and typing notices out, as many together as have gathered
// while the last ones were on their way. They are neither stored nor queued:
// what cannot be delivered now is gone.
func (n *Node) tell(ctx context.Context) error {
	for {
		var batch []cluster.Frame
		select {
		case <-ctx.Done():
			return nil
		case f := <-n.tells:
			batch = append(batch, f)
		}
	gather:
		for len(batch) < tellMost {
			select {
			case f := <-n.tells:
				batch = append(batch, f)
			default:
				break gather
			}
		}
		var all, some []cluster.Frame
		for _, f := range batch {
			if f.Users == nil {
				all = append(all, f)
			} else {
				some = append(some, f)
			}
		}
		err := n.c.Tell(ctx, some)
		for _, f := range all {
			if e := n.c.TellAll(ctx, f); e != nil {
				err = e
			}
		}
		if err != nil && ctx.Err() == nil {
			n.metrics.drops.WithLabelValues("tell").Add(float64(len(batch)))
		}
	}
}
