package realtime

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/messaging"
	"github.com/tieline/tieline/pkg/trace"
	"github.com/tieline/tieline/realtime/cluster"
	"golang.org/x/sync/errgroup"
)

// Gate tells who a credential speaks for.
type Gate interface {
	// Verify checks an access token's signature and expiry, and nothing that
	// needs asking anybody.
	Verify(token string) (chat.Identity, error)
	// Redeem takes a one-time ticket.
	Redeem(ctx context.Context, ticket string) (chat.Identity, error)
	// Authorise checks a genuine identity against what has become of its device,
	// by the database where Redis does not know, and tells Redis.
	Authorise(ctx context.Context, id chat.Identity) (chat.Identity, error)
}

// Devices is what the database knows of devices.
type Devices interface {
	Device(ctx context.Context, u chat.UserID, d chat.DeviceID) (chat.DeviceRecord, error)
	// EndedSince hands over the devices that were signed out after a time.
	EndedSince(ctx context.Context, since time.Time, each func([]chat.Device) error) error
	// SaveProgress notes how far devices received, and when they were last seen.
	SaveProgress(ctx context.Context, all []chat.Progress) error
	// LastSeen returns when users were last seen; who never was is left out.
	LastSeen(ctx context.Context, users []chat.UserID) (map[chat.UserID]time.Time, error)
}

// Limits says how often people may do what.
type Limits interface {
	// Allow returns nil, or a RateLimited error that says when to try again.
	Allow(ctx context.Context, op chat.Operation, who string) error
}

// History is what sockets are filled in from.
type History interface {
	Conversation(ctx context.Context, id chat.ConversationID) (chat.Conversation, error)
	History(ctx context.Context, c chat.Conversation, before, after int64, limit int) ([]chat.Message, error)
	Missed(ctx context.Context, u chat.UserID, since time.Time, most int) ([]chat.Missed, error)
	People(ctx context.Context, ids []chat.UserID) (map[chat.UserID]chat.Person, error)
	LeftoverNodes(ctx context.Context) (map[string]int64, error)
	Leftovers(ctx context.Context, node string, after int64, limit int) ([]chat.Leftover, error)
	Load(ctx context.Context, ranges []chat.Range) ([]chat.Delivery, error)
}

// Events is what sockets are filled in from beside messages.
type Events interface {
	EventsSince(ctx context.Context, u chat.UserID, since time.Time, most int) ([]chat.Event, error)
}

// Blocks is what is known of who does not want to be seen by whom.
type Blocks interface {
	// Blockers returns who of some users has blocked one.
	Blockers(ctx context.Context, of chat.UserID, among []chat.UserID) ([]chat.UserID, error)
}

// Notifier delivers events again after a Redis that others had given up.
type Notifier interface{ Redeliver() }

// Options are what a node is made of.
type Options struct {
	ID        chat.NodeID
	Gate      Gate
	Devices   Devices
	History   History
	Events    Events
	Notifier  Notifier
	Blocks    Blocks
	Changes   Changes // of presence; nil: nobody wants to know
	Messenger *messaging.Messenger
	Cluster   *cluster.Cluster
	Ledger    cluster.Ledger
	Limits    Limits        // nil: none
	Trace     *trace.Ring   // what became of messages here; nil: nothing is remembered
	Grace     time.Duration // how long a closed socket may take to come back
	Heartbeat time.Duration // between pings; a socket silent for three is closed
	Log       *slog.Logger
	Metrics   prometheus.Registerer
}

// askWithin bounds what a node asks the database on its own account.
const askWithin = 5 * time.Second

// catchingMost is how many sockets read what they missed at the same time, and
// doorMost how many are let in, or given up. Further ones wait their turn here
// rather than in line for a connection to Redis, where they would hold up
// everything else, and a node would take its own crowd for a Redis that does not
// answer.
const (
	catchingMost = 64
	doorMost     = 16
)

// Node is one node: sockets on one side, the cluster on the other.
type Node struct {
	// Set at construction.
	o          Options
	c          *cluster.Cluster
	h          History
	m          *messaging.Messenger
	log        *slog.Logger
	hub        *hub
	lobby      *lobby
	watch      *watchers
	changes    *changes
	metrics    *metrics
	people     *people
	tells      chan cluster.Frame // signals, typing and receipts on their way out
	pace       chan struct{}      // a place for each socket that is catching up
	door       chan struct{}      // a place for each socket that comes or goes
	restore    chan struct{}      // something may have been missed, since the time in missed
	ready      atomic.Bool        // everything was well at least once
	drain      atomic.Bool        // the node is about to end
	aside      atomic.Bool        // an administrator has it stand aside
	ordered    chan struct{}      // aside has changed
	lost       atomic.Bool        // a session that Redis should have was not there
	generation atomic.Int64       // that Restored was last told of
	waiting    atomic.Int64       // for a place at the door
	sockets    sync.WaitGroup

	mu       sync.Mutex                 // guards all below; taken after a conn's own
	missed   time.Time                  // the earliest that Restored was told since it was last looked into
	parted   map[chat.SessionID]parting // closed, and within the grace time or not yet released in Redis
	reported []*conn                    // have received offsets that Redis does not know yet
	unsaved  []*conn                    // have some that the database does not know yet
	seen     []chat.Progress            // to be saved
}

