package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/hook"
	"github.com/uptrace/bun"
)

// Hooks keeps what a program of the operator's is to be told of.
type Hooks struct{ db *DB }

// NewHooks returns the repository of hooks.
func NewHooks(db *DB) *Hooks { return &Hooks{db} }

type hookRow struct {
	bun.BaseModel `bun:"table:hooks,alias:hk"`

	ID        string        `bun:"id,pk"`
	UserID    chat.UserID   `bun:"user_id"`
	Name      chat.HookName `bun:"name"`
	Body      string        `bun:"body"`
	CreatedAt time.Time     `bun:"created_at"`
	DueAt     time.Time     `bun:"due_at,nullzero"` // nothing: given up
	Attempts  int           `bun:"attempts"`
	Error     string        `bun:"error"`
}

func newHookRow(h *chat.Hook) hookRow {
	return hookRow{
		ID: h.ID, UserID: h.User, Name: h.Name, Body: h.Body, CreatedAt: micro(h.CreatedAt), DueAt: micro(h.DueAt),
		Attempts: h.Attempts, Error: h.Error,
	}
}

func (r *hookRow) hook() chat.Hook {
	return chat.Hook{
		ID: r.ID, User: r.UserID, Name: r.Name, Body: r.Body, CreatedAt: r.CreatedAt.UTC(), DueAt: r.DueAt.UTC(),
		Attempts: r.Attempts, Error: r.Error,
	}
}

// hooksChunk is how many hooks one statement handles.
const hooksChunk = 500

// putHook adds a hook to the transaction of what it tells of, where somebody
// wants to be told.
func (db *DB) putHook(ctx context.Context, tx bun.Tx, make func() chat.Hook) error {
	if !db.hooks {
		return nil
	}
	h := make()
	row := newHookRow(&h)
	_, err := tx.NewInsert().Model(&row).Exec(ctx)
	return err
}

// Absent keeps a hook for each message that came while somebody was away, once,
// however often it is told of.
func (s *Hooks) Absent(ctx context.Context, all []chat.Absence) error {
	for some := range slices.Chunk(all, hooksChunk) {
		rows := make([]hookRow, len(some))
		for i, a := range some {
			h := hook.Missed(a)
			rows[i] = newHookRow(&h)
		}
		if err := s.add(ctx, rows); err != nil {
			return err
		}
	}
	return nil
}

