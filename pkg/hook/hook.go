// Package hook posts signed events to a program of the operator's, each at least
// once.
//
// A hook is a row that is committed with what it tells of, or before the message
// that it tells of counts as delivered. One node at a time posts, whichever has
// the lease. The hooks of one user are posted one after the other in their order;
// one that fails is tried again, later and later, and holds up that user's alone,
// until it is given up. What was given up stays for a month, for an administrator to
// look at and to try again.
package hook

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// Outbox is where hooks wait.
type Outbox interface {
	// Hold takes, or renews, the lease of posting; false while another has it.
	Hold(ctx context.Context, holder string, now, until time.Time) (bool, error)
	// Due returns hooks to be tried by now, the longest due first: of each user
	// none but the first that waits.
	Due(ctx context.Context, now time.Time, limit int) ([]chat.Hook, error)
	Posted(ctx context.Context, id string) error
	// Failed notes what came of an attempt, and when to try again; zero: never.
	Failed(ctx context.Context, id string, due time.Time, attempts int, why string) error
	Count(ctx context.Context) (waiting, dead int, err error)
	// List returns hooks with an id less than before ("": all), newest first.
	List(ctx context.Context, dead bool, before string, limit int) ([]chat.Hook, error)
	// Forget deletes some of those given up that were made before a time.
	Forget(ctx context.Context, before time.Time) error
	// Retry has a hook tried anew: NotFound.
	Retry(ctx context.Context, id string, due time.Time) error
}

// Observer hears of what happens, for metrics.
type Observer interface {
	Posted()
	Failed()
	// Waiting says how many hooks wait, and how many were given up, as far as this
	// node is the one that posts.
	Waiting(waiting, dead int)
}

// Timing is how patient a Poster is; what is zero is as stated.
type Timing struct {
	Look   time.Duration // between looks for what is due: 1 s
	Within time.Duration // one post: 10 s
	First  time.Duration // before the second attempt, then doubling: 1 s
	Most   time.Duration // between two attempts: 10 min
	Keep   time.Duration // how long a hook is tried at least: 24 h; negative: not at all
	Lease  time.Duration // 20 s
}

// Options say where to, and how.
type Options struct {
	URL     string // where hooks are posted; "": nowhere
	Secret  string // that signs them
	Holder  string // names this run of the node
	Timing  Timing
	Log     *slog.Logger
	Observe Observer
}

// Bounds of posting.
const (
	workers    = 16 // posts at a time
	leastTries = 10 // before a hook is given up
	countEvery = 15 * time.Second
	keepDead   = 30 * 24 * time.Hour // those given up; then they are deleted
	askWithin  = 5 * time.Second
)

// Poster posts hooks while Run runs, and shows what waits.
type Poster struct {
	db     Outbox
	o      Options
	client *http.Client
	wake   chan struct{} // a post is over: there may be more

	// Owned by Run.
	until   time.Time // the lease is ours
	counted time.Time // the hooks were

	mu    sync.Mutex
	busy  map[chat.UserID]bool // one of theirs is being posted
	pause pause
}

// New returns a Poster.
func New(db Outbox, o Options) *Poster {
	t := &o.Timing
	for _, d := range []struct {
		of    *time.Duration
		usual time.Duration
	}{
		{&t.Look, time.Second}, {&t.Within, 10 * time.Second}, {&t.First, time.Second}, {&t.Most, 10 * time.Minute},
		{&t.Keep, 24 * time.Hour}, {&t.Lease, 20 * time.Second},
	} {
		if *d.of == 0 {
			*d.of = d.usual
		}
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Observe == nil {
		o.Observe = nobody{}
	}
	return &Poster{
		db: db, o: o, wake: make(chan struct{}, 1), busy: map[chat.UserID]bool{}, pause: newPause(t.First),
		client: &http.Client{
			Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: workers, IdleConnTimeout: time.Minute},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // an answer like any other that is not 2xx
		},
	}
}

// Run posts whatever is due, while this node has the lease, until ctx ends.
func (p *Poster) Run(ctx context.Context) error {
	var g sync.WaitGroup
	tick := time.NewTicker(p.o.Timing.Look)
	defer tick.Stop()
	for {
		if p.hold(ctx) {
			p.count(ctx)
			p.start(ctx, &g)
		}
		select {
		case <-tick.C:
		case <-p.wake:
		case <-ctx.Done():
			g.Wait()
			p.giveUp()
			p.client.CloseIdleConnections()
			return nil
		}
	}
}

