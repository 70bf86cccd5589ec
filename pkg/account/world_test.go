package account_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/account"
	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/store"
	"github.com/tieline/tieline/pkg/store/storetest"
)

// registry is a Registry in memory that notes whose sockets it would close.
type registry struct {
	mu      sync.Mutex
	down    bool
	broken  int // so many calls fail before one succeeds
	states  map[string]chat.DeviceState
	tickets map[string]chat.Identity
	closed  []string // "device reason"
	related []chat.Pair
	mailedCodes
}

func (r *registry) fails() error {
	if r.down || r.broken > 0 {
		r.broken = max(0, r.broken-1)
		return chat.E("registry", chat.Unavailable, errors.New("redis is away"))
	}
	return nil
}

func key(u chat.UserID, d chat.DeviceID) string { return string(u) + " " + string(d) }

func (r *registry) Up() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.down
}

func (r *registry) SignedIn(_ context.Context, d chat.Device, ended []chat.Device) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.fails(); err != nil {
		return err
	}
	r.states[key(d.User, d.ID)] = chat.DeviceState{Login: d.Login}
	r.end(ended)
	return nil
}

func (r *registry) end(ended []chat.Device) {
	for _, d := range ended {
		r.states[key(d.User, d.ID)] = chat.DeviceState{Login: d.Login, Ended: d.EndReason}
		r.closed = append(r.closed, fmt.Sprint(d.ID, " ", d.EndReason))
	}
}

func (r *registry) End(_ context.Context, ended []chat.Device) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.fails(); err != nil {
		return err
	}
	r.end(ended)
	return nil
}

func (r *registry) Check(_ context.Context, u chat.UserID, d chat.DeviceID) (chat.DeviceState, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	st, ok := r.states[key(u, d)]
	return st, ok, r.fails()
}

func (r *registry) Remember(_ context.Context, d chat.Device) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	st := chat.DeviceState{Login: d.Login}
	if !d.EndedAt.IsZero() {
		st.Ended = d.EndReason
	}
	r.states[key(d.User, d.ID)] = st
	return r.fails()
}

func (r *registry) PutTicket(_ context.Context, hash string, id chat.Identity, _ time.Duration) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tickets[hash] = id
	return r.fails()
}

func (r *registry) TakeTicket(_ context.Context, hash string) (chat.Identity, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id, ok := r.tickets[hash]
	delete(r.tickets, hash)
	return id, ok, r.fails()
}

func (r *registry) TellRelated(_ context.Context, pairs []chat.Pair) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.related = append(r.related, pairs...)
	return r.fails()
}

// kicks returns and forgets whose sockets were closed.
func (r *registry) kicks() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	slices.Sort(r.closed)
	defer func() { r.closed = nil }()
	return strings.Join(r.closed, ", ")
}

// set changes the registry as an outage, or another node, would.
func (r *registry) set(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
}

// place is one deployment: accounts, their database, and a registry.
type place struct {
	*account.Accounts
	t   *testing.T
	ctx context.Context
	db  *store.Accounts
	reg *registry
	desk
}

const goodPassword = "correct horse"

var tokenKey = []byte("0123456789abcdef0123456789abcdef")

// in makes a place on a database.
func in(t *testing.T, db *store.DB, o account.Options) *place {
	t.Helper()
	if o.Key == nil {
		o.Key = tokenKey
	}
	o.Log = slog.New(slog.DiscardHandler)
	p := &place{desk: desk{tried: map[string]int{}}, t: t, ctx: t.Context(), db: store.NewAccounts(db),
		reg: &registry{states: map[string]chat.DeviceState{}, tickets: map[string]chat.Identity{}}}
	o.Mailer, o.Failures, o.Notifier = &p.desk, &p.desk, &p.desk
	p.Accounts = account.New(p.db, p.reg, o)
	return p
}

// somewhere is a place on SQLite with the usual rules.
func somewhere(t *testing.T) *place {
	t.Helper()
	return in(t, storetest.SQLite(t), account.Options{})
}

// register signs somebody up on device "first".
func (p *place) register(name string) account.Grant {
	p.t.Helper()
	g, err := p.Register(p.ctx, account.Registration{Username: name, Password: goodPassword, Device: account.Place{ID: "first"}})
	if err != nil {
		p.t.Fatal(err)
	}
	return g
}

// login signs somebody in on a device.
func (p *place) login(name, device string) account.Grant {
	p.t.Helper()
	g, err := p.Login(p.ctx, account.Login{Login: name, Password: goodPassword, Device: account.Place{ID: chat.DeviceID(device)}})
	if err != nil {
		p.t.Fatal(err)
	}
	return g
}

// whoIs authenticates a grant's access token.
func (p *place) whoIs(g account.Grant) chat.Identity {
	p.t.Helper()
	id, err := p.Authenticate(p.ctx, g.AccessToken)
	if err != nil {
		p.t.Fatal(err)
	}
	return id
}

// refuses fails the test unless an access token is refused in this way.
func (p *place) refuses(token string, kind chat.Kind, why chat.Reason) {
	p.t.Helper()
	_, err := p.Authenticate(p.ctx, token)
	wants(p.t, err, kind)
	var e *chat.Error
	if errors.As(err, &e) && e.Reason != why {
		p.t.Fatalf("want reason %q, have %q", why, e.Reason)
	}
}

// wants fails the test unless an error is of a kind ("": none).
func wants(t *testing.T, err error, kind chat.Kind) {
	t.Helper()
	if got := chat.KindOf(err); got != kind {
		t.Fatalf("want %q, have %q: %v", kind, got, err)
	}
}

// complaints lists the fields of an Invalid error.
func complaints(err error) string {
	var e *chat.Error
	if !errors.As(err, &e) || e.Kind != chat.Invalid {
		return fmt.Sprint(err)
	}
	var out []string
	for _, f := range e.Fields {
		out = append(out, f.Field+" "+f.Code)
	}
	return strings.Join(out, ", ")
}
