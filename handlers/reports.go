package handlers

import (
	"net/http"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// reportTarget is what a complaint is about: exactly one of its ids is set.
type reportTarget struct {
	User         chat.UserID         `json:"user,omitempty"`
	Room         chat.ConversationID `json:"room,omitempty"`
	Conversation chat.ConversationID `json:"conversation,omitempty"`
	Seq          int64               `json:"seq,omitempty"`
}

// report is a complaint as whoever made it sees it.
type report struct {
	ID        string       `json:"id"`
	Target    reportTarget `json:"target"`
	Reason    string       `json:"reason"`
	Detail    string       `json:"detail"`
	CreatedAt wire.Time    `json:"created_at"`
}

// reportOnDesk is a complaint as administrators see it.
type reportOnDesk struct {
	report
	From       wire.PersonBody `json:"from"`
	Text       string          `json:"text"`
	ResolvedAt *wire.Time      `json:"resolved_at,omitempty"`
	ResolvedBy chat.UserID     `json:"resolved_by,omitempty"`
}

func viewReport(r *chat.Report) report {
	return report{
		ID: r.ID, Target: reportTarget(r.Target), Reason: r.Reason, Detail: r.Detail, CreatedAt: wire.Time{Time: r.CreatedAt},
	}
}

func viewReportOnDesk(r *chat.Report) reportOnDesk {
	return reportOnDesk{viewReport(r), wire.NewPersonBody(&r.From), r.Text, maybe(r.ResolvedAt), r.ResolvedBy}
}

// POST /reports
func (e *edge) report(c *fiber.Ctx, who chat.Identity) error {
	in, err := body[struct {
		Target reportTarget `json:"target"`
		Reason string       `json:"reason"`
		Detail string       `json:"detail"`
	}](c)
	if err != nil {
		return err
	}
	for field, id := range map[string]string{
		"target.user": string(in.Target.User), "target.room": string(in.Target.Room), "target.conversation": string(in.Target.Conversation),
	} {
		if id == "" {
			continue
		}
		if err := checkID(field, id); err != nil {
			return err
		}
	}
	r, err := e.o.Desk.Report(c.UserContext(), who.User, chat.ReportTarget(in.Target), in.Reason, in.Detail)
	if err != nil {
		return err
	}
	return c.Status(http.StatusCreated).JSON(viewReport(&r))
}

// GET /admin/reports?state=
func (e *edge) listReports(c *fiber.Ctx, _ chat.Identity) error {
	open := true
	switch c.Query("state") {
	case "", "open":
	case "resolved":
		open = false
	default:
		return chat.InvalidField("state", "unknown", "")
	}
	cursor, limit, err := page(c)
	if err != nil {
		return err
	}
	list, next, err := e.o.Desk.Reports(c.UserContext(), open, cursor, limit)
	if err != nil {
		return err
	}
	return c.JSON(show(list, next, viewReportOnDesk))
}

// POST /admin/reports/{id}/resolve: once. The note is for the audit log, which
// has it before anything is done.
func (e *edge) resolveReport(c *fiber.Ctx, who chat.Identity) error {
	id, err := pathID[string](c, "id")
	if err != nil {
		return err
	}
	if len(c.Request().Body()) > 0 {
		in, err := body[struct {
			Note string `json:"note"`
		}](c)
		if err != nil {
			return err
		}
		if utf8.RuneCountInString(in.Note) > chat.MaxDetail {
			return chat.OutOfBounds("note", "too_long", chat.MaxDetail)
		}
	}
	if err := e.o.Desk.Resolve(c.UserContext(), who.User, id); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}
