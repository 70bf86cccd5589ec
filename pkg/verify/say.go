package verify

import (
	"context"
	"fmt"
	"slices"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// draft makes a message of the run: its text names its id, so that it is known
// wherever it turns up.
func (r *run) draft(to wire.Target) *draft {
	id := fmt.Sprintf("%s-m%d", r.tag, r.drafts.Add(1))
	return &draft{id: id, to: to, text: id + " 你好"}
}

// altered is another message under the same id: another text, or somebody else
// to read it.
func (h *handset) altered(d *draft, elsewhere bool) *draft {
	other := *d
	if other.to = d.to; elsewhere {
		if other.to = (wire.Target{Room: chat.Lobby}); d.to.Room != "" {
			other.to = wire.Target{User: h.who.peer().id}
		}
		return &other
	}
	other.text += fmt.Sprintf(" (not %d)", h.r.drafts.Add(1))
	return &other
}

// say writes a draft on a socket, unless the same id awaits an answer there:
// whose answer came would not be known.
func (s *socket) say(d *draft) {
	s.h.mu.Lock()
	waits := s.asked[d.id]
	s.asked[d.id] = true
	s.h.mu.Unlock()
	if waits {
		return
	}
	s.write(Event{What: Send, ID: d.id, To: &d.to, Text: d.text}, wire.ClientFrame{
		Type: wire.Send, ID: d.id, To: &d.to, Message: &wire.Draft{Kind: chat.Text, Text: d.text},
	})
}

// sayFirst writes a new draft, which is repeated until it is answered.
func (s *socket) sayFirst(d *draft) {
	s.h.mu.Lock()
	d.on = s.n
	s.h.pending = append(s.h.pending, d)
	s.h.mu.Unlock()
	s.say(d)
}

// sayOwed repeats what is not answered, in order: everything that was written on
// another socket, and what was refused for now and is due.
func (s *socket) sayOwed() {
	now := s.h.r.rec.now()
	s.h.mu.Lock()
	var owed []*draft
	for _, d := range s.h.pending {
		if d.on != s.n && d.due <= now {
			d.on = s.n
			owed = append(owed, d)
		}
	}
	s.h.mu.Unlock()
	for _, d := range owed {
		s.say(d)
	}
}

// post sends a draft over HTTP, to some node, while other things go on. What was
// not answered for good is owed.
func (h *handset) post(ctx context.Context, d *draft, owe bool) {
	in := h.who.conversation(d.to)
	if in == "" {
		if owe {
			h.owe(d)
		}
		return
	}
	h.r.work.Go(func() {
		conn, api := h.r.rec.conn(), h.api()
		h.note(Event{What: Send, Conn: conn, ID: d.id, To: &d.to, Text: d.text})
		ack, err := api.PostMessage(ctx, in, d.id, chat.Draft{Kind: chat.Text, Text: d.text})
		h.posted(conn, d, ack, err, owe)
	})
}

func (h *handset) posted(conn int, d *draft, ack client.Ack, err error, owe bool) {
	code, reason := codeOf(err)
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err == nil:
		h.noteLocked(Event{
			What: Ack, Conn: conn, ID: d.id, Conversation: ack.Conversation, Seq: ack.Seq, Live: ack.Live, Written: ack.At.UTC().Format(wire.TimeFormat),
		})
		if owe {
			h.rememberLocked(d)
		}
		return
	case code != noAnswer:
		h.noteLocked(Event{What: Refusal, Conn: conn, ID: d.id, Code: code, Reason: reason})
	}
	if owe && (code == noAnswer || code.Retryable()) && !slices.Contains(h.pending, d) {
		d.due = h.r.rec.now() + backOff
		h.pending = append(h.pending, d)
	}
}

// read says, on the socket or over HTTP, that everything of some conversation
// was read.
func (h *handset) read(ctx context.Context, s *socket, overHTTP bool) {
	h.mu.Lock()
	var in chat.ConversationID
	var seq int64
	for c, newest := range h.readable { // any of them
		in, seq = c, newest
		break
	}
	h.mu.Unlock()
	switch {
	case in == "":
	case overHTTP:
		e := Event{What: Read, Conversation: in, Seq: seq, Began: h.r.rec.now()}
		e.Code, e.Reason = codeOf(h.api().MarkRead(ctx, in, seq))
		h.note(e)
	default:
		s.write(Event{What: Read, Conversation: in, Seq: seq}, wire.ClientFrame{Type: wire.Read, Conversation: in, Seq: seq})
	}
}

// look reads the list of conversations, and with it the read cursors.
func (h *handset) look(ctx context.Context) error {
	began := h.r.rec.now()
	page, err := h.api().Conversations(ctx, "", wire.MaxHistory)
	for _, c := range page.Items {
		h.note(Event{What: Cursor, Conversation: c.ID, Seq: c.ReadSeq, Began: began})
	}
	return err
}