// hold renews the lease in time, and reports whether a post that begins now ends
// while it is ours.
func (p *Poster) hold(ctx context.Context) bool {
	now := time.Now()
	enough := now.Add(p.o.Timing.Within)
	if p.until.After(enough.Add(p.o.Timing.Lease / 4)) {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	until := now.Add(p.o.Timing.Lease)
	ours, err := p.db.Hold(ctx, p.o.Holder, now.UTC(), until.UTC())
	switch {
	case err != nil:
		p.o.Log.Debug("the lease of posting hooks was not renewed", "error", err)
	case ours:
		p.until = until
	default:
		p.until = time.Time{}
		p.o.Observe.Waiting(0, 0)
	}
	return p.until.After(enough)
}

// giveUp leaves the lease to others at once.
func (p *Poster) giveUp() {
	if p.until.IsZero() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), askWithin)
	defer cancel()
	now := time.Now().UTC()
	if _, err := p.db.Hold(ctx, p.o.Holder, now, now); err != nil {
		p.o.Log.Debug("the lease of posting hooks runs out by itself", "error", err)
	}
}

// count has the metrics say how many wait, and what was given up long ago deleted.
func (p *Poster) count(ctx context.Context) {
	if time.Since(p.counted) < countEvery {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	if waiting, dead, err := p.db.Count(ctx); err == nil {
		p.counted = time.Now()
		p.o.Observe.Waiting(waiting, dead)
	}
	if err := p.db.Forget(ctx, time.Now().Add(-keepDead)); err != nil {
		p.o.Log.Debug("hooks given up long ago are still there", "error", err)
	}
}

// start begins to post what is due, as much as there are workers for.
func (p *Poster) start(ctx context.Context, g *sync.WaitGroup) {
	p.mu.Lock()
	most := p.pause.allows(time.Now(), len(p.busy))
	before := maps.Clone(p.busy) // what is read of these may be out of date
	p.mu.Unlock()
	if most <= 0 {
		return
	}
	asking, cancel := context.WithTimeout(ctx, askWithin)
	due, err := p.db.Due(asking, time.Now().UTC(), workers+len(before))
	cancel()
	if err != nil {
		p.o.Log.Debug("hooks were not read", "error", err)
		return
	}
	due = slices.DeleteFunc(due, func(h chat.Hook) bool { return before[h.User] })
	for _, h := range due[:min(most, len(due))] {
		p.mu.Lock()
		p.busy[h.User] = true
		p.mu.Unlock()
		g.Go(func() { p.try(ctx, &h) })
	}
}

// try posts one hook and notes what came of it.
func (p *Poster) try(ctx context.Context, h *chat.Hook) {
	err := p.post(ctx, h)
	if ctx.Err() == nil {
		p.note(ctx, h, err)
	}
	p.mu.Lock()
	delete(p.busy, h.User)
	if err == nil {
		p.pause.over()
	} else {
		p.pause.failed(h.User, time.Now())
	}
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// note keeps what came of an attempt. Where the database does not take it, the
// hook is posted again: at least once.
func (p *Poster) note(ctx context.Context, h *chat.Hook, failed error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	if failed == nil {
		p.o.Observe.Posted()
		if err := p.db.Posted(ctx, h.ID); err != nil {
			p.o.Log.Warn("a hook was posted, and will be again", "hook", h.ID, "error", err)
		}
		return
	}
	p.o.Observe.Failed()
	attempts, now := h.Attempts+1, time.Now().UTC()
	due := now.Add(backoff(p.o.Timing.First, p.o.Timing.Most, attempts-1))
	if attempts >= leastTries && now.Sub(h.CreatedAt) >= p.o.Timing.Keep {
		due = time.Time{}
		p.o.Log.Warn("a hook is given up", "hook", h.ID, "name", h.Name, "attempts", attempts, "error", failed)
	}
	if err := p.db.Failed(ctx, h.ID, due, attempts, failed.Error()); err != nil {
		p.o.Log.Debug("a failed hook is tried again at once", "hook", h.ID, "error", err)
	}
}

// Hooks returns a page of those that wait, or of those that were given up, the
// newest first.
func (p *Poster) Hooks(ctx context.Context, dead bool, cursor string, limit int) (list []chat.Hook, next string, err error) {
	if list, err = p.db.List(ctx, dead, cursor, limit+1); err == nil && len(list) > limit {
		list = list[:limit]
		next = list[limit-1].ID
	}
	return list, next, err
}

// Retry has a hook tried anew, as if it had not been before. NotFound.
func (p *Poster) Retry(ctx context.Context, id string) error {
	return p.db.Retry(ctx, id, time.Now().UTC())
}

// nobody is the Observer of those who do not want one.
type nobody struct{}

func (nobody) Posted()          {}
func (nobody) Failed()          {}
func (nobody) Waiting(int, int) {}