// New returns a node; Run makes it live.
func New(o Options) *Node {
	if o.Heartbeat == 0 {
		o.Heartbeat = 25 * time.Second
	}
	if o.Limits == nil {
		o.Limits = unlimited{}
	}
	n := &Node{
		o: o, c: o.Cluster, h: o.History, m: o.Messenger, log: o.Log, hub: newHub(), people: newPeople(o.History),
		tells: make(chan cluster.Frame, 8192), pace: make(chan struct{}, catchingMost), restore: make(chan struct{}, 1), ordered: make(chan struct{}, 1),
		door: make(chan struct{}, doorMost), parted: map[chat.SessionID]parting{},
	}
	n.lobby, n.watch, n.changes = newLobby(n), newWatchers(n), newChanges(n)
	n.metrics = newMetrics(n, o.Metrics)
	return n
}

// Run runs the node's own loops until ctx ends. Each is one goroutine, and all
// have ended when it returns.
func (n *Node) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return n.heal(ctx) })
	g.Go(func() error { return n.sweep(ctx) })
	g.Go(func() error { return n.pollOutbox(ctx) })
	g.Go(func() error { return n.lobby.run(ctx) })
	g.Go(func() error { return n.watch.run(ctx) })
	g.Go(func() error { return n.tell(ctx) })
	g.Go(func() error { return n.save(ctx) })
	g.Go(func() error { return n.beat(ctx) })
	g.Go(func() error { return n.obey(ctx) })
	g.Go(func() error { return n.changes.run(ctx) })
	return g.Wait()
}

// Describe returns the figures that the node's lease carries.
func (n *Node) Describe() (connections, sessions int, draining bool) {
	connections, sessions = n.hub.size()
	return connections, sessions, n.draining()
}

// Deliver hands what was published to the sockets that are here. It is called
// from the goroutine that reads the subscription, and never waits for a socket.
func (n *Node) Deliver(e *cluster.Envelope) {
	at := time.Now().UnixMilli()
	for i := range e.Queued {
		q := &e.Queued[i]
		if q.At > 0 {
			n.metrics.latency.Observe(float64(at-q.At) / 1000)
		}
		for _, c := range n.hub.of(q.User) {
			c.push(e.Generation, q)
		}
	}
	for i := range e.Logged {
		n.lobby.take(&e.Logged[i])
	}
	for i := range e.Frames {
		n.show(&e.Frames[i])
	}
	for _, k := range e.Kicks {
		for _, c := range n.hub.of(k.User) {
			if c.session.ID == k.Session {
				c.kick(k.Reason)
			}
		}
	}
	if e.Order != "" {
		n.follow(e.Order)
	}
	n.watch.changed(e.Changed)
	for _, p := range e.Related {
		n.people.forget(p.A, p.B)
		n.m.Doubt(chat.DirectID(p.A, p.B))
		n.watch.related(p)
	}
	if len(e.Rooms) > 0 {
		n.m.Doubt(e.Rooms...)
	}
	for i := range e.Noted {
		for _, c := range n.hub.all() {
			c.note(&e.Noted[i])
		}
	}
}

func (n *Node) show(f *cluster.Frame) {
	if f.Users == nil {
		for _, c := range n.hub.all() {
			n.showTo(c, f)
		}
	}
	for _, u := range f.Users {
		for _, c := range n.hub.of(u) {
			n.showTo(c, f)
		}
	}
}

func (n *Node) showTo(c *conn, f *cluster.Frame) {
	if c.session.ID == f.Except {
		return
	}
	budget := outBudget
	if f.Droppable {
		budget = outLow
	}
	c.offer(f.Data, budget)
}

// paced runs fn when there is a place for it among those that catch up.
func (n *Node) paced(done <-chan struct{}, fn func(context.Context) error) error {
	select {
	case n.pace <- struct{}{}:
	case <-done:
		return context.Canceled
	}
	defer func() { <-n.pace }()
	ctx, cancel := context.WithTimeout(context.Background(), 2*askWithin)
	defer cancel()
	return fn(ctx)
}

// recentMost is how many messages a socket remembers just now.
func (n *Node) recentMost() int {
	if n.c.Up() {
		return recentUsually
	}
	return recentAway
}

// unlimited lets everybody do everything.
type unlimited struct{}

func (unlimited) Allow(context.Context, chat.Operation, string) error { return nil }

// people remembers senders' cards for a minute.
type people struct {
	h  History
	mu sync.Mutex
	m  map[chat.UserID]personAt
	n  int // how often some of them were forgotten
}

type personAt struct {
	chat.Person
	at time.Time
}

const (
	personAge  = time.Minute
	maxPersons = 50_000
)

func newPeople(h History) *people { return &people{h: h, m: map[chat.UserID]personAt{}} }

// forget has the cards of users read again.
func (p *people) forget(users ...chat.UserID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n++
	for _, u := range users {
		delete(p.m, u)
	}
}

func (p *people) of(ctx context.Context, u chat.UserID) (chat.Person, error) {
	p.mu.Lock()
	known, ok := p.m[u]
	forgotten := p.n
	p.mu.Unlock()
	if ok && time.Since(known.at) < personAge {
		return known.Person, nil
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	found, err := p.h.People(ctx, []chat.UserID{u})
	if err != nil {
		if ok {
			return known.Person, nil // an old card is better than no message
		}
		return chat.Person{}, err
	}
	card, exists := found[u]
	if !exists {
		return chat.Person{}, chat.E("realtime.person", chat.Unauthorized, nil)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.m) >= maxPersons {
		clear(p.m)
	}
	if forgotten == p.n { // else this may be what was to be forgotten
		p.m[u] = personAt{card, time.Now()}
	}
	return card, nil
}
