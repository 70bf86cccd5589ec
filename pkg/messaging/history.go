package messaging

import (
	"context"

	"github.com/tieline/tieline/pkg/chat"
)

// Page asks for a part of a history: Before and After are exclusive, 0 is no
// bound, and without any it is the newest messages.
type Page struct {
	Before, After int64
	Limit         int
}

// Limits of a page.
const (
	defaultLimit = 50
	maxLimit     = 200
)

// Limit returns how many rows a page has when so many are asked for.
func Limit(asked int) int {
	if asked <= 0 {
		return defaultLimit
	}
	return min(asked, maxLimit)
}

// History returns messages of a conversation that the user is in, ascending.
func (m *Messenger) History(ctx context.Context, u chat.UserID, id chat.ConversationID, p Page) ([]chat.Message, error) {
	if p.Before < 0 || p.After < 0 || p.Limit < 0 {
		return nil, chat.InvalidField("before_seq", "format", "a bound is not negative")
	}
	c, err := m.entered(ctx, u, id)
	if err != nil {
		return nil, err
	}
	return m.h.History(ctx, c, p.Before, p.After, Limit(p.Limit))
}

// Conversations returns a person's conversations, the liveliest first, by
// cursor.
func (m *Messenger) Conversations(ctx context.Context, u chat.UserID, cursor string, limit int) ([]chat.Overview, string, error) {
	return m.h.Overviews(ctx, u, cursor, Limit(limit))
}

// OpenDirect returns the conversation with another person, made the first time
// that either asks; NotFound for one whose account there is not, or was removed.
// What was said with them stays in the list.
func (m *Messenger) OpenDirect(ctx context.Context, u, peer chat.UserID) (chat.Overview, error) {
	c, err := m.h.OpenDirect(ctx, u, peer)
	if err == nil && c.Gate&chat.GateGone != 0 {
		err = chat.E("messaging.open", chat.NotFound, nil)
	}
	if err != nil {
		return chat.Overview{}, err
	}
	return m.h.Overview(ctx, u, c.ID)
}

// MarkRead moves the reader's cursor on, and tells the other person and the
// reader's other devices. It never moves back.
func (m *Messenger) MarkRead(ctx context.Context, id chat.Identity, session chat.SessionID, conversation chat.ConversationID, seq int64) error {
	if seq < 1 {
		return chat.InvalidField("seq", "required", "")
	}
	c, err := m.entered(ctx, id.User, conversation)
	if err != nil {
		return err
	}
	moved, err := m.h.MarkRead(ctx, id.User, c.ID, seq)
	if err != nil || !moved {
		return err
	}
	r := chat.Reading{Conversation: c.ID, Reader: id.User, Session: session, Seq: seq, Tell: []chat.UserID{id.User}}
	if c.Direct && c.A != c.B {
		r.Tell = append(r.Tell, c.Peer(id.User))
	}
	if err := m.c.Read(ctx, r); err != nil {
		m.o.Log.Debug("a receipt was not told", "error", err) // the cursor is kept; lists show it
	}
	return nil
}
