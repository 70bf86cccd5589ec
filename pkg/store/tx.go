package store

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/uptrace/bun"
)

// How often a transaction that lost to another one is run again, and how long
// it waits before: between half and all of the pause, which doubles each time.
const (
	maxAttempts = 12
	firstPause  = 2 * time.Millisecond
	maxPause    = 200 * time.Millisecond
)

// inTx runs fn in a transaction, which is committed if fn returns nil. One that
// the database gave up because of another (a deadlock, a lock not had in time,
// a busy SQLite file) is run again from its beginning, so fn must set anew
// whatever it sets outside itself. fn must not use db itself: SQLite has one
// connection. Errors of fn are returned as they are, those of the database itself
// through fail.
func (db *DB) inTx(ctx context.Context, fn func(ctx context.Context, tx bun.Tx) error) error {
	ctx, cancel := within(ctx, askWithin)
	defer cancel()
	return fail("store.tx", untilWon(ctx, func() error { return db.bun.RunInTx(ctx, nil, fn) }))
}

// untilWon does something again that lost to somebody else, a number of times.
func untilWon(ctx context.Context, do func() error) error {
	pause := firstPause
	for attempt := 1; ; attempt++ {
		err := do()
		if err == nil || attempt == maxAttempts || !lostRace(err) {
			return err
		}
		wait := time.NewTimer(pause/2 + rand.N(pause/2+1))
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return err
		}
		pause = min(2*pause, maxPause)
	}
}

// query runs fn, which reads or does one statement, within a deadline. op names
// what is being done, for the log.
func (db *DB) query(ctx context.Context, op string, fn func(ctx context.Context, q bun.IDB) error) error {
	ctx, cancel := within(ctx, askWithin)
	defer cancel()
	return fail(op, fn(ctx, db.bun))
}

// change is inTx with a name for the log.
func (db *DB) change(ctx context.Context, op string, fn func(ctx context.Context, tx bun.Tx) error) error {
	return fail(op, db.inTx(ctx, fn))
}
