package store

import (
	"context"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/uptrace/bun"
)

type reactionRow struct {
	bun.BaseModel `bun:"table:reactions,alias:rn"`

	ConversationID chat.ConversationID `bun:"conversation_id,pk"`
	Seq            int64               `bun:"seq,pk"`
	UserID         chat.UserID         `bun:"user_id,pk"`
	Emoji          string              `bun:"emoji,pk"`
	At             time.Time           `bun:"at"`
}

// amendment is a message in a transaction that changes it, its conversation
// locked.
type amendment struct {
	in      chat.Conversation
	crowd   []chat.UserID // who is told
	row     messageRow
	by      chat.Membership // of a room; empty in a direct conversation
	at      time.Time
	isAdmin bool      // an administrator of the service
	shut    chat.Kind // why the person may write nothing new there; "": they may
}

// Edit replaces the text of somebody's own message. Forbidden for others',
// Conflict for one that was recalled, else as for a send.
func (s *Messages) Edit(ctx context.Context, by chat.UserID, id chat.ConversationID, seq int64, text string) (chat.Message, []chat.Event, error) {
	return s.amend(ctx, by, id, seq, chat.MessageEdited, chat.EventData{}, func(ctx context.Context, tx bun.Tx, a *amendment) (bool, error) {
		switch {
		case a.shut != "":
			return false, chat.E("store.edit", a.shut, nil)
		case a.row.SenderID != by || a.row.Kind == chat.System:
			return false, chat.E("store.edit", chat.Forbidden, nil)
		case a.row.Recalled:
			return false, chat.E("store.edit", chat.Conflict, nil)
		case a.row.Body == text:
			return false, nil
		}
		a.row.Body, a.row.EditedAt = text, &a.at
		_, err := tx.NewUpdate().Model(&a.row).Column("body", "edited_at").WherePK().Exec(ctx)
		return true, err
	})
}

// Recall takes a message back: one's own for a while, in a room its owner and
// admins anybody's, in the lobby administrators. Forbidden; twice is no error.
func (s *Messages) Recall(ctx context.Context, by chat.UserID, id chat.ConversationID, seq int64) (chat.Message, []chat.Event, error) {
	return s.amend(ctx, by, id, seq, chat.MessageRecalled, chat.EventData{}, func(ctx context.Context, tx bun.Tx, a *amendment) (bool, error) {
		own := a.row.SenderID == by && a.at.Sub(a.row.At) <= chat.RecallWithin
		inCharge := a.by.Role == chat.RoleOwner || a.by.Role == chat.RoleAdmin || a.in.ID == chat.Lobby && a.isAdmin
		switch {
		case !own && !inCharge:
			return false, chat.E("store.recall", chat.Forbidden, nil)
		case a.row.Recalled:
			return false, nil
		}
		a.row.Body, a.row.Media, a.row.Mentions, a.row.Recalled = "", "", "", true
		if _, err := tx.NewUpdate().Model(&a.row).Column("body", "media", "mentions", "recalled").WherePK().Exec(ctx); err != nil {
			return false, err
		}
		_, err := tx.NewDelete().Table("reactions").Where("conversation_id = ?", id).Where("seq = ?", seq).Exec(ctx)
		return true, err
	})
}

// React adds one of somebody's reactions to a message, or takes it back; doing
// so twice changes nothing. Conflict for a message that was recalled.
func (s *Messages) React(ctx context.Context, by chat.UserID, id chat.ConversationID, seq int64, r chat.Reaction) (chat.Message, []chat.Event, error) {
	return s.amend(ctx, by, id, seq, chat.MessageReacted, chat.EventData{Reaction: &r}, func(ctx context.Context, tx bun.Tx, a *amendment) (bool, error) {
		switch {
		case a.shut != "":
			return false, chat.E("store.react", a.shut, nil)
		case a.row.Recalled:
			return false, chat.E("store.react", chat.Conflict, nil)
		}
		row := reactionRow{ConversationID: id, Seq: seq, UserID: by, Emoji: r.Emoji, At: a.at}
		there, err := tx.NewSelect().Model(&row).WherePK().Exists(ctx)
		if err != nil || there == r.On {
			return false, err
		}
		if r.On {
			_, err = tx.NewInsert().Model(&row).Exec(ctx)
		} else {
			_, err = tx.NewDelete().Model(&row).WherePK().Exec(ctx)
		}
		return true, err
	})
}

