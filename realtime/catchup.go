package realtime

import (
	"context"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/trace"
	"github.com/tieline/tieline/pkg/wire"
	"github.com/tieline/tieline/realtime/cluster"
)

// Catching up is one mechanism for resuming after a reconnect, for a slow
// reader, for a lost publication and for a Redis that was swapped underneath:
// pages of the queue, or where it does not reach back the history, until the
// cursor is level with the head.
const (
	pageSize = 100
	pushMost = 1000 // messages of one conversation that are pushed; what is older is declared a gap
	// fillMargin is how far before the cursor's time the history is read. It
	// exceeds the longest commit plus the skew of the nodes' clocks.
	fillMargin = 30 * time.Second
	retryFill  = time.Second
	// credit is how many frames a device that is catching up is sent before it has
	// reported any of them as received, and creditWait how long it is waited for:
	// not every client reports.
	credit     = 500
	creditWait = time.Second
)

// catchUp runs while the conn is behind. It gives up when Redis is away: the
// node starts it again when Redis is back.
func (c *conn) catchUp() {
	for {
		if !c.waitForRoom() || c.level() || !c.waitForCredit() {
			return
		}
		var found *filling
		err := c.node.paced(c.done, func(ctx context.Context) (err error) {
			found, err = c.catchUpSome(ctx)
			return err
		})
		switch {
		case err == nil:
			if found != nil && !c.show(found) {
				return
			}
		case !c.node.c.Up():
			c.stopCatching()
			return
		case !sleep(c.done, retryFill):
			return
		}
	}
}

func (c *conn) stopCatching() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.catching = false
}

// level makes the conn live again if nothing more is known to be missed, and
// says so to the client the first time.
func (c *conn) level() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	lobby, _ := c.cursor.Room(chat.Lobby)
	if c.seen > c.cursor.Position || c.cursor.Generation != c.node.c.Generation() || lobby < c.lobbyHeadLocked() {
		return false
	}
	c.behind, c.catching = false, false
	if !c.synced {
		c.synced = true
		c.sendLocked(wire.Encode(wire.SyncedFrame{Type: wire.Synced, Offset: c.cursor.String(), Count: c.count, Source: c.source}))
	}
	return true
}

// lobbyHeadLocked is how far the lobby has come, as far as is known here.
func (c *conn) lobbyHeadLocked() int64 { return max(c.lobby, c.node.lobby.head()) }

