package realtime

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
	"github.com/tieline/tieline/realtime/cluster"
)

// watchers is whom the sockets of this node watch. A change of somebody's
// presence comes as a hint to look again; looking again now and then finds what
// no hint told, such as a node that died.
type watchers struct {
	node *Node
	wake chan struct{}

	mu    sync.Mutex
	users map[chat.UserID]*watched
	dirty map[chat.UserID]struct{}           // to be looked at now
	asked []question                         // to be answered now
	owed  map[*conn]map[chat.UserID]struct{} // to be told again: what they were told was dropped
	later map[chat.UserID]time.Time          // to be looked at when their grace time is over
	shun  shunned
}

// question is a socket's wish to know where people are now. It is answered by
// the goroutine that also tells of changes, so that what is told last is true.
type question struct {
	conn  *conn
	users []chat.UserID
}

type watched struct {
	conns map[*conn]struct{}
	last  chat.Presence
	known bool
}

// lookEvery is how often everybody watched is looked at, and renewEvery how
// often Redis is told that this node watches them.
const (
	lookEvery  = 3 * time.Second
	lookSoon   = 100 * time.Millisecond
	renewEvery = time.Minute
	lookMost   = 1000
)

func newWatchers(n *Node) *watchers {
	return &watchers{node: n, wake: make(chan struct{}, 1), users: map[chat.UserID]*watched{}, dirty: map[chat.UserID]struct{}{},
		owed: map[*conn]map[chat.UserID]struct{}{}, later: map[chat.UserID]time.Time{}, shun: newShunned()}
}

// watch has the socket told of these users' presence, now and on each change.
func (r *reading) watch(users []chat.UserID) error {
	if !r.node.c.Up() {
		return &chat.Error{Kind: chat.Unavailable, Op: "realtime.watch", Retry: time.Second}
	}
	if r.watching == nil {
		r.watching = map[chat.UserID]struct{}{}
	}
	more := 0
	for _, u := range users {
		if _, ok := r.watching[u]; !ok {
			more++
		}
	}
	if len(r.watching)+more > wire.MaxUsers {
		return chat.OutOfBounds("users", "too_long", wire.MaxUsers)
	}
	for _, u := range users {
		r.watching[u] = struct{}{}
	}
	ctx, cancel := r.within()
	defer cancel()
	if err := r.node.c.Watch(ctx, r.node.watch.add(r.conn, users)); err != nil {
		return err
	}
	if _, err := r.node.watch.readShunned(ctx, r.conn, users); err != nil {
		r.node.log.Debug("blocks not read", "error", err) // with the database away, presence goes on
		r.node.watch.doubt(r.conn, users)
	}
	r.node.watch.ask(r.conn, users)
	return nil
}

func (r *reading) unwatch(users []chat.UserID) {
	for _, u := range users {
		delete(r.watching, u)
	}
	r.node.watch.remove(r.conn, users)
}

func (r *reading) unwatchAll() {
	users := make([]chat.UserID, 0, len(r.watching))
	for u := range r.watching {
		users = append(users, u)
	}
	r.unwatch(users)
}

// add notes who watches whom, and returns who was not watched here before.
func (w *watchers) add(c *conn, users []chat.UserID) (fresh []chat.UserID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, u := range users {
		if w.users[u] == nil {
			w.users[u] = &watched{conns: map[*conn]struct{}{}}
			fresh = append(fresh, u)
		}
		w.users[u].conns[c] = struct{}{}
	}
	return fresh
}

// remove forgets that a conn watches users. That the node still does in Redis
// runs out by itself.
func (w *watchers) remove(c *conn, users []chat.UserID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, u := range users {
		if e := w.users[u]; e != nil {
			if delete(e.conns, c); len(e.conns) == 0 {
				delete(w.users, u)
			}
		}
		drop(w.owed, c, u)
		w.shun.forget(c, u)
	}
}

// ask has a socket told where people are, whether that changed or not.
func (w *watchers) ask(c *conn, users []chat.UserID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, question{c, users})
	w.rouse()
}

// owe has a slow reader told again, in a while, of what was dropped.
func (w *watchers) owe(c *conn, users []chat.UserID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, u := range users {
		if e := w.users[u]; e != nil {
			if _, watches := e.conns[c]; watches {
				put(w.owed, c, u)
			}
		}
	}
}

// payBack asks for those to whom something is owed.
func (w *watchers) payBack() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c, users := range w.owed {
		w.asked = append(w.asked, question{c, slices.Collect(maps.Keys(users))})
	}
	clear(w.owed)
}

// changed is the hint that users' presence may have changed.
func (w *watchers) changed(users []chat.UserID) {
	if len(users) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, u := range users {
		if w.users[u] != nil {
			w.dirty[u] = struct{}{}
		}
	}
	w.rouse()
}

// renew has everybody looked at, and Redis told of them, at once.
func (w *watchers) renew() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for u := range w.users {
		w.dirty[u] = struct{}{}
	}
	w.rouse()
}

