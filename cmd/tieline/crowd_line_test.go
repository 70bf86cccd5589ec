package main_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// member is one of a crowd: a device, and what it has heard.
type member struct {
	crowd  *crowd
	name   string
	user   chat.UserID
	device chat.DeviceID
	token  string

	mu        sync.Mutex
	raw       *client.Raw   // nil while there is no synced socket
	node      chat.NodeID   // of raw
	changed   chan struct{} // closed and replaced when raw or acks change
	acks      map[string]frame
	offset    string
	heard     map[string]int // texts of others, and how often
	newest    map[sender]int64
	overtaken int
	missed    frame // the newest "synced"
}

// reportEvery is after how many messages a member reports what it received.
const reportEvery = 16

// attend keeps a member connected until ctx ends, as a client does: to the next
// node when it loses one, after as long as it was told, resuming where it was. It
// ends also when the server's answer is final.
func (m *member) attend(ctx context.Context, urls []string, first int) {
	var lost time.Time
	for at := first; ctx.Err() == nil; at++ {
		raw, err := m.dial(ctx, urls[at%len(urls)])
		wait := 20 * time.Millisecond
		if err == nil {
			stop := context.AfterFunc(ctx, func() { raw.Bye(time.Second) })
			var e ending
			e, wait, lost = m.listen(raw, lost)
			stop()
			raw.Close()
			if ctx.Err() != nil {
				return
			}
			m.crowd.noteEnd(e)
			if e.code >= wire.CloseKicked && e.code <= wire.CloseReplaced {
				return
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

func (m *member) dial(ctx context.Context, url string) (*client.Raw, error) {
	m.mu.Lock()
	offset := m.offset
	m.mu.Unlock()
	return client.DialRaw(ctx, client.RawOptions{URL: url, Token: m.token, Device: m.device, Platform: chat.Web, Offset: offset, Buffer: 1024})
}

// listen takes what comes over a socket until it ends: how, when to come back,
// and since when the member has been without one.
func (m *member) listen(raw *client.Raw, lost time.Time) (e ending, wait time.Duration, since time.Time) {
	defer m.set(nil, "")
	var node chat.NodeID
	since, unreported := lost, 0
	for {
		p, err := raw.Next(context.Background())
		if err != nil {
			var closed *client.CloseError
			errors.As(err, &closed)
			if e.code = closed.Code; since.IsZero() {
				since = time.Now()
			}
			return e, wait, since
		}
		var f frame
		if err := p.Into(&f); err != nil {
			m.crowd.t.Errorf("%s is sent what is no frame: %v", m.name, err)
		}
		e.last = f.Type
		if f.Offset != "" {
			m.setOffset(f.Offset)
		}
		switch f.Type {
		case wire.Welcome:
			node = f.Node
			m.crowd.noteAccept()
		case wire.Synced:
			if !since.IsZero() {
				m.crowd.notePause(time.Since(since))
			}
			since, e.in = time.Time{}, true
			m.setSynced(raw, node, f)
		case wire.Message:
			m.hear(&f)
			if unreported++; unreported == reportEvery {
				unreported = 0
				raw.Received(f.Offset) // a socket that has failed says so at the next read
			}
		case wire.Drain:
			if wait = time.Duration(f.After) * time.Millisecond; since.IsZero() {
				since = time.Now()
			}
		}
		if f.Re != "" {
			m.answered(f)
		}
	}
}

func (m *member) hear(f *frame) {
	who := sender{f.Conversation, f.sender()}
	if who.from == m.user {
		return // its own, from before a resume
	}
	m.crowd.noteHeard(f)
	m.crowd.noteDelay(f.Text)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.heard[f.Text]++
	if m.heard[f.Text] == 1 && f.Seq < m.newest[who] {
		m.overtaken++
	}
	m.newest[who] = max(m.newest[who], f.Seq)
}

func (m *member) timesHeard(text string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.heard[text]
}

func (m *member) setOffset(offset string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.offset = offset
}

func (m *member) setSynced(raw *client.Raw, node chat.NodeID, f frame) {
	m.set(raw, node)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.missed = f
}

// set says which socket the member has now.
func (m *member) set(raw *client.Raw, node chat.NodeID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.raw, m.node = raw, node
	m.stirLocked()
}

func (m *member) answered(f frame) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.acks[f.Re] = f
	m.stirLocked()
}

func (m *member) stirLocked() {
	close(m.changed)
	m.changed = make(chan struct{})
}

func (m *member) online() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.raw != nil
}

// say sends a text to somebody until it is acknowledged, over as many sockets as
// that takes, always under the same id; false when ctx ended before.
func (m *member) say(ctx context.Context, to *member, text string) bool {
	return m.sayTo(ctx, wire.Target{User: to.user}, []*member{to}, text)
}

// sayTo is say to whomever, heard by some of the crowd.
func (m *member) sayTo(ctx context.Context, to wire.Target, heardBy []*member, text string) bool {
	id := chat.NewID()
	f := wire.ClientFrame{Type: wire.Send, ID: id, To: &to, Message: &wire.Draft{Kind: chat.Text, Text: text}}
	var last *client.Raw
	began := time.Now()
	for ctx.Err() == nil {
		m.mu.Lock()
		raw, changed := m.raw, m.changed
		reply, answered := m.acks[id]
		delete(m.acks, id)
		m.mu.Unlock()
		switch {
		case answered && reply.Type == wire.Ack:
			m.crowd.noteSaid(text, &saying{m, heardBy, seat{reply.Conversation, reply.Seq}, reply.Live, began, time.Now()})
			return true
		case answered && !reply.Retry:
			m.crowd.t.Errorf("%s said %q: %s %s", m.name, text, reply.Code, reply.Detail)
			return false
		case answered: // not now: the same again
			m.crowd.noteRefused(reply.Code)
			last = nil
			select {
			case <-time.After(50 * time.Millisecond):
			case <-ctx.Done():
			}
			continue
		}
		if raw != nil && raw != last {
			last = raw
			raw.Send(f) // a socket that has failed ends, and the next one is tried
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
	return false
}
