package realtime

import (
	"context"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/realtime/cluster"
)

// parting is a session that closed here. Until Redis has been told, it would
// look open there, so it is remembered until that worked.
type parting struct {
	chat.Session
	released bool
	offline  time.Time // when the grace time is over
}

// part takes a closed socket out of the hub and gives its device up. The user
// stays online for the grace time, so that a reconnect is not seen.
func (n *Node) part(c *conn) {
	c.finish() // from here on nobody claims the device for it again
	n.hub.remove(c)
	n.noteSeen(c, true)
	n.enter(context.Background()) // with no end to the wait, it always gets in
	defer n.leave()
	n.saveReceived(context.Background()) // before it can come back, on any node
	p := parting{Session: c.session, offline: time.Now().Add(n.o.Grace)}
	c.tenure <- struct{}{} // after whoever is claiming it still
	p.released = n.release(p)
	<-c.tenure
	n.mu.Lock()
	defer n.mu.Unlock()
	n.parted[c.session.ID] = p
}

func (n *Node) release(p parting) bool {
	ctx, cancel := context.WithTimeout(context.Background(), askWithin)
	defer cancel()
	if !n.c.Up() {
		return false
	}
	watchers, err := n.c.Release(ctx, p.Session, max(time.Until(p.offline), 0))
	if err != nil {
		return false
	}
	if err := n.c.TellWatchers(ctx, p.User, watchers); err != nil {
		n.log.Debug("watchers were not told", "error", err) // they look again by themselves
	}
	return true
}

// settleParted releases what could not be released at once, and takes users
// whose grace time is over from the list of everybody online.
func (n *Node) settleParted(ctx context.Context) {
	n.mu.Lock()
	list := make([]parting, 0, len(n.parted))
	for _, p := range n.parted {
		list = append(list, p)
	}
	n.mu.Unlock()
	for _, p := range list {
		if !p.released {
			p.released = n.release(p)
		}
		over := p.released && time.Now().After(p.offline)
		n.mu.Lock()
		if over {
			delete(n.parted, p.ID)
		} else {
			n.parted[p.ID] = p
		}
		n.mu.Unlock()
		if over {
			n.hub.touch(p.User)
		}
	}
	here, gone := n.hub.takeChanged()
	if len(here)+len(gone) == 0 {
		return
	}
	if err := n.c.Hold(ctx, here, gone, false); err != nil {
		for _, u := range append(here, gone...) {
			n.hub.touch(u) // next time
		}
		return
	}
	n.changes.add(append(here, gone...)...)
}

// saveEvery is how often received offsets go to Redis, and saveRarely how often
// they go on to the database, which is asked only when Redis has lost them.
const (
	saveEvery  = 200 * time.Millisecond
	saveRarely = 5 * time.Second
)

// noteSeen puts down for the database where a device is.
func (n *Node) noteSeen(c *conn, parting bool) {
	c.mu.Lock()
	s := chat.Progress{User: c.session.User, Device: c.session.Device, Seen: time.Now()}
	if c.unsaved {
		s.Offset = c.received.String()
	}
	save := c.unsaved || parting
	c.unsaved = false
	c.mu.Unlock()
	if save && c.session.User != "" {
		n.mu.Lock()
		n.seen = append(n.seen, s)
		n.mu.Unlock()
	}
}

// save carries received offsets to Redis and to the database, and keeps the
// list of everybody online.
func (n *Node) save(ctx context.Context) error {
	often, rarely := time.NewTicker(saveEvery), time.NewTicker(saveRarely)
	defer often.Stop()
	defer rarely.Stop()
	for {
		select {
		case <-ctx.Done():
			n.saveReceived(context.Background())
			n.saveSeen(context.Background())
			return nil
		case <-often.C:
			if n.c.Up() {
				n.saveReceived(ctx)
				n.settleParted(ctx)
			}
		case <-rarely.C:
			n.saveSeen(ctx)
		}
	}
}

func (n *Node) saveReceived(ctx context.Context) {
	var receipts []cluster.Receipt
	var from []*conn
	n.mu.Lock()
	from, n.reported = n.reported, nil
	n.mu.Unlock()
	for _, c := range from {
		c.mu.Lock()
		c.receivedDirty = false
		receipts = append(receipts, cluster.Receipt{User: c.session.User, Device: c.session.Device, Offset: c.received.Clone()})
		c.mu.Unlock()
	}
	if len(receipts) == 0 || n.c.NoteReceived(ctx, receipts) == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.reported = append(n.reported, from...)
}

func (n *Node) saveSeen(ctx context.Context) {
	n.mu.Lock()
	unsaved := n.unsaved
	n.unsaved = nil
	n.mu.Unlock()
	for _, c := range unsaved {
		n.noteSeen(c, false)
	}
	n.mu.Lock()
	seen := n.seen
	n.seen = nil
	n.mu.Unlock()
	if len(seen) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	if err := n.o.Devices.SaveProgress(ctx, seen); err != nil && len(seen) < maxUnsaved {
		n.mu.Lock()
		n.seen = append(seen, n.seen...)
		n.mu.Unlock()
	}
}

// maxUnsaved bounds what waits for the database; beyond it the oldest offsets
// are let go, and a few messages may be sent twice after Redis is lost.
const maxUnsaved = 50_000