func (w *watchers) rouse() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *watchers) run(ctx context.Context) error {
	soon, every, tell := time.NewTicker(lookSoon), time.NewTicker(lookEvery), time.NewTicker(renewEvery)
	defer soon.Stop()
	defer every.Stop()
	defer tell.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.wake:
			w.relate(ctx)
		case <-soon.C:
			w.takeLater()
		case <-every.C:
			w.payBack()
			w.renew()
			w.relate(ctx)
		case <-tell.C:
			if err := w.node.c.Watch(ctx, w.all()); err != nil {
				w.node.log.Debug("watch not renewed", "error", err)
			}
		}
		if w.node.c.Up() {
			w.look(ctx)
		}
	}
}

func (w *watchers) all() []chat.UserID {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]chat.UserID, 0, len(w.users))
	for u := range w.users {
		out = append(out, u)
	}
	return out
}

func (w *watchers) takeLater() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for u, at := range w.later {
		if time.Now().After(at) {
			delete(w.later, u)
			w.dirty[u] = struct{}{}
		}
	}
}

// look reads the presence of whoever may have changed, and tells those who
// watch them of what did, and those who asked.
func (w *watchers) look(ctx context.Context) {
	for {
		some, asked := w.take()
		if len(some)+len(asked) == 0 {
			return
		}
		now, err := w.node.c.Presences(ctx, some)
		if err != nil {
			w.mu.Lock()
			w.asked = append(asked, w.asked...)
			w.mu.Unlock()
			return // the next round looks again at everybody
		}
		told, tell := w.compare(some, now)
		for _, q := range asked {
			tell[q.conn] = append(tell[q.conn], q.users...)
			told = append(told, q.users...)
		}
		if len(told)+len(asked) == 0 {
			continue
		}
		full, err := w.node.withLastSeen(ctx, told, now)
		if err != nil {
			w.node.log.Debug("last seen not read", "error", err)
		}
		for c, users := range tell {
			mine := make(map[chat.UserID]chat.Presence, len(users))
			for _, u := range users {
				mine[u] = chat.Presence{} // offline, and never seen, but for those who may be
			}
			for _, u := range w.visible(c, users) {
				mine[u] = full[u]
			}
			if !c.offer(wire.Encode(presenceFrame(mine)), outLow) {
				w.owe(c, users)
			}
		}
	}
}

// take returns some of those to be looked at, among them all that are asked for
// by the questions it returns.
func (w *watchers) take() (some []chat.UserID, asked []question) {
	w.mu.Lock()
	defer w.mu.Unlock()
	add := func(u chat.UserID) {
		delete(w.dirty, u)
		some = append(some, u)
	}
	for len(w.asked) > 0 && len(some) < lookMost/2 {
		q := w.asked[0]
		asked, w.asked = append(asked, q), w.asked[1:]
		for _, u := range q.users {
			add(u)
		}
	}
	for u := range w.dirty {
		if len(some) >= lookMost {
			break
		}
		add(u)
	}
	return some, asked
}

func (w *watchers) compare(some []chat.UserID, now map[chat.UserID]cluster.Status) (changed []chat.UserID, tell map[*conn][]chat.UserID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	tell = map[*conn][]chat.UserID{}
	for _, u := range some {
		e, s := w.users[u], now[u]
		if e == nil {
			continue
		}
		if !s.Until.IsZero() {
			w.later[u] = time.Now().Add(time.Until(s.Until) + lookSoon)
		}
		if e.known && e.last.Online == s.Online && slices.Equal(e.last.Devices, s.Devices) {
			continue
		}
		first := !e.known
		e.last, e.known = s.Presence, true
		if first && !s.Online {
			continue // told by the answer to watch
		}
		changed = append(changed, u)
		for c := range e.conns {
			if !w.shun.has(c, u) {
				tell[c] = append(tell[c], u)
			}
		}
	}
	return changed, tell
}

// Presence returns where people are; LastSeen of those offline, unless the
// database is away.
func (n *Node) Presence(ctx context.Context, users []chat.UserID) (map[chat.UserID]chat.Presence, error) {
	now, err := n.c.Presences(ctx, users)
	if err != nil {
		return nil, err
	}
	out, err := n.withLastSeen(ctx, users, now)
	if err != nil {
		n.log.Debug("last seen not read", "error", err)
	}
	return out, nil
}

// lastSeenWithin is how long presence waits for the database, which only adds to
// it.
const lastSeenWithin = time.Second

// withLastSeen completes statuses with when those offline were last seen. With
// the database away it is left out, and the error says so.
func (n *Node) withLastSeen(ctx context.Context, users []chat.UserID, now map[chat.UserID]cluster.Status) (map[chat.UserID]chat.Presence, error) {
	out := make(map[chat.UserID]chat.Presence, len(users))
	var offline []chat.UserID
	for _, u := range users {
		out[u] = now[u].Presence
		if !now[u].Online {
			offline = append(offline, u)
		}
	}
	if len(offline) == 0 {
		return out, nil
	}
	ctx, cancel := context.WithTimeout(ctx, lastSeenWithin)
	defer cancel()
	seen, err := n.o.Devices.LastSeen(ctx, offline)
	for u, at := range seen {
		p := out[u]
		p.LastSeen = at
		out[u] = p
	}
	return out, err
}

func presenceFrame(users map[chat.UserID]chat.Presence) wire.PresenceFrame {
	f := wire.PresenceFrame{Type: wire.Presence, Users: make(map[chat.UserID]wire.PresenceStatus, len(users))}
	for u, p := range users {
		f.Users[u] = wire.NewPresenceStatus(p)
	}
	return f
}
