package cluster

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/tieline/tieline/pkg/chat"
)

// keep checks twice a second that Redis answers, is the server that the current
// generation was minted for, and still knows that generation; if not, it is a
// Redis that has lost data, and a new generation begins. Two failed checks in a
// row mean that Redis is away.
func (c *Cluster) keep(ctx context.Context, to Receiver) error {
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	failed, restored := 0, int64(0) // the generation that the node was last told of
	for {
		since := time.Unix(0, c.wellAt.Load())
		err := c.check(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			c.r.relearn(ctx)
			if failed++; failed == 2 && c.up.Swap(false) {
				c.o.Log.Warn("Redis is away: messages are kept in the database until it is back", "error", err)
			}
			if failed < 2 {
				continue
			}
			if !errors.Is(err, errLedger) {
				c.r.hangUp()
			}
		default:
			failed = 0
			if c.suspect.Swap(false) {
				c.r.writing.hangUp() // Redis answers, but perhaps not on these
			}
			c.wellAt.Store(time.Now().UnixNano())
			now := c.generation.Load() // it may have come by a script that met it first
			wasUp := c.up.Load()
			if !wasUp {
				c.upAt.Store(time.Now().UnixNano())
				c.up.Store(true)
			}
			if !wasUp || now != restored {
				c.o.Log.Info("Redis is there", "generation", now)
				poke(c.leaseDue)
				to.Restored(since)
				restored = now
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-c.wake:
		}
	}
}

// errLedger says that it is the database that did not answer.
var errLedger = errors.New("cluster: the generation cannot be verified")

// check is one look: canaries out, generation and servers compared. All of it
// is asked of the same server at once, so that the answers belong together.
func (c *Cluster) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if c.r.sentinels != nil && c.r.sentinels.moved(ctx) {
		c.o.Log.Info("the sentinels name another master")
		c.r.hangUp()
	}
	p := c.r.plain.Pipeline()
	noted := p.Get(ctx, keyGeneration)
	p.Set(ctx, keyProbe(c.o.Node), c.o.Boot, leaseTime) // a Redis that takes no writes is of no use
	canary := Envelope{Generation: c.generation.Load(), Canary: c.o.Boot}
	for _, e := range c.ears {
		c.r.publish(ctx, p, e.channels[0], canary.Encode())
	}
	var who whoIs
	cc, isCluster := c.r.plain.(*redis.ClusterClient)
	if !isCluster {
		who = askWhoIs(ctx, p)
	}
	cmds, _ := p.Exec(ctx)
	for _, cmd := range cmds {
		if err := cmd.Err(); err != nil && !isNil(err) && cmd.Name() != "info" {
			return err
		}
	}
	ids, err := []string(nil), error(nil)
	if isCluster {
		ids, err = whoAreMasters(ctx, cc)
	} else {
		ids, err = who.only()
	}
	if err != nil {
		return err
	}
	n, _ := strconv.ParseInt(noted.Val(), 10, 64)
	return c.verify(ctx, n, ids)
}

// verify compares what a look has found with what is known.
func (c *Cluster) verify(ctx context.Context, noted int64, ids []string) error {
	identity, err := c.identityOf(ctx, ids)
	if err != nil {
		return err
	}
	if mine := c.generation.Load(); mine == 0 || noted != mine || identity != c.lastIdentity {
		if err := c.reconcile(ctx, noted, identity); err != nil {
			return err
		}
		if err := loadScripts(ctx, c.r.plain); err != nil {
			return err
		}
	}
	c.r.trust(ctx, ids)
	return nil
}

// reconcile agrees with the database on the generation of this Redis, minting
// one when Redis is not the server, or no longer in the state, that the current
// one was minted for.
func (c *Cluster) reconcile(ctx context.Context, noted int64, identity string) error {
	for range 4 {
		current, minted, err := c.o.Ledger.Generation(ctx)
		if err != nil {
			return fmt.Errorf("%w: %w", errLedger, err)
		}
		fits := current > 0 && minted == identity
		if fits && noted == current {
			c.generation.Store(current)
			c.lastIdentity = identity
			return nil
		}
		if fits && noted < current && current > c.generation.Load() { // begun by another node, which notes it in a moment
			if noted, err = c.awaitNote(ctx, noted); err != nil {
				return err
			}
			if noted >= current {
				continue
			}
		}
		next := max(current, noted) + 1
		if err := c.o.Ledger.Mint(ctx, current, next, identity); err != nil {
			return fmt.Errorf("%w: %w", errLedger, err)
		}
		if now, _, err := c.o.Ledger.Generation(ctx); err != nil || now != next {
			continue // another node was first
		}
		c.o.Log.Info("a new generation begins", "generation", next)
		if err := c.r.plain.Set(ctx, keyGeneration, next, 0).Err(); err != nil {
			return err
		}
		noted = next
	}
	return fmt.Errorf("the generation is still moving")
}

// awaitNote gives the node that minted a generation a moment to note it in Redis.
func (c *Cluster) awaitNote(ctx context.Context, noted int64) (int64, error) {
	for range 10 {
		select {
		case <-ctx.Done():
			return noted, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
		n, err := c.r.plain.Get(ctx, keyGeneration).Int64()
		if err != nil && !isNil(err) {
			return noted, err
		}
		if n != noted {
			return n, nil
		}
	}
	return noted, nil
}

// followGeneration takes over a generation that another node has begun.
func (c *Cluster) followGeneration(ctx context.Context) error {
	n, _, err := c.o.Ledger.Generation(ctx)
	if err != nil {
		return err
	}
	if n > c.generation.Load() {
		c.generation.Store(n)
	}
	return nil
}

// Attach verifies the generation once, for a command that is no node: it can
// then tell nodes of what it changed.
func (c *Cluster) Attach(ctx context.Context) error {
	if err := c.check(ctx); err != nil {
		return err
	}
	nodes, err := c.ReadNodes(ctx)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nodes = make(map[chat.NodeID]NodeInfo, len(nodes))
	for _, n := range nodes {
		c.nodes[n.ID] = n
	}
	c.up.Store(true)
	return nil
}
