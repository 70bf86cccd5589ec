// Package moderation is the administrators' desk: complaints reach it, and
// whatever is done there is written down before it is done.
package moderation

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tieline/tieline/pkg/chat"
)

// Reports is where complaints are kept.
type Reports interface {
	// Add keeps a complaint and returns it complete: with the card of who
	// complains and the text of the message. NotFound for what the target names
	// if it is not there, or its reporter may not know of it.
	Add(context.Context, chat.Report) (chat.Report, error)
	// List returns those with an id less than before ("": all), newest first.
	List(ctx context.Context, open bool, before string, limit int) ([]chat.Report, error)
	// Resolve closes one, once: NotFound, Conflict.
	Resolve(ctx context.Context, id string, by chat.UserID, at time.Time) error
}

// Log is where deeds are written down. It has no way to change one.
type Log interface {
	Add(context.Context, chat.Deed) error
	// List returns those with an id less than before ("": all), newest first.
	List(ctx context.Context, before string, limit int) ([]chat.Deed, error)
}

// Desk takes complaints and keeps the log.
type Desk struct {
	reports Reports
	log     Log
}

// New returns a Desk.
func New(reports Reports, log Log) *Desk { return &Desk{reports, log} }

// Report takes somebody's complaint. Invalid for one that is out of bounds or
// has not exactly one target; NotFound for a target that is not there, or that
// its reporter may not know of.
func (d *Desk) Report(ctx context.Context, from chat.UserID, about chat.ReportTarget, reason, detail string) (chat.Report, error) {
	reason, detail = strings.TrimSpace(reason), strings.TrimSpace(detail)
	if about.Conversation == "" {
		about.Seq = 0
	}
	if err := check(about, reason, detail); err != nil {
		return chat.Report{}, err
	}
	return d.reports.Add(ctx, chat.Report{
		ID: chat.NewID(), From: chat.Person{ID: from}, Target: about, Reason: reason, Detail: detail, CreatedAt: time.Now().UTC(),
	})
}

func check(about chat.ReportTarget, reason, detail string) error {
	named := 0
	for _, id := range []string{string(about.User), string(about.Room), string(about.Conversation)} {
		if id != "" {
			named++
		}
	}
	switch {
	case named == 0:
		return chat.InvalidField("target", "required", "")
	case named > 1:
		return chat.InvalidField("target", "format", "")
	case about.Conversation != "" && about.Seq < 1:
		return chat.InvalidField("target.seq", "required", "")
	case reason == "":
		return chat.InvalidField("reason", "required", "")
	case utf8.RuneCountInString(reason) > chat.MaxReason:
		return chat.OutOfBounds("reason", "too_long", chat.MaxReason)
	case utf8.RuneCountInString(detail) > chat.MaxDetail:
		return chat.OutOfBounds("detail", "too_long", chat.MaxDetail)
	}
	return nil
}

// Reports returns a page of complaints, the newest first: those that are open,
// or those that are not.
func (d *Desk) Reports(ctx context.Context, open bool, cursor string, limit int) (list []chat.Report, next string, err error) {
	if list, err = d.reports.List(ctx, open, cursor, limit+1); err == nil && len(list) > limit {
		list = list[:limit]
		next = list[limit-1].ID
	}
	return list, next, err
}

// Resolve closes a complaint, once. NotFound; Conflict for one that is closed.
func (d *Desk) Resolve(ctx context.Context, by chat.UserID, id string) error {
	return d.reports.Resolve(ctx, id, by, time.Now().UTC())
}

// Note writes down what is about to be done; with an error it must not be done.
// What is too long is cut.
func (d *Desk) Note(ctx context.Context, deed chat.Deed) error {
	deed.ID, deed.At = chat.NewID(), time.Now().UTC()
	deed.Target, deed.Detail = cut(deed.Target, chat.MaxTarget), cut(deed.Detail, chat.MaxDetail)
	return d.log.Add(ctx, deed)
}

// cut returns the first characters of a text, and nothing of it that is none.
func cut(s string, most int) string {
	s = strings.ToValidUTF8(s, "�")
	for i := range s {
		if most--; most < 0 {
			return s[:i]
		}
	}
	return s
}

// Deeds returns a page of the log, the newest first.
func (d *Desk) Deeds(ctx context.Context, cursor string, limit int) (list []chat.Deed, next string, err error) {
	if list, err = d.log.List(ctx, cursor, limit+1); err == nil && len(list) > limit {
		list = list[:limit]
		next = list[limit-1].ID
	}
	return list, next, err
}
