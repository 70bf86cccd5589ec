package realtime

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
	"github.com/tieline/tieline/realtime/cluster"
)

// lobby is this node's place in the log of the room that everybody is in. Two
// nodes may publish its messages out of order; here they are put in order once
// for all sockets of the node.
type lobby struct {
	node *Node
	wake chan struct{}

	at atomic.Int64 // everything up to this seq has been shown to the live sockets

	mu      sync.Mutex                // guards moving at, and below
	waiting map[int64]*cluster.Logged // came before what precedes them
}

// How long a hole is waited for before it is read, how often the database is
// asked whether one was missed altogether, and how many may wait.
const (
	lobbyPatience = 50 * time.Millisecond
	lobbyCheck    = 10 * time.Second
	lobbyWaiting  = 4096
)

func newLobby(n *Node) *lobby {
	return &lobby{node: n, wake: make(chan struct{}, 1), waiting: map[int64]*cluster.Logged{}}
}

func (l *lobby) head() int64 { return l.at.Load() }

// take hands a message on to the live sockets if it is the next, and keeps it
// if it is not yet.
func (l *lobby) take(m *cluster.Logged) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.at.Load()
	if m.Seq <= at || m.Seq > at+1 && len(l.waiting) >= lobbyWaiting {
		return
	}
	l.waiting[m.Seq] = m
	if m.Seq > at+1 {
		select {
		case l.wake <- struct{}{}:
		default:
		}
		return
	}
	conns := l.node.hub.all()
	for next := m; next != nil; next = l.waiting[next.Seq+1] {
		delete(l.waiting, next.Seq)
		l.at.Store(next.Seq)
		for _, c := range conns {
			c.pushLogged(next)
		}
	}
}

// run fills holes, and asks the database now and then whether the newest
// messages were missed.
func (l *lobby) run(ctx context.Context) error {
	check := time.NewTicker(lobbyCheck)
	defer check.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-l.wake:
			if sleep(ctx.Done(), lobbyPatience) {
				l.fillHole(ctx)
			}
		case <-check.C:
			l.refresh(ctx)
		}
	}
}

// refresh takes the head from the database; sockets that were live until then
// read what they missed.
func (l *lobby) refresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	before := l.head()
	c, err := l.node.h.Conversation(ctx, chat.Lobby)
	if err != nil {
		return err
	}
	if !l.node.c.Up() || before == 0 {
		l.moveTo(c.LastSeq)
		return nil
	}
	// Give what was committed just now the time to arrive by itself.
	if c.LastSeq > before && sleep(ctx.Done(), lobbyPatience) {
		l.moveTo(c.LastSeq)
	}
	return nil
}

func (l *lobby) moveTo(seq int64) {
	l.mu.Lock()
	moved := seq > l.at.Load()
	if moved {
		l.at.Store(seq)
		maps.DeleteFunc(l.waiting, func(at int64, _ *cluster.Logged) bool { return at <= seq })
	}
	l.mu.Unlock()
	if !moved {
		return
	}
	for _, c := range l.node.hub.all() {
		if c.lobbySeq() < seq {
			c.lag(0)
		}
	}
}

// fillHole reads what is missing before the messages that wait, a page at a time.
func (l *lobby) fillHole(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	for {
		l.mu.Lock()
		at, waiting := l.at.Load(), len(l.waiting)
		l.mu.Unlock()
		if waiting == 0 {
			return
		}
		page, _, err := l.read(ctx, at, pageSize)
		if err != nil || len(page) == 0 {
			return // the next message, or the next check, tries again
		}
		for i := range page {
			l.take(&page[i])
		}
		if l.at.Load() == at {
			return
		}
	}
}

// read returns what follows a seq: from the log in Redis where that has it
// without holes, else from the history.
func (l *lobby) read(ctx context.Context, after int64, count int) (page []cluster.Logged, fromLog bool, err error) {
	if l.node.c.Up() {
		page, err = l.node.c.ReadLog(ctx, chat.Lobby, after, count)
		if err == nil && len(page) > 0 && page[0].Seq == after+1 && page[len(page)-1].Seq == after+int64(len(page)) {
			return page, true, nil
		}
	}
	c, err := l.node.h.Conversation(ctx, chat.Lobby)
	if err != nil {
		return nil, false, err
	}
	messages, err := l.node.h.History(ctx, c, 0, after, count)
	if err != nil {
		return nil, false, err
	}
	if after == 0 && len(messages) > 0 && messages[0].Seq != 1 { // without a bound the newest come
		if messages, err = l.node.h.History(ctx, c, int64(count)+1, 0, count); err != nil {
			return nil, false, err
		}
	}
	page = make([]cluster.Logged, len(messages))
	for i := range messages {
		page[i] = logged(&messages[i])
	}
	return page, false, nil
}

// logged is a message of the history as the log would have it.
func logged(m *chat.Message) cluster.Logged {
	return cluster.Logged{
		Entry:  cluster.Entry{Conversation: m.Conversation, Seq: m.Seq, At: m.At.UnixMilli(), Body: wire.EncodeMessage(m, "")},
		Sender: m.From.ID, Own: wire.EncodeMessage(m, m.From.ID),
	}
}

// lobbySeq returns how far the conn has come in the lobby.
func (c *conn) lobbySeq() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	seq, _ := c.cursor.Room(chat.Lobby)
	return seq
}
