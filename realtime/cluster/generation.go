package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
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
			if failed++; failed == 2 && c.up.Swap(false) {
				c.o.Log.Warn("Redis is away: messages are kept in the database until it is back", "error", err)
			}
			if failed < 2 {
				continue
			}
		default:
			failed = 0
			c.wellAt.Store(time.Now().UnixNano())
			now := c.generation.Load() // it may have come by a script that met it first
			if wasUp := c.up.Swap(true); !wasUp || now != restored {
				c.o.Log.Info("Redis is there", "generation", now)
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

// check is one look: canary out, generation and identity compared.
func (c *Cluster) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	canary := Envelope{Generation: c.generation.Load(), Canary: c.o.Boot}
	p := c.r.c.Pipeline()
	noted := p.Get(ctx, keyGeneration)
	p.Publish(ctx, channelOf(c.o.Node), canary.Encode())
	if _, err := p.Exec(ctx); err != nil && !isNil(err) {
		return err
	}
	identity, err := c.identity(ctx)
	if err != nil {
		return err
	}
	n, _ := strconv.ParseInt(noted.Val(), 10, 64)
	if mine := c.generation.Load(); mine != 0 && n == mine && identity == c.lastIdentity {
		return nil
	}
	return c.reconcile(ctx, n, identity)
}

// reconcile agrees with the database on the generation of this Redis, minting
// one when Redis is not the server, or no longer in the state, that the current
// one was minted for.
func (c *Cluster) reconcile(ctx context.Context, noted int64, identity string) error {
	for range 4 {
		current, minted, err := c.o.Ledger.Generation(ctx)
		if err != nil {
			return fmt.Errorf("the generation cannot be verified: %w", err)
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
			return fmt.Errorf("no generation could be minted: %w", err)
		}
		if now, _, err := c.o.Ledger.Generation(ctx); err != nil || now != next {
			continue // another node was first
		}
		c.o.Log.Info("a new generation begins", "generation", next)
		if err := c.r.c.Set(ctx, keyGeneration, next, 0).Err(); err != nil {
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
		n, err := c.r.c.Get(ctx, keyGeneration).Int64()
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

// identity returns what tells this Redis from another or from itself restarted:
// the run ids of all masters, or where a server has none (the one in the box) a
// random value that is lost when its data is.
func (c *Cluster) identity(ctx context.Context) (string, error) {
	if cc, ok := c.r.c.(*redis.ClusterClient); ok {
		var mu sync.Mutex
		var ids []string
		err := cc.ForEachMaster(ctx, func(ctx context.Context, m *redis.Client) error {
			id, err := runID(ctx, m)
			mu.Lock()
			defer mu.Unlock()
			ids = append(ids, id)
			return err
		})
		slices.Sort(ids)
		sum := sha256.Sum256([]byte(strings.Join(ids, ",")))
		return hex.EncodeToString(sum[:]), err
	}
	id, err := runID(ctx, c.r.c)
	if id != "" || err != nil && ctx.Err() != nil || err != nil && !strings.Contains(err.Error(), "not supported") {
		return id, err
	}
	if err := c.r.c.SetNX(ctx, keyIdentity, chat.NewID(), 0).Err(); err != nil {
		return "", err
	}
	return c.r.c.Get(ctx, keyIdentity).Result()
}

func runID(ctx context.Context, c redis.Cmdable) (string, error) {
	info, err := c.Info(ctx, "server").Result()
	if err != nil {
		return "", err
	}
	for line := range strings.SplitSeq(info, "\r\n") {
		if id, ok := strings.CutPrefix(line, "run_id:"); ok {
			return id, nil
		}
	}
	return "", nil
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
