package messaging

import (
	"context"

	"github.com/tieline/tieline/pkg/chat"
)

// Edit replaces the text of somebody's own message, and tells all in the
// conversation. Invalid; Forbidden for others' messages, Conflict for one that was
// recalled, NotFound, and whatever a send is refused with.
func (m *Messenger) Edit(ctx context.Context, by chat.UserID, id chat.ConversationID, seq int64, text string) (chat.Message, error) {
	if err := chat.CheckText("text", text, chat.MaxText); err != nil {
		return chat.Message{}, err
	}
	if _, _, err := m.Reachable(ctx, by, chat.Target{Conversation: id}); err != nil {
		return chat.Message{}, err
	}
	return m.tell(m.h.Edit(ctx, by, id, seq, text))
}

// Recall takes a message back: its text is gone from the history and from what
// waits for anybody. One's own for two minutes, whatever the other person thinks
// of one by now; owners and admins of a room anybody's. Forbidden, NotFound.
func (m *Messenger) Recall(ctx context.Context, by chat.UserID, id chat.ConversationID, seq int64) error {
	_, err := m.tell(m.h.Recall(ctx, by, id, seq))
	return err
}

// React adds one of somebody's reactions to a message, or takes it back. Invalid,
// NotFound, Conflict for a message that was recalled.
func (m *Messenger) React(ctx context.Context, by chat.UserID, id chat.ConversationID, seq int64, r chat.Reaction) error {
	if !chat.IsEmoji(r.Emoji) {
		return chat.InvalidField("emoji", "format", "")
	}
	if _, _, err := m.Reachable(ctx, by, chat.Target{Conversation: id}); err != nil {
		return err
	}
	_, err := m.tell(m.h.React(ctx, by, id, seq, r))
	return err
}

// tell tells of what was committed.
func (m *Messenger) tell(out chat.Message, events []chat.Event, err error) (chat.Message, error) {
	if err == nil && m.o.Teller != nil {
		m.o.Teller.Tell(events)
	}
	return out, err
}
