package cluster

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"pgregory.net/rapid"
)

// backlog is the model of a user's queue: a slice that only grows at its end and is
// only cut at its beginning.
type backlog struct {
	pair
	of       int64           // generation
	head     int64           // of the newest entry
	entries  []entry         // the newest ones, that must all be there
	seq      int64           // of the newest message
	sent     []int64         // every seq there ever was, for repeats
	n        int             // of devices there ever were
	devices  []chat.DeviceID // signed in, as far as Redis knows
	known    int64           // generation in which it knows
	received map[chat.DeviceID]int64
	floor    int64 // all devices had everything up to here at some time
}

type entry struct{ position, seq int64 }

func TestQueueIsASlice(t *testing.T) {
	onModels(t, func(p pair) {
		m := &backlog{pair: p, received: map[chat.DeviceID]int64{}}
		p.t.Repeat(map[string]func(*rapid.T){
			"append": m.append, "repeat": m.repeat, "read": m.read, "sign in": m.signIn, "sign out": m.signOut, "received": m.receive,
			"move on": m.moveOn, "": m.compare,
		})
	})
}

// touch is what any script does first: a queue of an older generation is
// forgotten, and a node that meets one of a newer generation follows.
func (m *backlog) touch(c *Cluster) (now int64) {
	now, forgotten := m.meets(c, m.of)
	if c.Generation() != now {
		m.t.Fatalf("%s works in generation %d, want %d", c.o.Node, c.Generation(), now)
	}
	if m.of = now; forgotten {
		m.entries, m.head, m.floor = nil, 0, 0
		clear(m.received)
	}
	return now
}

// deliver appends messages, some of which may be in the queue already.
func (m *backlog) deliver(t *rapid.T, seqs []int64, search int) {
	c := m.view()
	var batch []chat.Delivery
	for _, seq := range seqs {
		d := message(m.user, seq, fmt.Sprint(seq))
		d.Recipients, d.At = []chat.UserID{m.user}, time.UnixMilli(seq)
		batch = append(batch, d)
	}
	if _, err := c.Deliver(context.Background(), batch, search); err != nil {
		t.Fatal(err)
	}
	m.touch(c)
	for _, seq := range seqs {
		if !slices.ContainsFunc(m.entries, func(e entry) bool { return e.seq == seq }) {
			m.learnHead(t, c)
			m.head++
			m.entries = append(m.entries, entry{m.head, seq})
		}
	}
}

// learnHead finds out where a new queue begins, which is at the server's clock.
func (m *backlog) learnHead(t *rapid.T, c *Cluster) {
	if m.head == 0 {
		page := m.page(t, c)
		m.head = page.Head - int64(len(page.Entries))
	}
}

func (m *backlog) append(t *rapid.T) {
	var seqs []int64
	for range rapid.IntRange(1, 4).Draw(t, "messages") {
		m.seq++
		seqs = append(seqs, m.seq)
	}
	m.sent = append(m.sent, seqs...)
	m.deliver(t, seqs, 0)
}

// repeat delivers messages again that may have been delivered, with new ones
// among them.
func (m *backlog) repeat(t *rapid.T) {
	if len(m.entries) == 0 {
		t.Skip("nothing was delivered")
	}
	m.seq++
	m.sent = append(m.sent, m.seq)
	again := rapid.SliceOfNDistinct(rapid.SampledFrom(m.sent), 1, 4, rapid.ID).Draw(t, "messages")
	// What was trimmed cannot be found, and would be appended again.
	again = slices.DeleteFunc(again, func(seq int64) bool {
		return seq < m.seq && !slices.ContainsFunc(m.entries, func(e entry) bool { return e.seq == seq })
	})
	if newest := m.entries[len(m.entries)-1].seq; !slices.Contains(again, newest) {
		again = append(again, newest)
	}
	m.deliver(t, again, searchRecent)
}

func (m *backlog) read(t *rapid.T) { m.page(t, m.view()) }

