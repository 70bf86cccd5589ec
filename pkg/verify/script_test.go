package verify

import (
	"slices"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// script writes a history by hand. Every event is 10 ms after the last.
type script struct {
	h     History
	now   time.Duration
	conns int
	open  map[int]Event // the connect of each conn
}

func newScript(begin Event) *script {
	s := &script{open: map[int]Event{}}
	begin.What, begin.Tag = Begin, "t"
	s.add(begin)
	return s
}

func (s *script) add(e Event) Event {
	s.now += 10 * time.Millisecond
	e.N, e.At = len(s.h)+1, s.now
	s.h = append(s.h, e)
	return e
}

// passes lets time pass.
func (s *script) passes(d time.Duration) { s.now += d }

// asked is add for a request that is one event.
func (s *script) asked(e Event) Event {
	e.Began = s.now
	return s.add(e)
}

func (s *script) signIn(user chat.UserID, device chat.DeviceID, grant int) {
	s.asked(Event{What: SignIn, User: user, Device: device, Grant: grant, Platform: chat.Web})
}

// dials opens a connection, and welcomed has it greeted.
func (s *script) dials(user chat.UserID, device chat.DeviceID, grant int, offset string) int {
	s.conns++
	s.open[s.conns] = s.add(Event{What: Connect, User: user, Device: device, Conn: s.conns, Grant: grant, Offset: offset})
	return s.conns
}

func (s *script) welcomed(user chat.UserID, device chat.DeviceID, grant int, offset string) int {
	c := s.dials(user, device, grant, offset)
	s.on(c, Event{What: Welcome, Offset: offset})
	return c
}

// on adds something that happens on a connection.
func (s *script) on(conn int, e Event) Event {
	e.Conn, e.User, e.Device = conn, s.open[conn].User, s.open[conn].Device
	return s.add(e)
}

func (s *script) synced(conn, count int, offset string) {
	s.on(conn, Event{What: Synced, Count: count, Offset: offset, Source: "queue"})
}

func (s *script) sends(conn int, id string, to chat.UserID, text string) {
	s.on(conn, Event{What: Send, ID: id, To: &wire.Target{User: to}, Text: "t " + text})
}

func (s *script) acked(conn int, id string, seq int64) {
	s.on(conn, Event{What: Ack, ID: id, Conversation: "d", Seq: seq, Written: written(seq), Live: true})
}

func (s *script) shown(conn int, from chat.UserID, seq int64, text, offset string) {
	s.on(conn, Event{What: Message, From: from, Conversation: "d", Seq: seq, Text: "t " + text, Written: written(seq), Offset: offset})
}

func (s *script) leaves(conn int, how string, code int) {
	s.on(conn, Event{What: Leave, How: how})
	s.on(conn, Event{What: Closed, Close: code})
}

func (s *script) kicked(conn int, why chat.Reason, code int) {
	s.on(conn, Event{What: Kicked, Reason: why})
	s.on(conn, Event{What: Closed, Close: code})
}

func (s *script) settled(user chat.UserID, device chat.DeviceID) {
	s.add(Event{What: Settled, User: user, Device: device})
}

// pulls has somebody read the history of "d": from and text of each seq.
func (s *script) pulls(user chat.UserID, kept ...[2]string) {
	s.conns++
	began := s.now
	for i, k := range kept {
		seq := int64(i + 1)
		s.add(Event{What: Kept, User: user, Conn: s.conns, Conversation: "d", Seq: seq, From: chat.UserID(k[0]), Text: "t " + k[1], Written: written(seq)})
	}
	s.add(Event{What: Pull, User: user, Conn: s.conns, Conversation: "d", Began: began})
}

func written(seq int64) string { return time.Unix(seq, 0).UTC().Format(wire.TimeFormat) }

// rules are the rules that a history breaks, each once, sorted.
func rules(h History) []Rule {
	var broken []Rule
	for _, v := range Check(h) {
		broken = append(broken, v.Rule)
	}
	slices.Sort(broken)
	return slices.Compact(broken)
}

// where finds events.
func (h History) where(match func(*Event) bool) []int {
	var at []int
	for i := range h {
		if match(&h[i]) {
			at = append(at, i)
		}
	}
	return at
}

// renumbered gives a history that was cut or mended its numbers again.
func (h History) renumbered() History {
	for i := range h {
		h[i].N = i + 1
	}
	return h
}
