package cluster

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/embedded"
	"github.com/tieline/tieline/pkg/testserver"
)

// onEachRedis runs a test against the Redis in the box and against real ones:
// alone, behind sentinels, and as a cluster.
func onEachRedis(t *testing.T, test func(t *testing.T, url string)) {
	t.Run("embedded", func(t *testing.T) {
		addr, stop, err := embedded.Start(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(stop)
		test(t, "redis://"+addr)
	})
	t.Run("redis", func(t *testing.T) { test(t, testserver.RedisURL(t)) })
	t.Run("sentinel", func(t *testing.T) { test(t, testserver.SentinelURL(t)) })
	t.Run("cluster", func(t *testing.T) { test(t, testserver.RedisClusterURL(t)) })
}

// ledger is a database with one row.
type ledger struct {
	mu       sync.Mutex
	number   int64
	identity string
}

func (l *ledger) Generation(context.Context) (int64, string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.number, l.identity, nil
}

func (l *ledger) Mint(_ context.Context, from, to int64, identity string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.number == from {
		l.number, l.identity = to, identity
	}
	return nil
}

// inbox is a node that keeps what it is told.
type inbox struct {
	envelopes chan *Envelope
	restored  chan time.Time
}

func newInbox() *inbox {
	return &inbox{make(chan *Envelope, 1024), make(chan time.Time, 64)}
}

func (i *inbox) Deliver(e *Envelope) {
	select {
	case i.envelopes <- e:
	default: // more than any test looks at
	}
}

func (i *inbox) Restored(since time.Time) {
	select {
	case i.restored <- since:
	default:
	}
}

// join opens a node's view of a Redis, verified once; run also runs it.
func join(t *testing.T, url string, l Ledger, node chat.NodeID) *Cluster {
	t.Helper()
	r, err := Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	c := New(r, Options{Node: node, Boot: string(node) + " boot", QueueLength: 2000, QueueAge: time.Hour, Ledger: l, Log: slog.New(slog.DiscardHandler)})
	if err := c.Attach(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

func run(t *testing.T, c *Cluster) *inbox {
	t.Helper()
	in := newInbox()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx, in) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	eventually(t, "the node hears itself", func() bool { return c.Hears() && len(c.Nodes()) > 0 })
	return in
}

// eventually waits for what another goroutine or server does in its own time.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never: %s", what)
		}
	}
}

// next returns the next envelope that has what is looked for.
func (i *inbox) next(t *testing.T, what string, ok func(*Envelope) bool) *Envelope {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case e := <-i.envelopes:
			if ok(e) {
				return e
			}
		case <-deadline:
			t.Fatalf("no envelope with %s", what)
		}
	}
}

func signIn(t *testing.T, c *Cluster, u chat.UserID, d chat.DeviceID, login int64, ended ...chat.Device) {
	t.Helper()
	at := time.Now()
	if err := c.SignedIn(t.Context(), chat.Device{User: u, ID: d, Login: login, Platform: chat.Web, CreatedAt: at, LastSeen: at}, ended); err != nil {
		t.Fatal(err)
	}
}

func claim(t *testing.T, c *Cluster, s chat.Session, login int64) Claimed {
	t.Helper()
	got, err := c.Claim(t.Context(), s, login)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func session(u chat.UserID, d chat.DeviceID, n chat.NodeID) chat.Session {
	return chat.Session{ID: chat.SessionID(chat.NewID()), User: u, Device: d, Node: n, Platform: chat.Web}
}

func message(to chat.UserID, seq int64, text string) chat.Delivery {
	return chat.Delivery{
		Message: chat.Message{
			Draft: chat.Draft{Kind: chat.Text, Text: text}, Conversation: "d1", Seq: seq, ClientID: text,
			From: chat.Person{ID: "alice", Username: "alice"}, To: chat.Target{User: to}, At: time.Now(),
		},
		Recipients: []chat.UserID{"alice", to},
	}
}

func seqs(p Page) (out []int64) {
	for _, q := range p.Entries {
		out = append(out, q.Seq)
	}
	return out
}

// delivers reports whether a batch could be delivered.
func delivers(t *testing.T, c *Cluster, search int, batch []chat.Delivery) bool {
	_, err := c.Deliver(t.Context(), batch, search)
	return err == nil
}
