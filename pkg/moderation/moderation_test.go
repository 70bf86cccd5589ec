package moderation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// shelf keeps complaints in memory, the newest first.
type shelf struct{ list []chat.Report }

func (s *shelf) Add(_ context.Context, r chat.Report) (chat.Report, error) {
	s.list = slices.Insert(s.list, 0, r)
	return r, nil
}

func (s *shelf) List(_ context.Context, _ bool, _ string, limit int) ([]chat.Report, error) {
	return slices.Clone(s.list[:min(limit, len(s.list))]), nil
}

func (s *shelf) Resolve(context.Context, string, chat.UserID, time.Time) error { return nil }

// diary is a log in memory, the newest first.
type diary struct{ list []chat.Deed }

func (d *diary) Add(_ context.Context, deed chat.Deed) error {
	d.list = slices.Insert(d.list, 0, deed)
	return nil
}

func (d *diary) List(_ context.Context, _ string, limit int) ([]chat.Deed, error) {
	return slices.Clone(d.list[:min(limit, len(d.list))]), nil
}

// S2.6
func TestAComplaintHasOneTargetAndAReason(t *testing.T) {
	person := chat.ReportTarget{User: "u"}
	for want, c := range map[string]struct {
		about          chat.ReportTarget
		reason, detail string
	}{
		"target required":     {chat.ReportTarget{}, "spam", ""},
		"target format":       {chat.ReportTarget{User: "u", Room: "r"}, "spam", ""},
		"target.seq required": {chat.ReportTarget{Conversation: "c"}, "spam", ""},
		"reason required":     {person, " \t", ""},
		"reason too_long":     {person, strings.Repeat("漢", 65), ""},
		"detail too_long":     {person, "spam", strings.Repeat("漢", 2001)},
	} {
		var kept shelf
		_, err := New(&kept, &diary{}).Report(t.Context(), "me", c.about, c.reason, c.detail)
		var e *chat.Error
		if !errors.As(err, &e) || len(e.Fields) != 1 || e.Fields[0].Field+" "+e.Fields[0].Code != want || len(kept.list) > 0 {
			t.Errorf("%v, want %s", err, want)
		}
	}
	var kept shelf
	r, err := New(&kept, &diary{}).Report(t.Context(), "me", chat.ReportTarget{User: "u", Seq: 3}, " "+strings.Repeat("漢", 64), strings.Repeat("漢", 2000)+"\n")
	if err != nil || r.ID == "" || r.From.ID != "me" || r.Target.Seq != 0 || r.CreatedAt.IsZero() || len(kept.list) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestPagesEnd(t *testing.T) {
	var kept shelf
	var log diary
	d := New(&kept, &log)
	for i := range 3 {
		if _, err := d.Report(t.Context(), "me", chat.ReportTarget{User: "u"}, fmt.Sprint(i), ""); err != nil {
			t.Fatal(err)
		}
		if err := d.Note(t.Context(), chat.Deed{Actor: chat.Operator, Action: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	for limit, more := range map[int]bool{2: true, 3: false} {
		reports, next, err := d.Reports(t.Context(), true, "", limit)
		if err != nil || len(reports) != limit || (next == reports[limit-1].ID) != more {
			t.Errorf("%d of 3: %v %q %v", limit, reports, next, err)
		}
		deeds, next, err := d.Deeds(t.Context(), "", limit)
		if err != nil || len(deeds) != limit || (next == deeds[limit-1].ID) != more {
			t.Errorf("%d of 3: %v %q %v", limit, deeds, next, err)
		}
	}
}

// What is written down fits, whatever somebody sent.
func TestDeedsAreCut(t *testing.T) {
	var log diary
	err := New(&shelf{}, &log).Note(t.Context(), chat.Deed{Target: "a\xff", Detail: strings.Repeat("漢", chat.MaxDetail+1)})
	if d := log.list[0]; err != nil || d.ID == "" || d.At.IsZero() || d.Target != "a�" || d.Detail != strings.Repeat("漢", chat.MaxDetail) {
		t.Errorf("%+v, %v", d, err)
	}
}
