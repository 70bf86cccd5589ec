package verify

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// model is a server that keeps every promise, in memory, with devices that do
// anything to it; what happens becomes a history. Messages are committed in one
// order, and put into the queues of their recipients in another: only those of
// one sender keep theirs.
type model struct {
	t *rapid.T
	h History

	now     time.Duration
	ids     int
	conns   int
	gen     int
	logs    map[chat.ConversationID][]modelMessage
	queues  map[chat.UserID][]modelMessage
	waiting map[chat.UserID][]modelMessage // of a sender, committed and in no queue yet
	sends   []modelMessage
	devices []*modelDevice
	users   []chat.UserID
}

type modelMessage struct {
	id     string
	from   chat.UserID
	to     wire.Target
	text   string
	in     chat.ConversationID
	seq    int64 // 0: not kept
	origin int   // conn
}

type modelDevice struct {
	user     chat.UserID
	id       chat.DeviceID
	conn     int // 0: none
	at       int // consumed of the queue
	gen      int
	offset   string
	reported string // certainly
	said     string // reported, perhaps
	unread   map[spot]bool
}

func newModel(t *rapid.T, lossy bool) *model {
	m := &model{
		t: t, gen: 1, logs: map[chat.ConversationID][]modelMessage{}, queues: map[chat.UserID][]modelMessage{},
		waiting: map[chat.UserID][]modelMessage{}, users: []chat.UserID{"u0", "u1", "u2"},
	}
	m.add(Event{What: Begin, Tag: "t", Lossy: lossy, Policy: chat.Multi})
	for i, u := range m.users {
		for j := range 1 + i%2 {
			d := &modelDevice{user: u, id: chat.DeviceID(fmt.Sprint("d", j)), unread: map[spot]bool{}}
			m.devices = append(m.devices, d)
			m.add(Event{What: SignIn, User: u, Device: d.id, Grant: len(m.devices), Began: m.now, Platform: chat.Web})
		}
	}
	return m
}

func (m *model) add(e Event) {
	m.now += time.Duration(m.number(1, 400)) * time.Millisecond
	e.N, e.At = len(m.h)+1, m.now
	m.h = append(m.h, e)
}

func (m *model) number(from, to int) int { return rapid.IntRange(from, to).Draw(m.t, "n") }
func (m *model) maybe() bool             { return m.number(0, 1) == 0 }
func (m *model) device() *modelDevice    { return m.devices[m.number(0, len(m.devices)-1)] }

func (d *modelDevice) event(e Event) Event {
	e.User, e.Device, e.Conn = d.user, d.id, d.conn
	return e
}

// connected is a device that is, made so if need be.
func (m *model) connected() *modelDevice {
	d := m.device()
	if d.conn == 0 {
		m.connect(d, true)
	}
	return d
}

// connect lets a device in, and mostly as far as "synced".
func (m *model) connect(d *modelDevice, whole bool) {
	m.conns++
	d.conn = m.conns
	from := d.offset
	if m.number(0, 3) == 0 {
		from = ""
	}
	m.add(d.event(Event{What: Connect, Grant: slices.Index(m.devices, d) + 1, Offset: from}))
	if from == "" {
		from = d.reported
		if d.said != "" && m.maybe() {
			from = d.said
		}
	}
	d.gen, d.at = 1, 0
	if gen, at, ok := strings.Cut(from, "."); ok {
		d.gen, _ = strconv.Atoi(gen)
		d.at, _ = strconv.Atoi(at)
	}
	m.add(d.event(Event{What: Welcome, Offset: fmt.Sprint(d.gen, ".", d.at)}))
	n := m.catchUp(d, whole)
	if n >= 0 {
		m.add(d.event(Event{What: Synced, Count: n, Offset: d.offset, Source: "queue"}))
	}
}

// catchUp shows what was missed; -1: it was cut off on the way.
func (m *model) catchUp(d *modelDevice, whole bool) int {
	n := 0
	if d.gen != m.gen {
		n = m.fill(d)
	}
	for d.at < len(m.queues[d.user]) {
		if !whole && m.number(0, 5) == 0 {
			m.leave(d, HowDrop)
			return -1
		}
		n += m.push(d)
	}
	d.offset = fmt.Sprint(d.gen, ".", d.at)
	return n
}

// fill shows, from the history, at least what the device has not been shown.
func (m *model) fill(d *modelDevice) int {
	n, old := 0, fmt.Sprint(d.gen, ".", d.at)
	for in, log := range m.logs {
		if !m.reads(d.user, log[0]) {
			continue
		}
		first := len(log)
		for i := range log {
			if d.unread[spot{in, log[i].seq}] {
				first = i
				break
			}
		}
		for _, msg := range log[m.number(0, first):] {
			m.show(d, msg, old)
			n++
		}
	}
	d.gen, d.at = m.gen, len(m.queues[d.user])
	return n
}

func (m *model) reads(u chat.UserID, msg modelMessage) bool {
	return msg.to.Room != "" || msg.from == u || msg.to.User == u
}

func (m *model) show(d *modelDevice, msg modelMessage, offset string) {
	delete(d.unread, spot{msg.in, msg.seq})
	d.offset = offset
	m.add(d.event(Event{What: Message, From: msg.from, Conversation: msg.in, Seq: msg.seq, Text: msg.text, Written: written(msg.seq), Offset: offset}))
}

// push shows the next of the queue, unless this very connection had sent it.
func (m *model) push(d *modelDevice) int {
	msg := m.queues[d.user][d.at]
	d.at++
	if msg.origin == d.conn {
		delete(d.unread, spot{msg.in, msg.seq})
		return 0
	}
	m.show(d, msg, fmt.Sprint(d.gen, ".", d.at))
	return 1
}

func (m *model) leave(d *modelDevice, how string) {
	m.add(d.event(Event{What: Leave, How: how}))
	code := map[string]int{HowBye: closeNormal, HowDrop: closeBroken}[how]
	if how == HowBye && d.said != "" {
		d.reported = d.said // the server has read everything
	}
	if code != 0 {
		m.add(d.event(Event{What: Closed, Close: code}))
	}
	d.conn = 0
}

// report reports, with a ping after it that is answered now and then.
func (m *model) report(d *modelDevice) {
	if d.offset == "" {
		return
	}
	m.add(d.event(Event{What: Received, Offset: d.offset}))
	d.said = d.offset
	if m.maybe() {
		id := fmt.Sprint("p", len(m.h))
		m.add(d.event(Event{What: Ping, ID: id}))
		m.add(d.event(Event{What: Pong, ID: id}))
		d.reported = d.said
	}
}

// lose empties Redis: the queues are gone, and whoever is connected is filled in.
func (m *model) lose() {
	m.gen++
	clear(m.queues)
	clear(m.waiting)
	for _, d := range m.devices {
		if d.conn != 0 {
			m.fill(d)
		}
	}
}
