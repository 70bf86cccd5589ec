package cluster

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
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
	tag   string    // of Boot, as its sessions have it
}

// holdLease renews this node's lease, and with it learns who else lives, every
// three seconds, and at once when Redis is there again; a node that misses three
// renewals is dead to the others, and all of its users are offline at once. It
// may not have told everything that the database has of it, so the others look.
func (c *Cluster) holdLease(ctx context.Context, to Receiver) error {
	since := time.Now().UTC().Truncate(time.Millisecond)
	tick := time.NewTicker(leaseEvery)
	defer tick.Stop()
	for {
		died, err := c.renewLease(ctx, since)
		if err != nil && ctx.Err() == nil {
			c.o.Log.Debug("lease not renewed", "error", err)
		}
		for _, n := range died {
			c.o.Log.Warn("a node is gone without a word", "node", n.ID)
			to.Restored(n.until.Add(-leaseTime))
			c.orphaned(ctx, n.ID)
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

// renewLease returns the nodes that have let their lease run out since it was
// last called, although Redis was there.
func (c *Cluster) renewLease(ctx context.Context, since time.Time) (died []NodeInfo, err error) {
	info := NodeInfo{ID: c.o.Node, Boot: c.o.Boot, Addr: c.o.Addr, Since: since}
	info.Connections, info.Sessions, info.Draining = c.o.Describe()
	b, err := json.Marshal(info)
	if err != nil {
		return nil, err
	}
	reply, err := c.run(ctx, "lease", func(string) *call {
		return &call{script: leaseScript, keys: []string{keyNodes}, args: []any{string(c.o.Node), string(b), leaseTime.Milliseconds()}}
	})
	if err != nil || len(reply) == 0 {
		return nil, err
	}
	nodes, over := readLeases(number(reply[0]), reply[1:])
	now, generation := time.Now(), c.generation.Load()
	c.mu.Lock()
	// Where nobody could renew, or all leases are lost, the others are about to.
	lost := now.Sub(c.renewed) >= leaseTime-leaseEvery || c.renewedIn != generation
	for id, was := range c.nodes {
		_, lives := nodes[id]
		ended := slices.Contains(over, id)
		switch {
		case lives:
		case lost:
			was.until = now.Add(leaseGrace)
			nodes[id] = was
		case ended:
			died = append(died, was)
		case now.Before(was.until): // given up, or lost alone
			was.until = earlier(was.until, now.Add(leaseGrace))
			nodes[id] = was
		}
	}
	c.nodes, c.over, c.renewed, c.renewedIn = nodes, over, now, generation
	c.mu.Unlock()
	return died, c.r.c.PExpire(ctx, keyOnline(c.o.Node), 3*leaseTime).Err()
}

// orphaned tells of the people whom a dead node held, if this node is the first
// of those that live, by name.
func (c *Cluster) orphaned(ctx context.Context, of chat.NodeID) {
	first := !slices.ContainsFunc(c.Nodes(), func(n NodeInfo) bool { return n.ID < c.o.Node })
	if c.o.Orphaned == nil || !first {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	held, err := c.r.c.SMembers(ctx, keyOnline(of)).Result()
	if err != nil {
		c.o.Log.Debug("it is not known whom a dead node held", "node", of, "error", err)
	}
	users := make([]chat.UserID, len(held))
	for i, u := range held {
		users[i] = chat.UserID(u)
	}
	c.o.Orphaned(users)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// readLeases keeps the leases that are still running at now, and names the nodes
// whose lease has run out.
func readLeases(now int64, pairs []any) (nodes map[chat.NodeID]NodeInfo, over []chat.NodeID) {
	nodes = make(map[chat.NodeID]NodeInfo, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		id := chat.NodeID(text(pairs[i]))
		till, description, _ := strings.Cut(text(pairs[i+1]), "|")
		var n NodeInfo
		left := time.Duration(number(till)-now) * time.Millisecond
		switch {
		case left <= 0:
			over = append(over, id)
		case json.Unmarshal([]byte(description), &n) == nil:
			n.until, n.tag = time.Now().Add(left), bootTag(n.Boot)
			nodes[id] = n
		}
	}
	return nodes, over
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

// Alive returns the runs of the nodes that live; none while that is not known,
// since this node has not renewed its own lease lately.
func (c *Cluster) Alive() []string {
	c.mu.Lock()
	known := time.Since(c.renewed) < leaseTime-leaseEvery
	c.mu.Unlock()
	if !known {
		return nil
	}
	var boots []string
	for _, n := range c.Nodes() {
		boots = append(boots, n.Boot)
	}
	return boots
}

// ReadNodes reads the live nodes from Redis without being one: for the command
// line.
func (c *Cluster) ReadNodes(ctx context.Context) ([]NodeInfo, error) {
	nodes, err := c.lookAtLeases(ctx)
	if err != nil {
		return nil, err
	}
	return slices.Collect(maps.Values(nodes)), nil
}

func (c *Cluster) lookAtLeases(ctx context.Context) (map[chat.NodeID]NodeInfo, error) {
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
	nodes, _ := readLeases(now.UnixMilli(), pairs)
	return nodes, nil
}

// holds reports whether the node that a session names lives, in the run that the
// session is of: a node that was killed and is back has none of its sockets.
func (c *Cluster) holds(s chat.Session) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	tag, lives := c.tag, s.Node == c.o.Node
	if !lives {
		n := c.nodes[s.Node]
		tag, lives = n.tag, time.Now().Before(n.until)
	}
	of := tagOf(s.ID)
	return lives && (of == tag || of == "")
}

// learn looks for the nodes of sessions that nobody is known to hold: they may
// have started since the last renewal.
func (c *Cluster) learn(ctx context.Context, open []chat.Session) error {
	if !slices.ContainsFunc(open, func(s chat.Session) bool { return !c.holds(s) }) {
		return nil
	}
	nodes, err := c.lookAtLeases(ctx)
	if err == nil {
		c.remember(nodes)
	}
	return err
}

// remember takes what the leases say now.
func (c *Cluster) remember(nodes map[chat.NodeID]NodeInfo) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.nodes == nil {
		c.nodes = nodes
	}
	maps.Copy(c.nodes, nodes)
}