// Changed keeps a hook for each person whose presence has changed.
func (s *Hooks) Changed(ctx context.Context, now map[chat.UserID]chat.Presence) error {
	var rows []hookRow
	for u, p := range now {
		h := hook.Changed(u, p)
		rows = append(rows, newHookRow(&h))
	}
	for some := range slices.Chunk(rows, hooksChunk) {
		if err := s.add(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

// addTries is how often others may add some of the same hooks meanwhile.
const addTries = 5

// add adds those hooks that are not there.
func (s *Hooks) add(ctx context.Context, rows []hookRow) (err error) {
	for range addTries {
		err = s.db.query(ctx, "store.add_hooks", func(ctx context.Context, q bun.IDB) error {
			_, err := q.NewInsert().Model(&rows).Exec(ctx)
			return err
		})
		if duplicate(err) == "" {
			return err
		}
		if rows, err = s.missing(ctx, rows); err != nil || len(rows) == 0 {
			return err
		}
	}
	return err
}

// missing returns those rows that are not there.
func (s *Hooks) missing(ctx context.Context, rows []hookRow) ([]hookRow, error) {
	ids := make([]string, len(rows))
	for i := range rows {
		ids[i] = rows[i].ID
	}
	var there []string
	err := s.db.query(ctx, "store.hooks_there", func(ctx context.Context, q bun.IDB) error {
		return q.NewSelect().Table("hooks").Column("id").Where("id IN (?)", bun.List(ids)).Scan(ctx, &there)
	})
	return slices.DeleteFunc(rows, func(r hookRow) bool { return slices.Contains(there, r.ID) }), err
}

// Hold takes the lease of posting, or renews it; false while another has it.
func (s *Hooks) Hold(ctx context.Context, holder string, at, until time.Time) (bool, error) {
	return s.db.lease(ctx, "hooks", holder, at, until)
}

// Due returns hooks to be tried by now, the longest due first: of each user none
// but the first that waits, so that no later one overtakes it.
func (s *Hooks) Due(ctx context.Context, at time.Time, limit int) ([]chat.Hook, error) {
	return s.list(ctx, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("hk.due_at <= ?", micro(at)).
			Where("NOT EXISTS (SELECT 1 FROM hooks AS h2 WHERE h2.user_id = hk.user_id AND h2.id < hk.id AND h2.due_at IS NOT NULL)").
			Order("hk.due_at ASC").Limit(int64(limit))
	})
}

// Posted forgets a hook.
func (s *Hooks) Posted(ctx context.Context, id string) error {
	return s.db.query(ctx, "store.posted", func(ctx context.Context, q bun.IDB) error {
		_, err := q.NewDelete().Table("hooks").Where("id = ?", id).Exec(ctx)
		return err
	})
}

// maxHookError is how many bytes are kept of why an attempt failed.
const maxHookError = 200

// Failed notes what came of an attempt, and when to try again; zero: never.
func (s *Hooks) Failed(ctx context.Context, id string, due time.Time, attempts int, why string) error {
	why = why[:min(len(why), maxHookError)]
	row := hookRow{ID: id, DueAt: micro(due), Attempts: attempts, Error: strings.ToValidUTF8(why, "")}
	return s.db.query(ctx, "store.hook_failed", func(ctx context.Context, q bun.IDB) error {
		_, err := q.NewUpdate().Model(&row).ModelTableExpr("hooks").Column("due_at", "attempts", "error").Where("id = ?", id).Exec(ctx)
		return err
	})
}

// countMost is where counting hooks ends.
const countMost = 10_000

// Count returns how many hooks wait and how many were given up, up to countMost.
func (s *Hooks) Count(ctx context.Context) (waiting, dead int, err error) {
	err = s.db.query(ctx, "store.count_hooks", func(ctx context.Context, q bun.IDB) (err error) {
		count := func(which string) (n int64, err error) {
			some := q.NewSelect().Table("hooks").ColumnExpr("1").Where(which).Limit(countMost)
			n, err = q.NewSelect().TableExpr("(?) AS counted", some).Count(ctx)
			return n, err
		}
		w, err := count("due_at IS NOT NULL")
		if err != nil {
			return err
		}
		d, err := count("due_at IS NULL")
		waiting, dead = int(w), int(d)
		return err
	})
	return waiting, dead, err
}

// List returns hooks with an id less than before ("": all), newest first: those
// that were given up, or those that wait.
func (s *Hooks) List(ctx context.Context, dead bool, before string, limit int) ([]chat.Hook, error) {
	return s.list(ctx, func(q *bun.SelectQuery) *bun.SelectQuery {
		if dead {
			q.Where("due_at IS NULL")
		} else {
			q.Where("due_at IS NOT NULL")
		}
		if before != "" {
			q.Where("id < ?", before)
		}
		return q.Order("id DESC").Limit(int64(limit))
	})
}

// Forget deletes some of the hooks that were given up and made before a time.
func (s *Hooks) Forget(ctx context.Context, before time.Time) error {
	old, err := s.list(ctx, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Column("id").Where("due_at IS NULL").Where("id < ?", chat.IDAt(before)).Order("id ASC").Limit(hooksChunk)
	})
	if err != nil || len(old) == 0 {
		return err
	}
	ids := make([]string, len(old))
	for i := range old {
		ids[i] = old[i].ID
	}
	return s.db.query(ctx, "store.forget_hooks", func(ctx context.Context, q bun.IDB) error {
		_, err := q.NewDelete().Table("hooks").Where("id IN (?)", bun.List(ids)).Where("due_at IS NULL").Exec(ctx)
		return err
	})
}

// Retry has a hook tried anew, as if it had not been before. NotFound.
func (s *Hooks) Retry(ctx context.Context, id string, due time.Time) error {
	return s.db.change(ctx, "store.retry_hook", func(ctx context.Context, tx bun.Tx) error {
		there, err := tx.NewSelect().Table("hooks").Where("id = ?", id).Exists(ctx)
		if err != nil {
			return err
		}
		if !there {
			return chat.E("store.retry_hook", chat.NotFound, nil)
		}
		_, err = tx.NewUpdate().Table("hooks").Set("due_at = ?", micro(due)).Set("attempts = 0").Where("id = ?", id).Exec(ctx)
		return err
	})
}

func (s *Hooks) list(ctx context.Context, which func(*bun.SelectQuery) *bun.SelectQuery) ([]chat.Hook, error) {
	var rows []hookRow
	err := s.db.query(ctx, "store.hooks", func(ctx context.Context, q bun.IDB) error {
		return which(q.NewSelect().Model(&rows)).Scan(ctx)
	})
	out := make([]chat.Hook, len(rows))
	for i := range rows {
		out[i] = rows[i].hook()
	}
	return out, err
}
