package verify

import (
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// world is a history sorted by what the rules ask for. Nothing in it changes
// once it is made; events point into the history.
type world struct {
	lossy  bool
	policy chat.Policy
	tag    string
	last   time.Duration // when the history ends

	conns   []*conn   // in the order they were opened
	devices []*device // in the order they were first heard of
	letters []*letter // in the order they were first sent
	grants  []*grant  // in the order they were answered
	ops     map[chat.UserID][]*Event
	pulls   []*pull
	asks    []*Event
	reads   []*Event
	cursors []*Event
	heads   map[chat.ConversationID]int64 // the newest seq that anything shows

	byPlace  map[place]*device
	byConn   map[int]*conn
	byLetter map[letterKey]*letter
	byText   map[said]*attempt
	bySpot   map[spot]*letter // acknowledged
	byGrant  map[int]*grant
	kept     map[spot]*Event // the first reader's
	waiting  map[request][]*attempt
}

// place is where somebody is; spot is the place of a message; letterKey is a
// send, however often it was repeated; said is what somebody said.
type (
	place struct {
		user   chat.UserID
		device chat.DeviceID
	}
	spot struct {
		in  chat.ConversationID
		seq int64
	}
	letterKey struct {
		user chat.UserID
		id   string
	}
	said struct {
		user chat.UserID
		text string
	}
	request struct {
		conn int
		id   string
	}
)

// device is what happened to one device.
type device struct {
	place
	start   *Event // it was signed in, or if that is not known, level for the first time
	settled *Event
	strand  *Event
	conns   []*conn
	marks   map[string][]*Event // frames with an offset
	shown   map[spot]*Event
	again   []*Event // messages it had been shown before
	gaps    []*Event
}

// conn is what happened on one socket. Each field is the first event of its
// kind, or nil.
type conn struct {
	n                                               int
	device                                          *device
	grant                                           int
	connect, welcome, synced, leave, closed, kicked *Event

	frames   []*Event     // with an offset, welcome and synced included
	shown    map[spot]int // the number of the event that first did
	reports  []*Event
	receipts []*Event
	attempts []*attempt
	pings    map[string]*Event
	ponged   *Event        // the newest ping that was answered
	heard    time.Duration // when the server last said anything but goodbye
}

// letter is one message as its sender means it: one id.
type letter struct {
	letterKey
	attempts []*attempt
}

// attempt is one time it was sent; reply is an Ack, a Refusal or nil.
type attempt struct {
	letter *letter
	send   *Event
	reply  *Event
}

// pull is one reading of a history.
type pull struct {
	done *Event // nil if it was cut off
	kept []*Event
	at   map[spot]*Event
}

// grant is one sign-in that worked.
type grant struct {
	n      int
	signIn *Event
	device *device
	conns  []*conn
}

func newWorld(h History) *world {
	w := &world{
		ops: map[chat.UserID][]*Event{}, heads: map[chat.ConversationID]int64{},
		byPlace: map[place]*device{}, byConn: map[int]*conn{}, byLetter: map[letterKey]*letter{}, byText: map[said]*attempt{},
		bySpot: map[spot]*letter{}, byGrant: map[int]*grant{}, kept: map[spot]*Event{}, waiting: map[request][]*attempt{},
	}
	pulls := map[int]*pull{}
	for i := range h {
		e := &h[i]
		w.last = max(w.last, e.At)
		if c := w.byConn[e.Conn]; c != nil && e.saidByServer() {
			c.heard = e.At
		}
		switch e.What {
		case Begin:
			w.lossy, w.policy, w.tag = e.Lossy, e.Policy, e.Tag
		case SignIn, End, Ask:
			w.noteSession(e)
		case Send, Ack, Refusal:
			w.noteSend(e)
		case Pull, Kept:
			w.notePull(pulls, e)
		case Read:
			w.reads = append(w.reads, e)
		case Cursor:
			w.cursors = append(w.cursors, e)
		case Settled:
			w.device(e).settled = e
		case Strand:
			w.device(e).strand = e
		default:
			w.noteSocket(e)
		}
		if e.Seq > 0 && e.What != Receipt && e.What != Read && e.What != Cursor {
			w.heads[e.Conversation] = max(w.heads[e.Conversation], e.Seq)
		}
	}
	return w
}

func (w *world) device(e *Event) *device {
	at := place{e.User, e.Device}
	d := w.byPlace[at]
	if d == nil {
		d = &device{place: at, shown: map[spot]*Event{}, marks: map[string][]*Event{}}
		w.byPlace[at] = d
		w.devices = append(w.devices, d)
	}
	return d
}

func (w *world) noteSession(e *Event) {
	switch {
	case e.What == Ask:
		w.asks = append(w.asks, e)
		return
	case e.What == SignIn && e.Code == "":
		d := w.device(e)
		if d.start == nil {
			d.start = e
		}
		g := &grant{n: e.Grant, signIn: e, device: d}
		w.grants = append(w.grants, g)
		w.byGrant[g.n] = g
	}
	w.ops[e.User] = append(w.ops[e.User], e)
}

// noteSend pairs sends with their answers: those to one id on one connection
// come in the order of the sends.
func (w *world) noteSend(e *Event) {
	key := request{e.Conn, e.ID}
	if e.What != Send {
		if left := w.waiting[key]; e.ID != "" && len(left) > 0 {
			left[0].reply = e
			w.waiting[key] = left[1:]
			if e.What == Ack && w.bySpot[e.spot()] == nil {
				w.bySpot[e.spot()] = left[0].letter
			}
		}
		return
	}
	w.device(e)
	l := w.byLetter[letterKey{e.User, e.ID}]
	if l == nil {
		l = &letter{letterKey: letterKey{e.User, e.ID}}
		w.byLetter[l.letterKey] = l
		w.letters = append(w.letters, l)
	}
	a := &attempt{letter: l, send: e}
	l.attempts = append(l.attempts, a)
	w.waiting[key] = append(w.waiting[key], a)
	if w.byText[said{e.User, e.Text}] == nil {
		w.byText[said{e.User, e.Text}] = a
	}
	if c := w.byConn[e.Conn]; c != nil {
		c.attempts = append(c.attempts, a)
	}
}

func (w *world) notePull(pulls map[int]*pull, e *Event) {
	p := pulls[e.Conn]
	if p == nil {
		p = &pull{at: map[spot]*Event{}}
		pulls[e.Conn] = p
		w.pulls = append(w.pulls, p)
	}
	if e.What == Pull {
		p.done = e
		return
	}
	p.kept = append(p.kept, e)
	p.at[e.spot()] = e
	if w.kept[e.spot()] == nil {
		w.kept[e.spot()] = e
	}
}

func (e *Event) spot() spot { return spot{e.Conversation, e.Seq} }

// String names a device in a sentence.
func (d *device) String() string { return string(d.user) + "/" + string(d.device) }