// amend changes a message and tells all in its conversation of it; in the lobby,
// which is too large for that, only the one who does it: the others are told
// live. It returns the message as it is in the end. NotFound, NotAMember, Muted,
// Blocked.
func (s *Messages) amend(ctx context.Context, by chat.UserID, id chat.ConversationID, seq int64, name chat.EventName, about chat.EventData,
	do func(ctx context.Context, tx bun.Tx, a *amendment) (changed bool, err error),
) (out chat.Message, events []chat.Event, err error) {
	err = s.db.change(ctx, "store.amend", func(ctx context.Context, tx bun.Tx) error {
		events = nil
		a, err := s.openAmendment(ctx, tx, by, id, seq)
		if err != nil {
			return err
		}
		changed, err := do(ctx, tx, a)
		if err != nil {
			return err
		}
		shown, err := s.showIn(ctx, tx, map[chat.ConversationID]chat.Conversation{id: a.in}, []messageRow{a.row})
		if err != nil {
			return err
		}
		out = shown[0]
		if !changed {
			return nil
		}
		people, err := cards(ctx, tx, by)
		if err != nil {
			return err
		}
		who := people[by]
		about.Message, about.User = &out, &who
		for _, u := range a.crowd {
			events = append(events, chat.NewEvent(u, name, about))
		}
		return putEvents(ctx, tx, events)
	})
	return out, events, err
}

// openAmendment locks a conversation and reads one of its messages, if somebody
// is in it.
func (s *Messages) openAmendment(ctx context.Context, tx bun.Tx, by chat.UserID, id chat.ConversationID, seq int64) (*amendment, error) {
	const op = "store.amend"
	a := &amendment{at: now()}
	// What changes nothing locks the head all the same, in both dialects.
	if _, err := tx.NewUpdate().Table("conversations").Set("last_seq = last_seq").Where("id = ?", id).Exec(ctx); err != nil {
		return nil, err
	}
	var head conversationRow
	if err := tx.NewSelect().Model(&head).Where("id = ?", id).Scan(ctx); err != nil {
		return nil, err
	}
	a.in = head.conversation()
	if err := s.admit(ctx, tx, a, by); err != nil {
		return nil, err
	}
	return a, fail(op, tx.NewSelect().Model(&a.row).Where("conversation_id = ?", id).Where("seq = ?", seq).Scan(ctx))
}

// admit checks that somebody is in a locked conversation, and notes who is to be
// told, and whether the person may write there.
func (s *Messages) admit(ctx context.Context, tx bun.Tx, a *amendment, by chat.UserID) error {
	const op = "store.amend"
	switch {
	case a.in.Direct && !a.in.Has(by):
		return chat.E(op, chat.NotFound, nil)
	case a.in.Direct:
		a.crowd = a.in.Recipients()
		a.shut = a.in.Shut(by, false)
		return nil
	case a.in.Log():
		a.crowd = []chat.UserID{by}
		return tx.NewSelect().Table("users").Column("admin").Where("id = ?", by).Scan(ctx, &a.isAdmin)
	}
	rooms, err := s.crowdsOf(ctx, tx, []chat.Conversation{a.in})
	if err != nil {
		return err
	}
	a.crowd, a.shut = rooms[a.in.ID].all, rooms[a.in.ID].may(by, a.at)
	if a.shut == chat.NotAMember {
		return chat.E(op, a.shut, nil)
	}
	var row memberRow
	err = tx.NewSelect().Model(&row).Where("user_id = ?", by).Where("conversation_id = ?", a.in.ID).Scan(ctx)
	a.by = row.membership()
	return err
}

// reactions counts who reacted with what to the messages of some rows, which are
// of one conversation.
func (s *Messages) reactions(ctx context.Context, q bun.IDB, shown []chat.Message) error {
	if len(shown) == 0 {
		return nil
	}
	seqs, at := make([]int64, len(shown)), make(map[int64]*chat.Message, len(shown))
	for i := range shown {
		seqs[i], at[shown[i].Seq] = shown[i].Seq, &shown[i]
	}
	var rows []struct {
		Seq   int64
		Emoji string
		N     int
	}
	err := q.NewSelect().Table("reactions").Column("seq", "emoji").ColumnExpr("COUNT(*) AS n").
		Where("conversation_id = ?", shown[0].Conversation).Where("seq IN (?)", bun.List(seqs)).Group("seq", "emoji").Scan(ctx, &rows)
	for _, r := range rows {
		m := at[r.Seq]
		if m.Reactions == nil {
			m.Reactions = map[string]int{}
		}
		m.Reactions[r.Emoji] = r.N
	}
	return err
}
