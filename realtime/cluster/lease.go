package cluster

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// NodeInfo is what a node's lease says of it.
type NodeInfo struct {
	ID          chat.NodeID `json:"id"`
	Boot        string      `json:"boot"`
	Addr        string      `json:"addr"`
	Connections int         `json:"connections"`
	Sessions    int         `json:"sessions"`
	Since       time.Time   `json:"since"`
	Draining    bool        `json:"draining"`

	until time.Time // by this node's clock
}

// holdLease renews this node's lease, and with it learns who else lives, every
// three seconds, and at once when Redis is there again; a node that misses three
// renewals is dead to the others, and all of its users are offline at once.
func (c *Cluster) holdLease(ctx context.Context) error {
	since := time.Now().UTC().Truncate(time.Millisecond)
	tick := time.NewTicker(leaseEvery)
	defer tick.Stop()
	for {
		if err := c.renewLease(ctx, since); err != nil && ctx.Err() == nil {
			c.o.Log.Debug("lease not renewed", "error", err)
		}
		select {
		case <-ctx.Done():
			c.giveLeaseUp()
			return nil
		case <-tick.C:
		case <-c.leaseDue:
		}
	}
}

func (c *Cluster) renewLease(ctx context.Context, since time.Time) error {
	info := NodeInfo{ID: c.o.Node, Boot: c.o.Boot, Addr: c.o.Addr, Since: since}
	info.Connections, info.Sessions, info.Draining = c.o.Describe()
	b, err := json.Marshal(info)
	if err != nil {
		return err
	}
	nodes, err := c.lease(ctx, b)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.nodes = nodes
	c.mu.Unlock()
	return c.r.c.PExpire(ctx, keyOnline(c.o.Node), 3*leaseTime).Err()
}

func (c *Cluster) lease(ctx context.Context, description []byte) (map[chat.NodeID]NodeInfo, error) {
	reply, err := c.run(ctx, "lease", func(string) *call {
		return &call{script: leaseScript, keys: []string{keyNodes}, args: []any{string(c.o.Node), string(description), leaseTime.Milliseconds()}}
	})
	if err != nil || len(reply) == 0 {
		return nil, err
	}
	return readLeases(number(reply[0]), reply[1:]), nil
}

// readLeases keeps the leases that are still running at now.
func readLeases(now int64, pairs []any) map[chat.NodeID]NodeInfo {
	nodes := make(map[chat.NodeID]NodeInfo, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		till, description, _ := strings.Cut(text(pairs[i+1]), "|")
		var n NodeInfo
		left := time.Duration(number(till)-now) * time.Millisecond
		if left > 0 && json.Unmarshal([]byte(description), &n) == nil {
			n.until = time.Now().Add(left)
			nodes[chat.NodeID(text(pairs[i]))] = n
		}
	}
	return nodes
}

func (c *Cluster) giveLeaseUp() {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	p := c.r.c.Pipeline()
	p.HDel(ctx, keyNodes, string(c.o.Node))
	p.Del(ctx, keyOnline(c.o.Node))
	p.Exec(ctx) // if it fails the lease runs out by itself
}

// Nodes returns the live nodes, as far as the last renewal told.
func (c *Cluster) Nodes() []NodeInfo {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]NodeInfo, 0, len(c.nodes))
	for _, n := range c.nodes {
		if time.Now().Before(n.until) {
			out = append(out, n)
		}
	}
	return out
}

// Alive returns the runs of the nodes that live; none before the first renewal.
func (c *Cluster) Alive() []string {
	var boots []string
	for _, n := range c.Nodes() {
		boots = append(boots, n.Boot)
	}
	return boots
}

// ReadNodes reads the live nodes from Redis without being one: for the command
// line.
func (c *Cluster) ReadNodes(ctx context.Context) ([]NodeInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	now, err := c.r.c.Time(ctx).Result()
	if err != nil {
		return nil, c.unwell("nodes", err)
	}
	all, err := c.r.c.HGetAll(ctx, keyNodes).Result()
	if err != nil {
		return nil, c.unwell("nodes", err)
	}
	var pairs []any
	for node, lease := range all {
		pairs = append(pairs, node, lease)
	}
	var out []NodeInfo
	for _, n := range readLeases(now.UnixMilli(), pairs) {
		out = append(out, n)
	}
	return out, nil
}

// Lives reports whether a node's lease is running, as far as the last renewal
// told; this node itself lives.
func (c *Cluster) Lives(n chat.NodeID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return n == c.o.Node || time.Now().Before(c.nodes[n].until)
}
