package cluster

import (
	"encoding/binary"
	"errors"

	"github.com/tieline/tieline/pkg/chat"
)

// Envelope is what one node publishes to another: a batch of whatever there was
// for it. It is encoded by hand (lengths as unsigned varints) because every
// message of the cluster passes through here twice.
type Envelope struct {
	Generation int64
	Queued     []Queued              // queue entries for users held there
	Logged     []Logged              // room log entries, for everybody there who is a member
	Frames     []Frame               // finished frames, neither queued nor stored
	Kicks      []Kick                // sockets to close
	Changed    []chat.UserID         // whose presence may have changed
	Related    []chat.Pair           // who have become something else to each other
	Rooms      []chat.ConversationID // in which something has changed
	Order      Order                 // has the node drain, or resume; "": neither
	Noted      []Noted               // events for everybody, live only
	Canary     string                // proves to its sender that it hears itself
	Asks       []Ask                 // what became of a message?
	Answers    []Answer              // this, here
}

// Queued is one entry appended to one user's queue.
type Queued struct {
	User     chat.UserID
	Position int64
	Entry
}

// Entry is what is queued: Body as the user's devices see it, but for type and
// offset.
type Entry struct {
	Conversation chat.ConversationID
	Seq          int64
	At           int64  // Unix milliseconds of the commit
	Origin       string // the session, or device, that already has it by its ack
	Body         []byte
}

// Logged is one message of a room with a log. Sender's own devices see Own.
type Logged struct {
	Entry
	Sender chat.UserID
	Own    []byte // Body with the client id
}

// Frame is for all sockets of these users but one.
type Frame struct {
	Users     []chat.UserID
	Except    chat.SessionID
	Data      []byte
	Droppable bool // typing and presence: the first to go when a reader is slow
}

// Noted is an event for all sockets but those of one user, who has it queued.
type Noted struct {
	But  chat.UserID
	Body []byte
}

// Kick closes one session, and no other of the same device.
type Kick struct {
	User    chat.UserID
	Device  chat.DeviceID
	Session chat.SessionID
	Reason  chat.Reason
	node    chat.NodeID // where it goes; not encoded
}

var errEnvelope = errors.New("cluster: not an envelope")

const envelopeVersion = 3

// Encode returns the envelope as published.
func (e *Envelope) Encode() []byte {
	size := 256
	for _, q := range e.Queued {
		size += len(q.Body) + 160
	}
	w := writer{b: make([]byte, 0, size)}
	w.b = append(w.b, envelopeVersion)
	w.num(e.Generation)
	w.str(e.Canary)
	w.str(string(e.Order))
	w.num(int64(len(e.Queued)))
	for i := range e.Queued {
		w.str(string(e.Queued[i].User))
		w.num(e.Queued[i].Position)
		w.entry(&e.Queued[i].Entry)
	}
	w.num(int64(len(e.Logged)))
	for i := range e.Logged {
		w.logged(&e.Logged[i])
	}
	w.num(int64(len(e.Frames)))
	for _, f := range e.Frames {
		w.num(int64(len(f.Users)))
		for _, u := range f.Users {
			w.str(string(u))
		}
		w.str(string(f.Except))
		w.bytes(f.Data)
		w.flag(f.Droppable)
	}
	w.num(int64(len(e.Kicks)))
	for _, k := range e.Kicks {
		w.str(string(k.User))
		w.str(string(k.Device))
		w.str(string(k.Session))
		w.str(string(k.Reason))
	}
	w.num(int64(len(e.Changed)))
	for _, u := range e.Changed {
		w.str(string(u))
	}
	w.num(int64(len(e.Related)))
	for _, p := range e.Related {
		w.str(string(p.A))
		w.str(string(p.B))
	}
	w.num(int64(len(e.Rooms)))
	for _, id := range e.Rooms {
		w.str(string(id))
	}
	w.num(int64(len(e.Noted)))
	for _, n := range e.Noted {
		w.str(string(n.But))
		w.bytes(n.Body)
	}
	w.inquiry(e)
	return w.b
}

