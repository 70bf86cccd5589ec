package realtime

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/tieline/tieline/pkg/account"
	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/embedded"
	"github.com/tieline/tieline/pkg/messaging"
	"github.com/tieline/tieline/pkg/notify"
	"github.com/tieline/tieline/pkg/store"
	"github.com/tieline/tieline/pkg/store/storetest"
	"github.com/tieline/tieline/pkg/testserver"
	"github.com/tieline/tieline/pkg/wire"
	"github.com/tieline/tieline/realtime/cluster"
)

// patience bounds every wait for what happens by itself.
const patience = 20 * time.Second

// world is some nodes with a database and a Redis between them, all in this
// process; their clients are sockets without a network.
type world struct {
	t     *testing.T
	db    *store.DB
	path  string // of the database
	users *store.Accounts
	redis string                  // URL
	real  *testserver.RedisServer // nil: the one in the box
	o     worldOptions
	ids   atomic.Int64

	sockets sync.WaitGroup
	mu      sync.Mutex
	open    []*socket
}

type worldOptions struct {
	grace       time.Duration
	heartbeat   time.Duration
	queueLength int64
}

// onEachRedis runs a test with the Redis in the box and with a real one.
func onEachRedis(t *testing.T, test func(w *world)) {
	t.Parallel()
	t.Run("embedded", func(t *testing.T) { test(newWorld(t, false)) })
	t.Run("redis", func(t *testing.T) { test(newWorld(t, true)) })
}

