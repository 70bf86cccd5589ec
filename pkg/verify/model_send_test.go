package verify

import (
	"fmt"
	"slices"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// draft is something new to say.
func (m *model) draft(from chat.UserID) modelMessage {
	m.ids++
	msg := modelMessage{id: fmt.Sprint("m", m.ids), from: from, text: fmt.Sprint("t m", m.ids)}
	if m.maybe() {
		msg.to, msg.in = wire.Target{Room: chat.Lobby}, chat.Lobby
		return msg
	}
	to := m.users[(slices.Index(m.users, from)+m.number(1, 2))%3]
	msg.to, msg.in = wire.Target{User: to}, chat.DirectID(from, to)
	m.sends = append(m.sends, msg)
	return msg
}

// send has a device send something, new or old, and lets anything happen to it:
// refused, lost on the way, kept without the ack being read, or answered.
func (m *model) send(d *modelDevice, msg modelMessage) {
	m.add(d.event(Event{What: Send, ID: msg.id, To: &msg.to, Text: msg.text}))
	switch m.number(0, 9) {
	case 0:
		m.add(d.event(Event{What: Refusal, ID: msg.id, Code: chat.RateLimited}))
		return
	case 1:
		m.leave(d, HowDrop)
		return
	case 2:
		m.commit(d, msg)
		m.leave(d, HowDrop)
		return
	}
	kept, ok := m.commit(d, msg)
	if !ok {
		m.add(d.event(Event{What: Refusal, ID: msg.id, Code: chat.Conflict}))
		return
	}
	live := m.maybe()
	if live {
		m.deliver(msg.from)
	}
	m.add(d.event(Event{What: Ack, ID: msg.id, Conversation: kept.in, Seq: kept.seq, Written: written(kept.seq), Live: live}))
}

// commit keeps a message once; false: another one has its id.
func (m *model) commit(d *modelDevice, msg modelMessage) (modelMessage, bool) {
	for _, log := range m.logs {
		for _, old := range log {
			if old.id == msg.id {
				return old, old.text == msg.text && old.to == msg.to
			}
		}
	}
	msg.seq, msg.origin = int64(len(m.logs[msg.in]))+1, d.conn
	m.logs[msg.in] = append(m.logs[msg.in], msg)
	m.waiting[msg.from] = append(m.waiting[msg.from], msg)
	for _, other := range m.devices {
		if m.reads(other.user, msg) {
			other.unread[spot{msg.in, msg.seq}] = true
		}
	}
	return msg, true
}

// deliver puts what somebody has sent into the queues.
func (m *model) deliver(from chat.UserID) {
	for _, msg := range m.waiting[from] {
		for _, u := range m.users {
			if m.reads(u, msg) {
				m.queues[u] = append(m.queues[u], msg)
			}
		}
	}
	delete(m.waiting, from)
}

// repeat sends something again, or something else under its id.
func (m *model) repeat(d *modelDevice) {
	for _, msg := range m.sends {
		if msg.from == d.user && m.maybe() {
			if m.number(0, 3) == 0 {
				msg.text += " else"
			}
			m.send(d, msg)
			return
		}
	}
}

// twice sends the same through two devices at once.
func (m *model) twice(d *modelDevice) {
	msg := m.draft(d.user)
	for _, other := range m.devices {
		if other.user == d.user && other.conn != 0 {
			m.send(other, msg)
		}
	}
}

// read reads over HTTP.
func (m *model) read(d *modelDevice) {
	for in, log := range m.logs {
		if m.reads(d.user, log[0]) {
			began := m.now
			m.add(Event{What: Read, User: d.user, Conversation: in, Seq: int64(len(log)), Began: began})
			m.add(Event{What: Cursor, User: d.user, Conversation: in, Seq: int64(len(log)), Began: m.now + 1})
			return
		}
	}
}

// settle brings every device level, and reads the histories.
func (m *model) settle() History {
	for _, u := range m.users {
		m.deliver(u)
	}
	for _, d := range m.devices {
		if d.conn != 0 {
			m.leave(d, HowBye)
		}
		m.connect(d, true)
		for d.conn == 0 {
			m.connect(d, true)
		}
		m.add(d.event(Event{What: Settled}))
	}
	for _, u := range m.users {
		for in, log := range m.logs {
			if m.reads(u, log[0]) {
				m.pull(u, in, log)
			}
		}
	}
	return m.h
}

func (m *model) pull(u chat.UserID, in chat.ConversationID, log []modelMessage) {
	m.conns++
	began := m.now
	for _, msg := range log {
		m.add(Event{What: Kept, User: u, Conn: m.conns, Conversation: in, Seq: msg.seq, From: msg.from, Text: msg.text, Written: written(msg.seq)})
	}
	m.add(Event{What: Pull, User: u, Conn: m.conns, Conversation: in, Began: began})
}
