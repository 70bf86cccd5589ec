package store

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/uptrace/bun"
)

// Read, think, write: eight at once lose no update, on either dialect.
func TestTransactionsDoNotLoseUpdates(t *testing.T) {
	eachDialect(t, func(t *testing.T, db *DB) {
		ctx := context.Background()
		const workers, each = 8, 25
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for range each {
					if err := db.inTx(ctx, bump(db)); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		var got int
		if err := db.bun.NewRaw("SELECT last_seq FROM conversations WHERE id = 'lobby'").Scan(ctx, &got); err != nil {
			t.Fatal(err)
		}
		if got != workers*each {
			t.Errorf("%d of %d updates are left", got, workers*each)
		}
	})
}

func bump(db *DB) func(context.Context, bun.Tx) error {
	read := "SELECT last_seq FROM conversations WHERE id = 'lobby'"
	if db.isMySQL() {
		read += " FOR UPDATE"
	}
	return func(ctx context.Context, tx bun.Tx) error {
		var n int
		if err := tx.NewRaw(read).Scan(ctx, &n); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "UPDATE conversations SET last_seq = ? WHERE id = 'lobby'", n+1)
		return err
	}
}

// Two transactions that lock two rows crosswise: one is the deadlock's victim
// and is run again.
func TestDeadlocksAreRunAgain(t *testing.T) {
	eachDialect(t, func(t *testing.T, db *DB) {
		ctx := context.Background()
		for _, id := range []string{"a", "b"} {
			_, err := db.bun.ExecContext(ctx, "INSERT INTO conversations (id, direct, created_at) VALUES (?, TRUE, '2026-01-01 00:00:00')", id)
			if err != nil {
				t.Fatal(err)
			}
		}
		var wg sync.WaitGroup
		for _, order := range [][]string{{"a", "b"}, {"b", "a"}} {
			wg.Go(func() {
				for range 50 {
					err := db.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
						for _, id := range order {
							if _, err := tx.ExecContext(ctx, "UPDATE conversations SET last_seq = last_seq + 1 WHERE id = ?", id); err != nil {
								return err
							}
						}
						return nil
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		var got []int
		if err := db.bun.NewRaw("SELECT last_seq FROM conversations WHERE id IN ('a', 'b')").Scan(ctx, &got); err != nil {
			t.Fatal(err)
		}
		if len(got) != 2 || got[0] != 100 || got[1] != 100 {
			t.Error(got)
		}
	})
}

func TestARefusedTransactionChangesNothing(t *testing.T) {
	eachDialect(t, func(t *testing.T, db *DB) {
		ctx := context.Background()
		refusal := chat.E("test", chat.Forbidden, nil)
		err := db.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			if _, err := tx.ExecContext(ctx, "UPDATE conversations SET last_seq = 7 WHERE id = 'lobby'"); err != nil {
				return err
			}
			return refusal
		})
		if !errors.Is(err, refusal) {
			t.Fatal(err)
		}
		var got int
		if err := db.bun.NewRaw("SELECT last_seq FROM conversations WHERE id = 'lobby'").Scan(ctx, &got); err != nil || got != 0 {
			t.Error(got, err)
		}
	})
}

// A command works on the same SQLite file as the node that is running.
func TestTwoProcessesOnOneSQLiteFile(t *testing.T) {
	url := "sqlite://" + filepath.Join(t.TempDir(), "tieline.db")
	ctx := context.Background()
	var wg sync.WaitGroup
	for range 3 {
		db := openFor(t, url)
		if err := db.Migrate(ctx); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			for range 50 {
				if err := db.inTx(ctx, bump(db)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	var got int
	if err := openFor(t, url).bun.NewRaw("SELECT last_seq FROM conversations WHERE id = 'lobby'").Scan(ctx, &got); err != nil || got != 150 {
		t.Error(got, err)
	}
}