// newWorld makes a world without nodes. Worlds exist at the same time.
func newWorld(t *testing.T, realRedis bool) *world {
	t.Parallel()
	path := emptyDatabase(t)
	w := &world{t: t, path: path, db: storetest.Open(t, "sqlite://"+path), o: worldOptions{grace: 5 * time.Second, queueLength: 2000}}
	w.users = store.NewAccounts(w.db)
	if realRedis {
		w.real = testserver.Redis(t)
		w.redis = w.real.URL()
	} else {
		addr, stop, err := embedded.Start(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(stop)
		w.redis = "redis://" + addr
	}
	t.Cleanup(func() {
		w.mu.Lock()
		open := w.open
		w.mu.Unlock()
		for _, s := range open {
			s.change(func() { s.hungUp, s.stalled = true, false })
		}
		w.sockets.Wait()
	})
	return w
}

// The schema is made once; each test gets a copy.
var (
	schemaOnce sync.Once
	schema     []byte
)

func emptyDatabase(t *testing.T) string {
	schemaOnce.Do(func() {
		path := filepath.Join(t.TempDir(), "schema.db")
		db, err := store.Open(context.Background(), "sqlite://"+path, store.Options{Log: quiet})
		if err != nil {
			t.Fatal(err)
		}
		err = db.Migrate(context.Background())
		db.Close()
		if err != nil {
			t.Fatal(err)
		}
		if schema, err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	})
	path := filepath.Join(t.TempDir(), "tieline.db")
	if err := os.WriteFile(path, schema, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// peer is one node of a world.
type peer struct {
	*Node
	w   *world
	db  *database
	r   *cluster.Redis
	acc *account.Accounts

	events   *store.Events
	notifier *notify.Notifier
	people   *store.People
	stop     func() // as an orderly end does, but for the drain

	mu     sync.Mutex
	filter func(*cluster.Envelope) bool // false: the envelope is lost
}

// Deliver is the cluster's word to the node, on its way through a test.
func (p *peer) Deliver(e *cluster.Envelope) {
	p.mu.Lock()
	f := p.filter
	p.mu.Unlock()
	if f == nil || f(e) {
		p.Node.Deliver(e)
	}
}

// lose has what f refuses lost on its way to the node.
func (p *peer) lose(f func(*cluster.Envelope) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.filter = f
}

// messages is a filter that loses all messages.
func messages(e *cluster.Envelope) bool { return len(e.Queued) == 0 && len(e.Logged) == 0 }

// node starts a node and waits until it is ready.
func (w *world) node(id chat.NodeID) *peer { return w.nodeVia(id, w.redis) }

func (w *world) nodeVia(id chat.NodeID, redisURL string) *peer {
	w.t.Helper()
	p := w.startNode(id, redisURL)
	eventually(w.t, string(id)+" is ready", func() bool {
		ready, _, strict := p.Ready(w.t.Context())
		return ready && strict && len(p.c.Nodes()) > 0
	})
	return p
}

func (w *world) startNode(id chat.NodeID, redisURL string) *peer {
	w.t.Helper()
	r, err := cluster.Open(redisURL)
	if err != nil {
		w.t.Fatal(err)
	}
	p := &peer{w: w, r: r, db: &database{Messages: store.NewMessages(w.db), Accounts: w.users, ledger: store.NewLedger(w.db)}}
	boot := chat.NewID()
	c := cluster.New(r, cluster.Options{
		Node: id, Boot: boot, QueueLength: w.o.queueLength, QueueAge: time.Hour, Grace: w.o.grace, Ledger: p.db, Log: quiet,
		Describe: func() (int, int, bool) { return p.Describe() },
	})
	p.acc = account.New(w.users, c, account.Options{Key: make([]byte, 32), Policy: chat.Multi, MaxDevices: 10, Registration: account.Open, Log: quiet})
	m := messaging.New(p.db, c, messaging.Options{Boot: boot, Log: quiet})
	p.events = store.NewEvents(w.db)
	p.people = store.NewPeople(w.db)
	p.notifier = notify.New(p.events, c, notify.Options{Keep: time.Hour, Log: quiet})
	p.Node = New(Options{
		ID: id, Gate: gate{p}, Devices: p.db, History: p.db, Events: p.events, Notifier: p.notifier, Blocks: p.people,
		Messenger: m, Cluster: c, Ledger: p.db,
		Grace: w.o.grace, Heartbeat: w.o.heartbeat, Log: quiet,
	})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	n := p.Node
	loops := []func(context.Context) error{
		func(ctx context.Context) error { return c.Run(ctx, p) }, m.Run, p.notifier.Run,
		// As Node.Run, but for the sweep, which would in time put right whatever a
		// test is to find broken; see peer.sweepAll.
		n.heal, n.pollOutbox, n.lobby.run, n.watch.run, n.tell, n.save, n.beat,
	}
	for _, run := range loops {
		running.Go(func() {
			if err := run(ctx); err != nil {
				w.t.Error(err)
			}
		})
	}
	p.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		r.Close()
	})
	w.t.Cleanup(p.stop)
	return p
}

// sweepAll asks of all sessions of the node, as the sweep does in half a minute.
func (p *peer) sweepAll() {
	p.w.t.Helper()
	if err := p.sweepThese(p.w.t.Context(), p.hub.all()); err != nil {
		p.w.t.Fatal(err)
	}
}

// person is somebody signed up; at is a device of theirs.
type person struct {
	w  *world
	id chat.UserID
}

type at struct {
	w *world
	chat.Device
}

func (d at) token() string { return fmt.Sprintf("%s/%s/%d", d.User, d.ID, d.Login) }

// person signs somebody up, on a device "web".
func (w *world) person(on *peer, name string) (person, at) {
	w.t.Helper()
	u := chat.User{ID: chat.UserID(chat.NewID()), Username: name, Nickname: name, Sex: "unknown", CreatedAt: time.Now()}
	in, err := w.users.Create(w.t.Context(), chat.SignUp{
		Account: chat.Account{User: u, UsernameKey: name, NicknameKey: name, PasswordHash: "x"},
		Device:  chat.Device{User: u.ID, ID: "web", Platform: chat.Web, Name: "web"},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.tell(on, in)
	return person{w, u.ID}, at{w, in.Device}
}

// signIn signs a device of somebody in.
func (p person) signIn(on *peer, id chat.DeviceID) at { return p.signInAs(on, id, chat.Multi) }

func (p person) signInAs(on *peer, id chat.DeviceID, policy chat.Policy) at {
	p.w.t.Helper()
	in, err := p.w.users.SignIn(p.w.t.Context(), chat.SignIn{
		Device: chat.Device{User: p.id, ID: id, Platform: chat.Desktop, Name: string(id)}, Policy: policy, MaxDevices: 10, Verified: "x",
	})
	if err != nil {
		p.w.t.Fatal(err)
	}
	p.w.tell(on, in)
	return at{p.w, in.Device}
}

func (w *world) tell(on *peer, in chat.SignedIn) {
	w.t.Helper()
	if on == nil {
		return
	}
	if err := on.c.SignedIn(w.t.Context(), in.Device, in.Ended); err != nil {
		w.t.Fatal(err)
	}
}

// dial has a node serve a socket of the device.
func (d at) dial(on *peer, offset string) *socket { return d.dialAs(on, newSocket(d.w.t), offset) }

func (d at) dialAs(on *peer, s *socket, offset string) *socket {
	return d.w.serve(on, s, Hello{Token: d.token(), Platform: d.Platform, Offset: offset})
}

func (w *world) serve(on *peer, s *socket, h Hello) *socket {
	w.mu.Lock()
	w.open = append(w.open, s)
	w.mu.Unlock()
	w.sockets.Go(func() {
		defer close(s.done)
		on.Serve(context.Background(), s, h)
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.closed {
			s.t.Error("a socket was left open")
		}
	})
	return s
}

// connect is dial, and everything missed.
func (d at) connect(on *peer, offset string) *socket {
	d.w.t.Helper()
	s := d.dial(on, offset)
	s.expect(wire.Welcome)
	s.expect(wire.Synced)
	return s
}

// say sends a text and returns its ack.
func (w *world) say(s *socket, to wire.Target, text string) frame {
	w.t.Helper()
	return s.ackOf(w.sayAs(s, to, text))
}

// sayAs sends a text and returns its id.
func (w *world) sayAs(s *socket, to wire.Target, text string) string {
	id := fmt.Sprint("m", w.ids.Add(1))
	s.send(wire.ClientFrame{Type: wire.Send, ID: id, To: &to, Message: &wire.Draft{Kind: chat.Text, Text: text}})
	return id
}

func (s *socket) ackOf(id string) frame {
	s.t.Helper()
	f := s.expectOne("ack of "+id, func(f *frame) bool { return f.Re == id })
	if f.Type != wire.Ack {
		s.t.Fatalf("instead of an ack: %s", f.raw)
	}
	return f
}

func (p person) target() wire.Target { return wire.Target{User: p.id} }

var lobbyTarget = wire.Target{Room: chat.Lobby}

// conn returns the node's side of a socket.
func (p *peer) conn(s *socket) *conn {
	p.w.t.Helper()
	for _, c := range p.hub.all() {
		if c.sock == Socket(s) {
			return c
		}
	}
	p.w.t.Fatal("the node does not hold the socket")
	return nil
}

// do runs a command in Redis, behind everybody's back.
func (w *world) do(command ...any) {
	w.t.Helper()
	o, err := redis.ParseURL(w.redis)
	if err != nil {
		w.t.Fatal(err)
	}
	c := redis.NewClient(o)
	defer c.Close()
	if err := c.Do(w.t.Context(), command...).Err(); err != nil {
		w.t.Fatal(err)
	}
}

// sql changes the database, behind everybody's back.
func (w *world) sql(query string, args ...any) {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+w.path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(w.t.Context(), query, args...); err != nil {
		w.t.Fatal(err)
	}
}