func (m *backlog) page(t *rapid.T, c *Cluster) Page {
	page, err := c.ReadQueue(context.Background(), m.user, 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	if now := m.touch(c); page.Generation != now {
		t.Fatalf("read under generation %d, want %d", page.Generation, now)
	}
	return page
}

// signIn signs a device in for the first time: it begins at the head.
func (m *backlog) signIn(t *rapid.T) {
	m.n++
	id := chat.DeviceID(fmt.Sprint("d", m.n))
	m.register()
	if err := m.views[0].SignedIn(context.Background(), m.device(id), nil); err != nil {
		t.Fatal(err)
	}
	m.touch(m.views[0])
	m.learnHead(t, m.views[0])
	m.devices = append(m.devices, id)
	m.received[id] = m.head
}

// register is what recording devices does first: those of an older generation
// are forgotten.
func (m *backlog) register() {
	if now := m.views[0].Generation(); m.known < now {
		m.known, m.devices = now, nil
	}
}

func (m *backlog) device(id chat.DeviceID) chat.Device {
	at := time.Unix(1, 0)
	return chat.Device{User: m.user, ID: id, Login: 1, Platform: chat.Web, CreatedAt: at, LastSeen: at, EndReason: chat.SignedOut}
}

func (m *backlog) signOut(t *rapid.T) {
	if len(m.devices) == 0 {
		t.Skip("nobody is signed in")
	}
	id := rapid.SampledFrom(m.devices).Draw(t, "device")
	m.register()
	if err := m.views[0].End(context.Background(), []chat.Device{m.device(id)}); err != nil {
		t.Fatal(err)
	}
	m.devices = slices.DeleteFunc(m.devices, func(d chat.DeviceID) bool { return d == id })
}

// receive has a device report any position, an older one too, twice, since what
// all have received is noted the first time and trimmed the second.
func (m *backlog) receive(t *rapid.T) {
	if m.page(t, m.views[0]); len(m.devices) == 0 || len(m.entries) == 0 {
		t.Skip("nobody is signed in, or has anything to receive")
	}
	id := rapid.SampledFrom(m.devices).Draw(t, "device")
	o := Offset{Generation: m.of, Position: rapid.SampledFrom(m.entries).Draw(t, "entry").position}
	for range 2 {
		k := &call{script: receivedScript, keys: []string{keyMeta(m.user), keyQueue(m.user), keyDevices(m.user)},
			args: []any{o.Generation, string(id), o.String(), o.Position, 0}}
		if err := pipeline(context.Background(), m.views[0].r.c, []*call{k}); err != nil {
			t.Fatal(err)
		}
	}
	m.received[id] = max(m.received[id], o.Position)
	least := o.Position
	for _, d := range m.devices {
		at, known := m.received[d]
		if !known {
			return // it has received nothing under this generation
		}
		least = min(least, at)
	}
	m.floor = max(m.floor, least)
	if page := m.page(t, m.views[0]); page.First <= least {
		t.Fatalf("all have received up to %d, and %d is still there", least, page.First)
	}
}

// compare reads the whole queue: dense, in order, each message once, and of those
// that are gone each was received by all, or had too many behind it.
func (m *backlog) compare(t *rapid.T) {
	if m.of < m.views[0].Generation() {
		return // whoever comes next forgets it
	}
	for d, at := range m.received {
		noted, _ := m.views[0].r.c.HGet(context.Background(), keyMeta(m.user), "r:"+string(d)).Result()
		if o, ok := ParseOffset(noted); !ok || o.Position != at || o.Generation != m.of {
			t.Fatalf("%s has received up to %q, want position %d", d, noted, at)
		}
	}
	page := m.page(t, m.views[0])
	if m.head != 0 && page.Head != m.head {
		t.Fatalf("the head is %d, want %d", page.Head, m.head)
	}
	if page.First != page.Head-int64(len(page.Entries))+1 {
		t.Fatalf("%d entries from %d to %d", len(page.Entries), page.First, page.Head)
	}
	gone := max(len(m.entries)-len(page.Entries), 0)
	for i, q := range page.Entries {
		if want := m.entries[gone+i]; (entry{q.Position, q.Seq}) != want {
			t.Fatalf("entry %d is %d, seq %d; want %+v", i, q.Position, q.Seq, want)
		}
	}
	for _, e := range m.entries[:gone] {
		if e.position > m.floor && m.head-e.position < modelQueue {
			t.Fatalf("%+v was trimmed: all had received up to %d, and the head is %d", e, m.floor, m.head)
		}
	}
	m.entries = m.entries[gone:]
}
