package store

import (
	"context"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/hook"
	"github.com/uptrace/bun"
)

// Reports keeps complaints.
type Reports struct{ db *DB }

// NewReports returns the repository of complaints.
func NewReports(db *DB) *Reports { return &Reports{db} }

type reportRow struct {
	bun.BaseModel `bun:"table:reports,alias:rp"`

	ID             string              `bun:"id,pk"`
	FromID         chat.UserID         `bun:"from_id"`
	UserID         chat.UserID         `bun:"user_id"`
	RoomID         chat.ConversationID `bun:"room_id"`
	ConversationID chat.ConversationID `bun:"conversation_id"`
	Seq            int64               `bun:"seq"`
	Body           string              `bun:"body"` // of the message
	Reason         string              `bun:"reason"`
	Detail         string              `bun:"detail"`
	CreatedAt      time.Time           `bun:"created_at"`
	Open           bool                `bun:"open"`
	ResolvedAt     time.Time           `bun:"resolved_at,nullzero"`
	ResolvedBy     chat.UserID         `bun:"resolved_by"`
}

func newReportRow(r *chat.Report) reportRow {
	return reportRow{
		ID: r.ID, FromID: r.From.ID, UserID: r.Target.User, RoomID: r.Target.Room, ConversationID: r.Target.Conversation, Seq: r.Target.Seq,
		Body: r.Text, Reason: r.Reason, Detail: r.Detail, CreatedAt: micro(r.CreatedAt), Open: true,
	}
}

func (r *reportRow) report() chat.Report {
	return chat.Report{
		ID: r.ID, From: chat.Person{ID: r.FromID}, Text: r.Body, Reason: r.Reason, Detail: r.Detail,
		Target:    chat.ReportTarget{User: r.UserID, Room: r.RoomID, Conversation: r.ConversationID, Seq: r.Seq},
		CreatedAt: r.CreatedAt.UTC(), ResolvedAt: r.ResolvedAt.UTC(), ResolvedBy: r.ResolvedBy,
	}
}

// Add keeps a complaint, with the text of the message that it is about as it is
// now, and returns it complete. NotFound for a target that is not there, or that
// its reporter may not know of.
func (s *Reports) Add(ctx context.Context, r chat.Report) (chat.Report, error) {
	from := r.From.ID
	err := s.db.change(ctx, "store.report", func(ctx context.Context, tx bun.Tx) (err error) {
		if r.Text, err = reported(ctx, tx, from, r.Target); err != nil {
			return err
		}
		people, err := cards(ctx, tx, from)
		if err != nil {
			return err
		}
		r.From = people[from]
		row := newReportRow(&r)
		if _, err = tx.NewInsert().Model(&row).Exec(ctx); err != nil {
			return err
		}
		return s.db.putHook(ctx, tx, func() chat.Hook { return hook.Reported(&r) })
	})
	return r, err
}

// reported looks for what somebody complains of, and returns its text if it is a
// message.
func reported(ctx context.Context, tx bun.Tx, from chat.UserID, about chat.ReportTarget) (text string, err error) {
	there := false
	switch {
	case about.User != "":
		there, err = tx.NewSelect().Table("users").Where("id = ?", about.User).Where("deleted_at IS NULL").Exists(ctx)
	case about.Room != "":
		there, err = knowsRoom(ctx, tx, from, about.Room)
	default:
		there, err = tx.NewSelect().Table("members").Where("user_id = ?", from).Where("conversation_id = ?", about.Conversation).Exists(ctx)
		if there {
			err = tx.NewSelect().Table("messages").Column("body").Where("conversation_id = ?", about.Conversation).Where("seq = ?", about.Seq).Scan(ctx, &text)
		}
	}
	if err == nil && !there {
		err = chat.E("store.report", chat.NotFound, nil)
	}
	return text, err
}

// knowsRoom reports whether somebody may know of a room: it is public, or they
// are in it. A conversation of two is no room.
func knowsRoom(ctx context.Context, tx bun.Tx, u chat.UserID, id chat.ConversationID) (bool, error) {
	public, err := tx.NewSelect().Table("rooms").Where("id = ?", id).Where("visibility = ?", chat.Public).Exists(ctx)
	if err != nil || public {
		return public, err
	}
	return tx.NewSelect().TableExpr("members AS mb").Join("JOIN conversations AS c ON c.id = mb.conversation_id").
		Where("mb.user_id = ?", u).Where("mb.conversation_id = ?", id).Where("c.direct = ?", false).Exists(ctx)
}

// List returns complaints with an id less than before ("": all), newest first:
// those that are open, or those that are not.
func (s *Reports) List(ctx context.Context, open bool, before string, limit int) ([]chat.Report, error) {
	var rows []reportRow
	var out []chat.Report
	err := s.db.query(ctx, "store.reports", func(ctx context.Context, q bun.IDB) error {
		sel := q.NewSelect().Model(&rows).Where("open = ?", open).Order("id DESC").Limit(int64(limit))
		if before != "" {
			sel.Where("id < ?", before)
		}
		if err := sel.Scan(ctx); err != nil {
			return err
		}
		var from []chat.UserID
		for i := range rows {
			from = append(from, rows[i].FromID)
		}
		people, err := cards(ctx, q, from...)
		for i := range rows {
			r := rows[i].report()
			if card, known := people[r.From.ID]; known {
				r.From = card
			}
			out = append(out, r)
		}
		return err
	})
	return out, err
}

// Resolve closes a complaint. NotFound; Conflict for one that is closed.
func (s *Reports) Resolve(ctx context.Context, id string, by chat.UserID, at time.Time) error {
	return s.db.change(ctx, "store.resolve", func(ctx context.Context, tx bun.Tx) error {
		done, err := tx.NewUpdate().Table("reports").Set("open = ?", false).Set("resolved_at = ?", micro(at)).Set("resolved_by = ?", by).
			Where("id = ?", id).Where("open = ?", true).Exec(ctx)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 1 {
			return err
		}
		there, err := tx.NewSelect().Table("reports").Where("id = ?", id).Exists(ctx)
		switch {
		case err != nil:
			return err
		case there:
			return chat.E("store.resolve", chat.Conflict, nil)
		}
		return chat.E("store.resolve", chat.NotFound, nil)
	})
}
