package verify

import (
	"strings"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// frame notes a frame from the server, and lets the handset act on it.
func (h *handset) frame(s *socket, f client.Frame) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch f.Type {
	case wire.Ack, wire.Error, wire.Pong:
		h.replyLocked(s, f)
	case wire.Kicked, wire.Drain:
		h.farewellLocked(s, f)
	default:
		if !s.stale {
			h.pushLocked(s, f)
		}
	}
}

// pushLocked takes what the server sends by itself.
func (h *handset) pushLocked(s *socket, f client.Frame) {
	var in struct {
		wire.MessageBody
		Session   chat.SessionID `json:"session"`
		Node      chat.NodeID    `json:"node"`
		Offset    string         `json:"offset"`
		Count     int            `json:"count"`
		Source    string         `json:"source"`
		AfterSeq  int64          `json:"after_seq"`
		BeforeSeq int64          `json:"before_seq"`
	}
	var receipt wire.ReceiptFrame
	e := Event{Conn: s.n}
	switch f.Type {
	case wire.Receipt:
		if f.Into(&receipt) != nil {
			return
		}
		h.noteLocked(Event{What: Receipt, Conn: s.n, From: receipt.User, Conversation: receipt.Conversation, Seq: receipt.Seq})
		return
	case wire.Welcome, wire.Message, wire.Event, wire.Gap, wire.Synced:
	default:
		return // presence, typing, signals: nothing is promised of them here
	}
	if err := f.Into(&in); err != nil && f.Type != wire.Event {
		h.noteLocked(Event{What: Refusal, Conn: s.n, Code: chat.Malformed, Detail: "the server's " + f.Type + " makes no sense: " + err.Error()})
		return
	}
	e.Offset = in.Offset
	switch f.Type {
	case wire.Welcome:
		e.What, e.Session, e.Node = Welcome, in.Session, string(in.Node)
	case wire.Message:
		e = h.r.message(in.MessageBody)
		e.What, e.Conn, e.Offset = Message, s.n, in.Offset
		h.readable[in.Conversation] = max(h.readable[in.Conversation], in.Seq)
	case wire.Event:
		e.What, e.Offset = Queued, f.Offset()
	case wire.Gap:
		e.What, e.Conversation, e.After, e.Before = Gap, in.Conversation, in.AfterSeq, in.BeforeSeq
	case wire.Synced:
		e.What, e.Count, e.Source = Synced, in.Count, in.Source
	}
	if e.Offset != "" && e.What != Welcome {
		h.offset = e.Offset
	}
	h.noteLocked(e)
	switch e.What {
	case Welcome:
		closeOnce(s.greeted)
	case Synced:
		closeOnce(s.level)
	}
}

// message is what a history keeps of a message. What strangers wrote is theirs.
func (r *run) message(m wire.MessageBody) Event {
	e := Event{
		Conversation: m.Conversation, Seq: m.Seq, From: m.From.ID, ID: m.ClientID,
		Written: m.At.UTC().Format(wire.TimeFormat),
	}
	if strings.HasPrefix(m.Text, r.tag) {
		e.Text = m.Text
	}
	return e
}

// replyLocked takes an answer. An ack is true whatever became of its socket.
func (h *handset) replyLocked(s *socket, f client.Frame) {
	switch f.Type {
	case wire.Ack:
		var in wire.AckFrame
		if f.Into(&in) != nil {
			return
		}
		h.noteLocked(Event{
			What: Ack, Conn: s.n, ID: in.Re, Conversation: in.Conversation, Seq: in.Seq, Live: in.Live, Written: in.At.UTC().Format(wire.TimeFormat),
		})
		delete(s.asked, in.Re)
		if d := h.answerLocked(in.Re); d != nil {
			h.rememberLocked(d)
			h.who.learn(d.to, in.Conversation)
		}
	case wire.Pong:
		var in wire.PongFrame
		if f.Into(&in) == nil {
			h.noteLocked(Event{What: Pong, Conn: s.n, ID: in.Re})
			select {
			case s.pong <- struct{}{}:
			default:
			}
		}
	case wire.Error:
		var in wire.ErrorFrame
		if f.Into(&in) == nil {
			h.noteLocked(Event{What: Refusal, Conn: s.n, ID: in.Re, Code: in.Code, Reason: in.Reason, Detail: in.Detail})
			delete(s.asked, in.Re)
			h.refusedLocked(in.Re, in.Retry)
		}
	}
}

// backOff is how long a handset that is told to try again does not send.
const backOff = 500 * time.Millisecond

// refusedLocked puts a draft off, or gives it up.
func (h *handset) refusedLocked(id string, retry bool) {
	d := h.answerLocked(id)
	if !retry {
		return
	}
	h.rest = h.r.rec.now() + backOff
	if d != nil {
		d.due, d.on = h.rest, 0
		h.pending = append(h.pending, d)
	}
}

// farewellLocked takes what comes before a close.
func (h *handset) farewellLocked(s *socket, f client.Frame) {
	if f.Type == wire.Drain {
		var in wire.DrainFrame
		_ = f.Into(&in) // without a time it is as good as at once
		s.comeIn = time.Duration(in.ReconnectInMS) * time.Millisecond
		h.noteLocked(Event{What: Drain, Conn: s.n})
		return
	}
	var in wire.KickedFrame
	_ = f.Into(&in) // without a reason it is one that no check accepts
	h.noteLocked(Event{What: Kicked, Conn: s.n, Reason: in.Reason})
	if in.Reason != chat.Replaced && s == h.at {
		h.in = false
	}
}

func closeOnce(c chan struct{}) {
	select {
	case <-c:
	default:
		close(c)
	}
}