// DecodeEnvelope reads what Encode wrote. Bodies share memory with p.
func DecodeEnvelope(p []byte) (*Envelope, error) {
	if len(p) == 0 || p[0] != envelopeVersion {
		return nil, errEnvelope
	}
	r := reader{b: p[1:]}
	e := &Envelope{Generation: r.num(), Canary: r.str(), Order: Order(r.str())}
	for range r.count() {
		q := Queued{User: chat.UserID(r.str()), Position: r.num()}
		r.entry(&q.Entry)
		e.Queued = append(e.Queued, q)
	}
	for range r.count() {
		e.Logged = append(e.Logged, r.logged())
	}
	for range r.count() {
		var f Frame
		for range r.count() {
			f.Users = append(f.Users, chat.UserID(r.str()))
		}
		f.Except, f.Data, f.Droppable = chat.SessionID(r.str()), r.bytes(), r.flag()
		e.Frames = append(e.Frames, f)
	}
	for range r.count() {
		e.Kicks = append(e.Kicks, Kick{User: chat.UserID(r.str()), Device: chat.DeviceID(r.str()), Session: chat.SessionID(r.str()), Reason: chat.Reason(r.str())})
	}
	for range r.count() {
		e.Changed = append(e.Changed, chat.UserID(r.str()))
	}
	for range r.count() {
		e.Related = append(e.Related, chat.Pair{A: chat.UserID(r.str()), B: chat.UserID(r.str())})
	}
	for range r.count() {
		e.Rooms = append(e.Rooms, chat.ConversationID(r.str()))
	}
	for range r.count() {
		e.Noted = append(e.Noted, Noted{But: chat.UserID(r.str()), Body: r.bytes()})
	}
	r.inquiry(e)
	if r.bad || len(r.b) != 0 {
		return nil, errEnvelope
	}
	return e, nil
}

type writer struct{ b []byte }

func (w *writer) num(n int64) { w.b = binary.AppendUvarint(w.b, uint64(n)) }

func (w *writer) str(s string) {
	w.num(int64(len(s)))
	w.b = append(w.b, s...)
}

func (w *writer) bytes(p []byte) {
	w.num(int64(len(p)))
	w.b = append(w.b, p...)
}

func (w *writer) flag(v bool) {
	if v {
		w.num(1)
	} else {
		w.num(0)
	}
}

func (w *writer) entry(e *Entry) {
	w.str(string(e.Conversation))
	w.num(e.Seq)
	w.num(e.At)
	w.str(e.Origin)
	w.bytes(e.Body)
}

func (w *writer) logged(l *Logged) {
	w.entry(&l.Entry)
	w.str(string(l.Sender))
	w.bytes(l.Own)
}

// reader reads what writer wrote; after the first fault everything reads as
// empty and bad is set.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) num() int64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[size:]
	return int64(n)
}

// count reads the length of a list: never more than there are bytes left.
func (r *reader) count() int {
	n := r.num()
	if n < 0 || n > int64(len(r.b)) {
		r.bad, r.b = true, nil
		return 0
	}
	return int(n)
}

func (r *reader) bytes() []byte {
	n := r.count()
	p := r.b[:n:n]
	r.b = r.b[n:]
	return p
}

func (r *reader) str() string { return string(r.bytes()) }
func (r *reader) flag() bool  { return r.num() == 1 }

func (r *reader) entry(e *Entry) {
	e.Conversation, e.Seq, e.At = chat.ConversationID(r.str()), r.num(), r.num()
	e.Origin, e.Body = r.str(), r.bytes()
}

func (r *reader) logged() (l Logged) {
	r.entry(&l.Entry)
	l.Sender, l.Own = chat.UserID(r.str()), r.bytes()
	return l
}
