package handlers

import (
	"context"

	"github.com/tieline/tieline/pkg/chat"
)

// fakeDesk takes complaints as a test says, and remembers what was to be done.
type fakeDesk struct {
	report  func(from chat.UserID, about chat.ReportTarget, reason, detail string) (chat.Report, error)
	reports func(open bool, cursor string, limit int) ([]chat.Report, string, error)
	resolve func(by chat.UserID, id string) error
	deeds   func(cursor string, limit int) ([]chat.Deed, string, error)

	noteErr error // of Note
	noted   []chat.Deed
}

func (f *fakeDesk) Report(_ context.Context, from chat.UserID, about chat.ReportTarget, reason, detail string) (chat.Report, error) {
	return f.report(from, about, reason, detail)
}

func (f *fakeDesk) Reports(_ context.Context, open bool, cursor string, limit int) ([]chat.Report, string, error) {
	return f.reports(open, cursor, limit)
}

func (f *fakeDesk) Resolve(_ context.Context, by chat.UserID, id string) error {
	return f.resolve(by, id)
}

func (f *fakeDesk) Note(_ context.Context, d chat.Deed) error {
	if f.noteErr == nil {
		f.noted = append(f.noted, d)
	}
	return f.noteErr
}

func (f *fakeDesk) Deeds(_ context.Context, cursor string, limit int) ([]chat.Deed, string, error) {
	return f.deeds(cursor, limit)
}

// fakeHooks has what a test says.
type fakeHooks struct {
	list  func(dead bool, cursor string, limit int) ([]chat.Hook, string, error)
	retry func(id string) error
}

func (f *fakeHooks) Hooks(_ context.Context, dead bool, cursor string, limit int) ([]chat.Hook, string, error) {
	return f.list(dead, cursor, limit)
}

func (f *fakeHooks) Retry(_ context.Context, id string) error { return f.retry(id) }
