package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/tieline/tieline/handlers"
	"github.com/tieline/tieline/pkg/account"
	"github.com/tieline/tieline/pkg/board"
	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/config"
	"github.com/tieline/tieline/pkg/device"
	"github.com/tieline/tieline/pkg/embedded"
	"github.com/tieline/tieline/pkg/hook"
	"github.com/tieline/tieline/pkg/mail"
	"github.com/tieline/tieline/pkg/media"
	"github.com/tieline/tieline/pkg/messaging"
	"github.com/tieline/tieline/pkg/moderation"
	"github.com/tieline/tieline/pkg/notify"
	"github.com/tieline/tieline/pkg/people"
	"github.com/tieline/tieline/pkg/room"
	"github.com/tieline/tieline/pkg/store"
	"github.com/tieline/tieline/pkg/trace"
	"github.com/tieline/tieline/pkg/wire"
	"github.com/tieline/tieline/realtime"
	"github.com/tieline/tieline/realtime/cluster"
	"golang.org/x/sync/errgroup"
)

// App is one node, put together: the only place that knows every part.
type App struct {
	cfg       *config.Config
	log       *slog.Logger
	db        *store.DB
	redis     *cluster.Redis
	cluster   *cluster.Cluster
	messenger *messaging.Messenger
	notifier  *notify.Notifier
	mailer    *mail.Mailer
	metrics   *prometheus.Registry
	hooks     *hook.Poster
	node      *realtime.Node
	http      server
	listener  *doorman
	sockets   context.Context // ends when every socket must
	endAll    context.CancelFunc
	closers   []func() // in the order of opening
}

// server is what there is to do with the HTTP edge once it is built.
type server interface {
	Listener(net.Listener) error
	ShutdownWithContext(context.Context) error
}

