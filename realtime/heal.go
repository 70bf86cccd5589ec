package realtime

import (
	"context"
	"errors"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/realtime/cluster"
	"golang.org/x/sync/errgroup"
)

// The sweep asks Redis of every session, in turn, whether it still stands and
// how far its queue has come. So whatever went wrong on the way, a lost
// publication or a lost Redis, is found and put right without anybody noticing
// it by chance; after an interruption it is done at once for all, and so it is
// when Redis has lost a session without one: it has lost others then, as when one
// server of a Redis Cluster is emptied.
const (
	sweepEvery  = time.Second
	sweepParts  = 32  // so a session is asked of every 32 s
	sweepLeast  = 100 // sessions, where there are so many: a sample that misses no large loss
	sweepChunk  = 500
	settleMost  = 16          // sessions that are put right at the same time
	replayEarly = time.Minute // ended devices are told again from this long before an interruption

	replayAtStart = 10 * time.Minute
)

// heal puts right what may have gone wrong during an interruption.
func (n *Node) heal(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-n.restore:
		}
		n.mu.Lock()
		since := n.missed
		n.missed = time.Time{}
		n.mu.Unlock()
		if err := n.healOnce(ctx, since); err != nil {
			n.log.Warn("not everything could be restored yet", "error", err)
			if !sleep(ctx.Done(), retryFill) {
				return nil
			}
			n.Restored(since)
			continue
		}
		if n.c.Up() { // else all of it follows again when it is
			n.ready.Store(true)
		}
	}
}

// Restored says that something may have been missed since a time.
func (n *Node) Restored(since time.Time) {
	if since.Unix() <= 0 { // this node has just started: what another did not live to tell, it tells
		since = time.Now().Add(-replayAtStart)
	}
	if g := n.c.Generation(); n.generation.Swap(g) != g {
		n.m.Redeliver() // the others may have turned to this Redis before this node did
		n.o.Notifier.Redeliver()
	}
	n.mu.Lock()
	if n.missed.IsZero() || since.Before(n.missed) {
		n.missed = since
	}
	n.mu.Unlock()
	select {
	case n.restore <- struct{}{}:
	default: // it is about to be looked into
	}
}

func (n *Node) healOnce(ctx context.Context, since time.Time) error {
	tell := func(ended []chat.Device) error { return n.c.End(ctx, ended) }
	if err := n.o.Devices.EndedSince(ctx, since.Add(-replayEarly), tell); err != nil {
		return err
	}
	if err := n.lobby.refresh(ctx); err != nil {
		return err
	}
	if err := n.sweepThese(ctx, n.hub.all()); err != nil {
		return err
	}
	n.lost.Store(false) // all are asked of
	if err := n.c.Hold(ctx, n.hub.everybody(), nil, true); err != nil {
		return err
	}
	n.m.Doubt()
	n.watch.relateAll()
	n.watch.renew()
	n.m.Nudge()
	return nil
}

// sweep asks of a part of the sessions each second.
func (n *Node) sweep(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for part := 0; ; part = (part + 1) % sweepParts {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if !n.c.Up() {
			continue
		}
		if err := n.sweepThese(ctx, partOf(n.hub.all(), part)); err != nil && ctx.Err() == nil {
			n.log.Debug("sweep", "error", err)
		}
		if n.lost.Swap(false) {
			n.log.Warn("Redis has lost a session, and perhaps more")
			n.Restored(time.Now())
		}
	}
}

// partOf is the part of the sockets that a sweep asks of.
func partOf(all []*conn, part int) (some []*conn) {
	parts := max(1, min(sweepParts, len(all)/sweepLeast))
	for _, c := range all {
		if int(c.session.ID[len(c.session.ID)-1])%parts == part%parts {
			some = append(some, c)
		}
	}
	return some
}

func (n *Node) sweepThese(ctx context.Context, conns []*conn) error {
	for len(conns) > 0 {
		chunk := conns[:min(len(conns), sweepChunk)]
		conns = conns[len(chunk):]
		sessions := make([]chat.Session, len(chunk))
		for i, c := range chunk {
			sessions[i] = c.session
		}
		found, err := n.c.Renew(ctx, sessions)
		if err != nil {
			return err
		}
		var g errgroup.Group
		g.SetLimit(settleMost)
		for i, c := range chunk {
			g.Go(func() error { return n.settle(ctx, c, found[i]) })
		}
		if err := g.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// settle puts one socket right: a session that Redis lost is claimed again, one
// that another socket has taken over ends, and a queue that is ahead is read.
func (n *Node) settle(ctx context.Context, c *conn, found cluster.Renewed) error {
	head := found.Head
	if found.Holder != c.session.ID {
		if found.Holder > c.session.ID { // session ids sort by time: a later connect holds the device
			c.kick(chat.Replaced)
			return nil
		}
		if found.Holder == "" && c.isOn() {
			n.lost.Store(true)
		}
		claimed, err := n.claimAgain(ctx, c)
		if err != nil {
			return err
		}
		head = max(head, claimed) // until the claim, nobody knew where to publish
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if head != c.cursor.Position || c.cursor.Generation != n.c.Generation() || c.behind && !c.catching {
		c.lagLocked(head)
	}
	return nil
}

// isOn reports whether Redis should know of the session: it was let in, and has
// not begun to leave.
func (c *conn) isOn() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.greeted && !c.over && !c.isOver()
}

// claimAgain takes the device for a socket whose session Redis does not have.
// One that closes is not claimed for any more, or nobody would release it. It
// returns how far the queue has come, 0 when it did not look.
func (n *Node) claimAgain(ctx context.Context, c *conn) (head int64, err error) {
	c.tenure <- struct{}{}
	defer func() { <-c.tenure }()
	if c.isOver() {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	got, err := n.claimDevice(ctx, c)
	var ended *endedError
	switch kind := chat.KindOf(err); {
	case errors.As(err, &ended):
		c.kick(ended.reason)
		return 0, nil
	case kind == chat.Unauthorized, kind == chat.TokenInvalid, kind == chat.AccountDisabled:
		c.refuse(err, "")
		return 0, nil
	case err != nil:
		return 0, err
	}
	n.hub.touch(c.session.User)
	if got.Previous != nil {
		err = n.c.Kick(ctx, []cluster.Kick{*got.Previous})
	}
	return got.Head, err
}

// beat pings every socket, so that middle boxes keep it and a dead one is
// found; the answers extend the reader's deadline.
func (n *Node) beat(ctx context.Context) error {
	const parts = 20 // of the heartbeat, so that not all are written to at once
	tick := time.NewTicker(n.o.Heartbeat / parts)
	defer tick.Stop()
	for part := 0; ; part = (part + 1) % parts {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for _, c := range n.hub.all() {
			if int(c.session.ID[len(c.session.ID)-2])%parts == part {
				c.ping()
			}
		}
	}
}