// waitForCredit waits for the device's word that it has received something of
// what it was sent since it last said so, if that is much; false when the conn
// is over.
func (c *conn) waitForCredit() bool {
	c.mu.Lock()
	if c.unreported < credit || c.over {
		defer c.mu.Unlock()
		return !c.over
	}
	word := make(chan struct{})
	c.reported = word
	c.mu.Unlock()
	wait := time.NewTimer(creditWait)
	defer wait.Stop()
	select {
	case <-word:
	case <-wait.C:
	case <-c.done:
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reported, c.unreported = nil, 0
	return !c.over
}

// catchUpSome reads one page of whatever is missing; what the history fills in
// is returned, to be shown.
func (c *conn) catchUpSome(ctx context.Context) (*filling, error) {
	c.mu.Lock()
	at, seen, lobby := c.cursor.Clone(), c.seen, c.lobbyHeadLocked()
	c.mu.Unlock()
	if at.Generation != c.node.c.Generation() {
		return c.fill(ctx, at)
	}
	if seen > at.Position {
		return c.readQueue(ctx, at, seen)
	}
	return nil, c.readLobby(ctx, at, lobby)
}

// readQueue shows the next page of the queue, or fills in where the queue no
// longer has what follows the cursor. Seen is what was heard of before the page
// was read.
func (c *conn) readQueue(ctx context.Context, at cluster.Offset, seen int64) (*filling, error) {
	page, err := c.node.c.ReadQueue(ctx, c.session.User, at.Position, pageSize)
	if err != nil {
		return nil, err
	}
	if page.Generation != at.Generation || page.Head < at.Position || page.Head > at.Position && page.First > at.Position+1 {
		return c.fill(ctx, at)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range page.Entries {
		// A position without an entry is that of an append that failed halfway; what
		// it was to append comes, or came, under another.
		if q := &page.Entries[i]; q.Position > c.cursor.Position {
			if c.size > outBudget {
				return nil, nil // the others are read again when there is room
			}
			c.takeLocked(q, c.synced)
		}
	}
	if page.More {
		return nil, nil
	}
	c.cursor.Position = max(c.cursor.Position, page.Head)
	if c.seen == seen {
		// What was heard of beyond the head was of a queue that is gone. What was
		// heard of meanwhile may be beyond the page.
		c.seen = c.cursor.Position
	}
	return nil, nil
}

// filling is what the history has for a queue that does not reach back.
type filling struct {
	at     cluster.Offset // the cursor that it was read for
	page   cluster.Page   // the head of the queue before it was read
	missed []chat.Missed
	events []chat.Event
}

// fill reads from the history what the queue does not have: everything since
// the cursor's time, less a margin. The head is read before the history, so a
// message that comes in between is in one of the two.
func (c *conn) fill(ctx context.Context, at cluster.Offset) (*filling, error) {
	page, err := c.node.c.ReadQueue(ctx, c.session.User, 0, 0)
	if err != nil {
		return nil, err
	}
	c.node.metrics.fills.Inc()
	since := time.UnixMilli(at.At).Add(-fillMargin)
	missed, err := c.node.h.Missed(ctx, c.session.User, since, pushMost)
	if err != nil {
		return nil, err
	}
	events, err := c.node.o.Events.EventsSince(ctx, c.session.User, since, pushMost)
	return &filling{at, page, missed, events}, err
}

// show shows what the history filled in, at the reader's pace; false when the
// conn is over. Until the end the frames carry the old offset, so that a
// connection lost on the way begins again.
func (c *conn) show(f *filling) bool {
	newest := f.at.At
	for i := range f.missed {
		if !c.showMissed(&f.missed[i], &f.at) {
			return false
		}
		for j := range f.missed[i].Messages {
			newest = max(newest, f.missed[i].Messages[j].At.UnixMilli())
		}
	}
	if !c.showEvents(f.events, &f.at) {
		return false
	}
	if n := len(f.events); n > 0 {
		newest = max(newest, f.events[n-1].At.UnixMilli())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cursor.Generation, c.cursor.Position = f.page.Generation, f.page.Head
	c.cursor.At = max(c.cursor.At, newest)
	c.source = wire.SourceHistory
	c.seen = max(c.seen, f.page.Head) // more may have been heard of meanwhile
	return true
}

// showMissed shows what was missed of one conversation, at the reader's pace.
func (c *conn) showMissed(m *chat.Missed, at *cluster.Offset) bool {
	if m.Gap && len(m.Messages) > 0 {
		c.sendFrame(wire.GapFrame{Type: wire.Gap, Conversation: m.Conversation, AfterSeq: m.After, BeforeSeq: m.Messages[0].Seq})
	}
	for i := range m.Messages {
		if !c.waitForRoom() || !c.waitForCredit() {
			return false
		}
		body := wire.EncodeMessage(&m.Messages[i], c.session.User)
		key := recentKey(m.Conversation, m.Messages[i].Seq)
		c.mu.Lock()
		if !c.recent.has(key) {
			c.recent.add(key, c.node.recentMost())
			c.noteLocked(m.Conversation, m.Messages[i].Seq, trace.Pushed)
			c.frameLocked(wire.Message, body, at)
		}
		c.mu.Unlock()
	}
	return true
}

// showEvents shows the events that were missed, at the reader's pace.
func (c *conn) showEvents(events []chat.Event, at *cluster.Offset) bool {
	for i := range events {
		if !c.waitForRoom() || !c.waitForCredit() {
			return false
		}
		body := wire.EncodeEvent(&events[i])
		key := recentKey(cluster.EventPlace(events[i].ID), 0)
		c.mu.Lock()
		if !c.recent.has(key) {
			c.recent.add(key, c.node.recentMost())
			c.frameLocked(wire.Event, body, at)
		}
		c.mu.Unlock()
	}
	return true
}

// readLobby shows the next page of the lobby, from its log or else from the
// history, which has the same messages under the same seqs.
func (c *conn) readLobby(ctx context.Context, at cluster.Offset, head int64) error {
	last, _ := at.Room(chat.Lobby)
	if head-last > pushMost {
		c.sendFrame(wire.GapFrame{Type: wire.Gap, Conversation: chat.Lobby, AfterSeq: last, BeforeSeq: head - pushMost + 1})
		last = head - pushMost
		c.mu.Lock()
		c.cursor.SetRoom(chat.Lobby, last)
		c.mu.Unlock()
	}
	page, fromLog, err := c.node.lobby.read(ctx, last, pageSize)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !fromLog {
		c.source = wire.SourceHistory
	}
	if len(page) == 0 {
		c.lobby = 0 // what was heard of is not there
	}
	for i := range page {
		if now, _ := c.cursor.Room(chat.Lobby); page[i].Seq == now+1 && c.size <= outBudget {
			c.takeLoggedLocked(&page[i], c.synced)
		}
	}
	return nil
}

// sleep waits; false when done is closed first.
func sleep(done <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-done:
		return false
	case <-t.C:
		return true
	}
}
