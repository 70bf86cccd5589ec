package cluster

import (
	"context"
	"flag"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/embedded"
	"github.com/tieline/tieline/pkg/testserver"
	"pgregory.net/rapid"
)

// The scripts do in any order, under any generations, what a few maps do.

// onModels checks a property with two nodes, against both kinds of Redis; the one
// in the box runs scripts so slowly that it is asked less.
func onModels(t *testing.T, property func(p pair)) {
	t.Run("embedded", func(t *testing.T) {
		addr, stop, err := embedded.Start(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(stop)
		checks := flag.Lookup("rapid.checks")
		n, _ := strconv.Atoi(checks.Value.String())
		flag.Set("rapid.checks", strconv.Itoa(max(n/5, 1)))
		defer flag.Set("rapid.checks", strconv.Itoa(n))
		checkPairs(t, "redis://"+addr, property)
	})
	t.Run("redis", func(t *testing.T) { checkPairs(t, testserver.RedisURL(t), property) })
}

func checkPairs(t *testing.T, url string, property func(p pair)) {
	l := &ledger{}
	views := [2]*Cluster{join(t, url, l, "n1"), join(t, url, l, "n2")}
	for _, c := range views {
		c.o.QueueLength = modelQueue
	}
	flag.Set("rapid.nofailfile", "true") // the seed that is printed brings a failure back
	rapid.Check(t, func(t *rapid.T) {
		views[1].generation.Store(l.number)
		property(pair{t, l, views, chat.UserID(chat.NewID())})
	})
}

// modelQueue is how many entries a queue keeps at least.
const modelQueue = 20

// pair is two nodes' views of one Redis, one of which may have missed that the
// generation moved on, and a user that nobody has heard of before.
type pair struct {
	t     *rapid.T
	l     *ledger
	views [2]*Cluster
	user  chat.UserID
}

// view is any of the two.
func (p *pair) view() *Cluster { return p.views[rapid.IntRange(0, 1).Draw(p.t, "node")] }

// moveOn begins a generation; only one of the nodes knows.
func (p *pair) moveOn(t *rapid.T) {
	p.l.number++
	p.views[0].generation.Store(p.l.number)
	if err := p.views[0].r.c.Set(context.Background(), keyGeneration, p.l.number, 0).Err(); err != nil {
		t.Fatal(err)
	}
}

// meets returns the generation that a view works in once it has met data of
// another, and whether that data is forgotten.
func (p *pair) meets(c *Cluster, of int64) (now int64, forgotten bool) {
	now = c.Generation()
	if of > now {
		now = p.l.number
	}
	return now, of < now
}

// registry is the model of what Redis has of a user's devices and sessions.
type registry struct {
	pair
	devices  map[chat.DeviceID]signed
	of       int64 // generation of devices
	sessions map[chat.DeviceID]held
	minted   []chat.Session // every session there ever was
}

type signed struct {
	login  int64
	ended  chat.Reason
	active bool
}

type held struct {
	id     chat.SessionID
	open   bool
	online bool // open, or within a grace time
}

func TestRegistryIsAFewMaps(t *testing.T) {
	onModels(t, func(p pair) {
		m := &registry{pair: p, devices: map[chat.DeviceID]signed{}, sessions: map[chat.DeviceID]held{}}
		p.t.Repeat(map[string]func(*rapid.T){
			"sign in": m.signIn, "end": m.end, "remember": m.remember, "claim": m.claim, "claim again": m.claimAgain, "release": m.release,
			"move on": m.moveOn, "": m.compare,
		})
	})
}

var (
	drawDevice = rapid.SampledFrom([]chat.DeviceID{"phone", "tablet", "laptop"})
	drawLogin  = rapid.Int64Range(1, 6)
	drawReason = rapid.SampledFrom([]chat.Reason{chat.SignedInElsewhere, chat.SignedOut, chat.Disabled})
)

// signIn tells of a sign-in that may be older than what is known, and of devices
// that it displaced.
func (m *registry) signIn(t *rapid.T) {
	d := chat.Device{User: m.user, ID: drawDevice.Draw(t, "device"), Login: drawLogin.Draw(t, "login"), Platform: chat.Web}
	d.CreatedAt, d.LastSeen = time.Unix(1, 0), time.Unix(rapid.Int64Range(1, 2).Draw(t, "seen"), 0)
	var ended []chat.Device
	for _, other := range rapid.SliceOfNDistinct(drawDevice, 0, 2, rapid.ID).Draw(t, "displaced") {
		if other != d.ID {
			ended = append(ended, chat.Device{User: m.user, ID: other, Login: drawLogin.Draw(t, "its login"), EndReason: chat.SignedInElsewhere})
		}
	}
	c := m.view()
	m.expect(c)
	for _, e := range ended {
		m.record(e, true, true)
	}
	m.record(d, false, true)
	if err := c.SignedIn(context.Background(), d, ended); err != nil {
		t.Fatal(err)
	}
}

func (m *registry) end(t *rapid.T) {
	d := chat.Device{User: m.user, ID: drawDevice.Draw(t, "device"), Login: drawLogin.Draw(t, "login"), EndReason: drawReason.Draw(t, "reason")}
	c := m.view()
	m.expect(c)
	m.record(d, true, true)
	if err := c.End(context.Background(), []chat.Device{d}); err != nil {
		t.Fatal(err)
	}
}

func (m *registry) remember(t *rapid.T) {
	d := chat.Device{User: m.user, ID: drawDevice.Draw(t, "device"), Login: drawLogin.Draw(t, "login"), Platform: chat.Web}
	c := m.view()
	m.expect(c)
	m.record(d, false, false)
	if err := c.Remember(context.Background(), d); err != nil {
		t.Fatal(err)
	}
}

// expect has a view meet the registry before it changes it.
func (m *registry) expect(c *Cluster) {
	now, forgotten := m.meets(c, m.of)
	if m.of = now; forgotten {
		clear(m.devices)
	}
}

// record is what a change does: the later login counts, and of one login its end.
// A change that counts, or is told again, closes what the device had open.
func (m *registry) record(d chat.Device, ends, closes bool) {
	had := m.devices[d.ID]
	counts := d.Login > had.login || d.Login == had.login && ends && had.active
	if counts {
		m.devices[d.ID] = signed{d.Login, d.EndReason, !ends}
	}
	s := m.sessions[d.ID]
	if closes && s.open && (counts || ends && d.Login == had.login) {
		m.sessions[d.ID] = held{id: s.id}
	}
}

func (m *registry) claim(t *rapid.T) {
	m.claimAs(t, chat.Session{ID: chat.SessionID(chat.NewID()), User: m.user, Device: drawDevice.Draw(t, "device"), Platform: chat.Web})
}

// claimAgain runs a claim as a client library does that has lost the reply.
func (m *registry) claimAgain(t *rapid.T) {
	if len(m.minted) == 0 {
		t.Skip("nothing was claimed")
	}
	m.claimAs(t, m.minted[len(m.minted)-1])
}

func (m *registry) claimAs(t *rapid.T, s chat.Session) {
	c, login := m.view(), rapid.Int64Range(0, 6).Draw(t, "login of the token")
	s.Node = c.o.Node
	m.minted = append(m.minted, s)
	got, err := c.Claim(context.Background(), s, login)
	if err != nil {
		t.Fatal(err)
	}
	d, known := m.devices[s.Device]
	switch {
	case !known || m.of != c.Generation():
		if !got.Unknown {
			t.Fatalf("a device that is not known: %+v", got)
		}
		return
	case !d.active || login != 0 && login < d.login:
		if got.Ended == "" || !d.active && got.Ended != d.ended {
			t.Fatalf("a device that ended by %q (login %d of %d): %+v", d.ended, login, d.login, got)
		}
		return
	case got.Unknown || got.Ended != "":
		t.Fatalf("a device that is signed in (login %d of %d): %+v", login, d.login, got)
	}
	was := m.sessions[s.Device]
	if replaced := was.open && was.id != s.ID; replaced != (got.Previous != nil) || replaced && got.Previous.Session != was.id {
		t.Fatalf("took over from %+v, want %+v", got.Previous, was)
	}
	if online := slices.ContainsFunc(slices.Collect(maps.Values(m.sessions)), func(h held) bool { return h.online }); got.Online != online {
		t.Fatalf("online before: %v, want %v", got.Online, online)
	}
	m.sessions[s.Device] = held{s.ID, true, true}
}

// release gives up any session there ever was; only the one that holds its
// device is heard.
func (m *registry) release(t *rapid.T) {
	if len(m.minted) == 0 {
		t.Skip("nothing was claimed")
	}
	s, grace := rapid.SampledFrom(m.minted).Draw(t, "session"), rapid.SampledFrom([]time.Duration{0, time.Hour}).Draw(t, "grace")
	if _, err := m.view().Release(context.Background(), s, grace); err != nil {
		t.Fatal(err)
	}
	if h := m.sessions[s.Device]; h.open && h.id == s.ID {
		m.sessions[s.Device] = held{id: s.ID, online: grace > 0}
	}
}

// compare looks at everything from both nodes.
func (m *registry) compare(t *rapid.T) {
	ctx := context.Background()
	for _, c := range m.views {
		for _, id := range []chat.DeviceID{"phone", "tablet", "laptop"} {
			d, known := m.devices[id]
			st, found, err := c.Check(ctx, m.user, id)
			known = known && m.of == c.Generation()
			if err != nil || found != known || known && (st.Login != d.login || st.Ended != d.ended) {
				t.Fatalf("%s is known as %+v %v %v, want %+v %v", id, st, found, err, d, known)
			}
			s := m.sessions[id]
			now, err := c.Renew(ctx, []chat.Session{{ID: "nobody", User: m.user, Device: id}})
			if err != nil || s.open && now[0].Holder != s.id || !s.open && now[0].Holder != "" {
				t.Fatalf("%s is held by %+v %v, want %+v", id, now, err, s)
			}
		}
	}
}
