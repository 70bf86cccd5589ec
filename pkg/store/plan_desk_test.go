package store

import (
	"context"
	"errors"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

func ofTheDesk(db *DB) []question {
	reports, audit, hooks := NewReports(db), NewAudit(db), NewHooks(db)
	return []question{
		{"complaints", "reports.open_new users.PRIMARY", func(ctx context.Context) error {
			list, err := reports.List(ctx, true, "", 50)
			if err != nil {
				return err
			}
			return failed(reports.List(ctx, false, list[len(list)-1].ID, 50))
		}},
		{"complain of a person", "users.PRIMARY", func(ctx context.Context) error {
			return failed(reports.Add(ctx, chat.Report{ID: "r1", From: chat.Person{ID: one}, Target: chat.ReportTarget{User: two}, CreatedAt: time.Now()}))
		}},
		{"complain of a room", "members.PRIMARY conversations.PRIMARY", func(ctx context.Context) error {
			return failed(reports.Add(ctx, chat.Report{ID: "r3", From: chat.Person{ID: one}, Target: chat.ReportTarget{Room: chat.Lobby}, CreatedAt: time.Now()}))
		}},
		{"complain of a message", "members.PRIMARY messages.PRIMARY", func(ctx context.Context) error {
			about := chat.ReportTarget{Conversation: "d2", Seq: 1}
			return failed(reports.Add(ctx, chat.Report{ID: "r2", From: chat.Person{ID: one}, Target: about, CreatedAt: time.Now()}))
		}},
		{"close a complaint", "", func(ctx context.Context) error { return reports.Resolve(ctx, "r1", one, time.Now()) }},
		{"the log", "audit.PRIMARY", func(ctx context.Context) error {
			list, err := audit.List(ctx, "", 50)
			if err != nil {
				return err
			}
			return failed(audit.List(ctx, list[len(list)-1].ID, 50))
		}},
		{"hooks that are due", "hooks.due_at hooks.user_new", func(ctx context.Context) error { return failed(hooks.Due(ctx, time.Now(), 16)) }},
		{"hooks", "hooks.due_at", func(ctx context.Context) error {
			list, err := hooks.List(ctx, true, "", 50)
			if err != nil {
				return err
			}
			return errors.Join(failed(hooks.List(ctx, false, list[len(list)-1].ID, 50)), failed(hooks.List(ctx, true, list[len(list)-1].ID, 50)))
		}},
		{"how many hooks", "hooks.due_at", func(ctx context.Context) error {
			_, _, err := hooks.Count(ctx)
			return err
		}},
		{"hooks given up long ago", "hooks.due_at hooks.PRIMARY", func(ctx context.Context) error { return hooks.Forget(ctx, longAgo) }},
		{"what becomes of a hook", "hooks.PRIMARY", func(ctx context.Context) error {
			list, err := hooks.List(ctx, false, "", 2)
			if err != nil {
				return err
			}
			return errors.Join(
				hooks.Failed(ctx, list[0].ID, time.Time{}, 10, "answered 500"), hooks.Retry(ctx, list[0].ID, time.Now()), hooks.Posted(ctx, list[1].ID),
				failed(hooks.missing(ctx, []hookRow{{ID: list[0].ID}})))
		}},
		{"the lease", "leases.PRIMARY", func(ctx context.Context) error {
			return errors.Join(failed(hooks.Hold(ctx, "n1", time.Now(), time.Now().Add(time.Minute))), failed(hooks.Hold(ctx, "n2", time.Now(), time.Now())))
		}},
	}
}