// NewApp opens whatever a node needs. It listens, but serves nothing before Run.
func NewApp(ctx context.Context, cfg *config.Config) (*App, error) {
	a := &App{cfg: cfg, log: newLog(cfg)}
	a.sockets, a.endAll = context.WithCancel(context.Background())
	if err := a.open(ctx); err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

func (a *App) open(ctx context.Context) error {
	plain, err := net.Listen("tcp", a.cfg.Listen)
	if err != nil {
		return err
	}
	a.listener = newDoorman(plain, connectionsMost(), a.log)
	a.onClose(func() { a.listener.Close() })
	key, err := tokenKey(a.cfg)
	if err != nil {
		return err
	}
	a.metrics = prometheus.NewRegistry()
	a.mailer, err = mail.New(string(a.cfg.SMTPURL), mail.Options{Count: countMails(a.metrics), Log: a.log})
	if err != nil {
		return err
	}
	if a.db, err = openStore(ctx, a.cfg, a.log); err != nil {
		return err
	}
	a.onClose(func() { a.db.Close() })
	if a.cfg.Migrate {
		if err := a.migrate(ctx); err != nil {
			return err
		}
	}
	if err := a.openRedis(); err != nil {
		return err
	}
	a.build(key)
	return nil
}

// migrate waits for a database that is not there yet: nodes and databases start
// in any order.
func (a *App) migrate(ctx context.Context) error {
	for {
		err := a.db.Migrate(ctx)
		if chat.KindOf(err) != chat.Unavailable || ctx.Err() != nil {
			return err
		}
		a.log.Warn("waiting for the database", "error", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// openRedis connects to the Redis named, or to the one in the box, which from
// here on is a Redis like any other.
func (a *App) openRedis() error {
	url := string(a.cfg.RedisURL)
	if url == "" {
		addr, stop, err := embedded.Start(context.Background())
		if err != nil {
			return err
		}
		a.onClose(stop)
		url = "redis://" + addr
		if err := writeRedisNote(a.cfg, url); err != nil {
			return err
		}
		a.onClose(func() { os.Remove(redisNote(a.cfg)) })
	}
	var err error
	if a.redis, err = cluster.Open(url); err != nil {
		return err
	}
	a.onClose(func() { a.redis.Close() })
	return nil
}

// traceEvents is how many of its newest events a node remembers: some 3 MiB.
const traceEvents = 16384

// build puts the parts together; nothing of it waits or fails.
func (a *App) build(key []byte) {
	registry := a.metrics
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	boot := chat.NewID()
	users, messages, between := store.NewAccounts(a.db), store.NewMessages(a.db), store.NewPeople(a.db)

	ring := trace.New(a.cfg.NodeID, traceEvents)
	options := clusterOptions(a.cfg, a.db, a.log, boot)
	options.Trace = ring
	options.Describe = func() (int, int, bool) { return a.node.Describe() }
	options.Orphaned = func(users []chat.UserID) { a.node.Orphaned(users) }
	options.Addr = a.listener.Addr().String()
	a.cluster = cluster.New(a.redis, options)
	registry.MustRegister(a.listener.turned)
	hooks := store.NewHooks(a.db)
	a.hooks = hook.New(hooks, hookOptions(a.cfg, boot, a.log, newHookObserver(registry)))
	events := store.NewEvents(a.db)
	a.notifier = notify.New(events, a.cluster, notify.Options{Keep: a.cfg.QueueAge, Log: a.log})
	a.messenger = messaging.New(messages, a.cluster, messaging.Options{
		Boot: boot, Log: a.log, Observe: newObserver(registry), Trace: ring, FriendsOnly: a.cfg.Direct == "friends",
		Absences: absences(a.cfg, hooks), Teller: a.notifier,
	})
	limits := cluster.NewLimits(a.cluster, rates(a.cfg), countLimited(registry))
	rules := accountOptions(a.cfg, key, a.log)
	rules.Mailer, rules.Failures, rules.Notifier = a.mailer, limits, a.notifier
	avatars := media.NewAvatars(openMedia(a.cfg, a.log), a.log)
	rules.Avatars = avatars
	accounts := account.New(users, a.cluster, rules)
	a.node = realtime.New(realtime.Options{
		ID: a.cfg.NodeID, Gate: accounts, Devices: users, History: messages, Events: events, Notifier: a.notifier, Blocks: between,
		Messenger: a.messenger, Cluster: a.cluster,
		Ledger: options.Ledger, Limits: limits, Trace: ring, Grace: a.cfg.OfflineGrace, Log: a.log, Metrics: registry,
		Changes: changes(a.cfg, hooks),
	})
	rooms := room.New(store.NewRooms(a.db, a.cfg.QueueFanout), users, a.notifier, a.cluster, room.Options{VIPOnly: a.cfg.RoomCreation == "vip", Log: a.log})
	a.http = handlers.New(handlers.Options{
		Accounts: accounts, Owners: accounts, Avatars: avatars, Codes: accounts, Devices: device.New(users, a.cluster, a.cluster), Messenger: a.messenger, Rooms: rooms, Board: board.New(store.NewPosts(a.db), a.notifier),
		Desk: moderation.New(store.NewReports(a.db), store.NewAudit(a.db)), Hooks: a.hooks,
		People:   people.New(between, a.notifier, a.cluster, a.log),
		Presence: presence{a.node, a.cluster}, Node: a.node, Nodes: a.nodes, SetDraining: a.cluster.SetDraining, Limits: limits,
		Metrics: promhttp.HandlerFor(registry, promhttp.HandlerOpts{}),
		Origins: a.cfg.Origins, TrustedProxies: a.cfg.Proxies, Context: a.sockets, Log: a.log,
	})
}

func (a *App) nodes() []handlers.NodeInfo {
	var out []handlers.NodeInfo
	for _, n := range a.cluster.Nodes() {
		out = append(out, handlers.NodeInfo{
			ID: n.ID, Address: n.Addr, Connections: n.Connections, Sessions: n.Sessions, Since: wire.Time{Time: n.Since}, Draining: n.Draining,
		})
	}
	return out
}

// presence is who is online, as the HTTP edge asks for it.
type presence struct {
	*realtime.Node
	cluster *cluster.Cluster
}

func (p presence) Of(ctx context.Context, users []chat.UserID) (map[chat.UserID]chat.Presence, error) {
	return p.Presence(ctx, users)
}

func (p presence) Online(ctx context.Context, hidden []chat.UserID, cursor string, limit int) ([]chat.UserID, string, int, error) {
	return p.cluster.Online(ctx, hidden, cursor, limit)
}

// Addr is where the node listens.
func (a *App) Addr() string { return a.listener.Addr().String() }

// Run serves until ctx ends, hands the sockets over, and stops everything in
// the order in which it is no longer needed.
func (a *App) Run(ctx context.Context) error {
	defer a.close()
	work, endWork := context.WithCancel(context.Background()) // the cluster, and the node's loops
	defer endWork()
	sending, endSending := context.WithCancel(context.Background())
	defer endSending()
	var g errgroup.Group
	failed := make(chan error, 8)
	start := func(name string, run func() error) {
		g.Go(func() error {
			if err := run(); err != nil {
				failed <- fmt.Errorf("%s: %w", name, err)
			}
			return nil
		})
	}
	start("cluster", func() error { return a.cluster.Run(work, a.node) })
	start("node", func() error { return a.node.Run(work) })
	start("messages", func() error { return a.messenger.Run(sending) })
	start("events", func() error { return a.notifier.Run(sending) })
	start("mails", func() error { return a.mailer.Run(sending) })
	if a.cfg.WebhookURL != "" {
		start("hooks", func() error { return a.hooks.Run(sending) })
	}
	start("http", func() error { return a.http.Listener(a.listener) })
	a.banner()

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	a.stop()
	endSending()
	endWork()
	return errors.Join(err, g.Wait())
}
