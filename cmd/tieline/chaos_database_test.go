//go:build chaos

package main_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/tieline/tieline/pkg/chat"
)

// The database fails under load, in every way that we know how to bring about.
// Sends are refused for now and in no other way, nothing is kept by half, and
// soon after its end all goes on: whatever was said is kept once and heard once.

func TestChaosDatabaseRestarted(t *testing.T) {
	withstands(t, "the server is killed and started", func(l *load) {
		for range 3 {
			l.s.Database.Kill()
			l.IsRefused(20)
			l.s.Database.Start()
		}
	}, ordinaryUser())
}

func TestChaosDatabaseConnectionsKilled(t *testing.T) {
	withstands(t, "all connections are killed, again and again", func(l *load) {
		killed := 0
		for killed < 40 {
			l.asRoot(func(ctx context.Context, db *sql.DB) error {
				n, err := killConnections(ctx, db)
				killed += n
				return err
			})
		}
		l.t.Logf("%d connections killed", killed)
	}, ordinaryUser())
}

// killConnections ends all connections of the nodes, whatever they are doing.
func killConnections(ctx context.Context, db *sql.DB) (int, error) {
	rows, err := db.QueryContext(ctx, "SELECT id FROM information_schema.processlist WHERE user = 'tieline'")
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return 0, err
		}
		ids = append(ids, id)
	}
	for _, id := range ids {
		_, err := db.ExecContext(ctx, fmt.Sprint("KILL ", id))
		var my *mysql.MySQLError
		if errors.As(err, &my) && my.Number == 1094 { // it had ended by itself
			err = nil
		}
		if err != nil {
			return 0, err
		}
	}
	return len(ids), rows.Err()
}

// Somebody keeps a conversation's row for longer than a transaction waits. It
// costs that conversation, and nobody else's.
func TestChaosDatabaseRowLocked(t *testing.T) {
	withstands(t, "a conversation's row is locked", func(l *load) {
		l.asRoot(func(ctx context.Context, db *sql.DB) error {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			defer tx.Rollback()
			id := chat.DirectID(l.crowd.members[0].user, l.crowd.members[1].user)
			if _, err := tx.ExecContext(ctx, "UPDATE conversations SET created_at = created_at + INTERVAL 1 SECOND WHERE id = ?", string(id)); err != nil {
				return err
			}
			l.IsRefused(5)
			for range 3 {
				l.Flows()
			}
			l.IsRefused(5)
			return nil
		})
	}, ordinaryUser())
}

// Somebody locks conversations in an order of his own.
func TestChaosDatabaseDeadlocks(t *testing.T) {
	withstands(t, "deadlocks for 5 s", func(l *load) {
		before := l.deadlocks()
		ids := l.busiest(24)
		ctx, cancel := context.WithTimeout(l.ctx, 5*time.Second)
		defer cancel()
		var lockers sync.WaitGroup
		for range 2 {
			lockers.Go(func() { l.locksBackwards(ctx, ids) })
		}
		lockers.Wait()
		n := l.deadlocks() - before
		l.t.Logf("%d deadlocks", n)
		if n == 0 {
			l.t.Error("there was no deadlock")
		}
	}, ordinaryUser())
}

// locksBackwards takes the rows in the order opposite to the nodes', again and
// again.
func (l *load) locksBackwards(ctx context.Context, ids []chat.ConversationID) {
	db := l.rootDB()
	defer db.Close()
	for ctx.Err() == nil {
		tx, err := db.BeginTx(ctx, nil)
		for i := 0; err == nil && i < len(ids); i++ {
			_, err = tx.ExecContext(ctx, "UPDATE conversations SET created_at = created_at + INTERVAL 1 SECOND WHERE id = ?", string(ids[i]))
		}
		var my *mysql.MySQLError
		if err != nil && ctx.Err() == nil && !(errors.As(err, &my) && my.Number == 1213) {
			l.t.Error("a lock was not had: ", err)
		}
		if tx != nil {
			tx.Rollback()
		}
	}
}

func (l *load) deadlocks() (n int) {
	l.asRoot(func(ctx context.Context, db *sql.DB) error {
		var name string
		return db.QueryRowContext(ctx, "SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'").Scan(&name, &n)
	})
	return n
}

// A failover that left the nodes with a server that takes no changes.
func TestChaosDatabaseReadOnly(t *testing.T) {
	withstands(t, "the server is read-only", func(l *load) {
		l.s.Database.Exec("SET GLOBAL read_only = 1")
		l.IsRefused(100)
		l.s.Database.Exec("SET GLOBAL read_only = 0")
	}, ordinaryUser())
}

func TestChaosDatabaseFull(t *testing.T) {
	withstands(t, "the disk is full", func(l *load) {
		l.t.Log(l.s.Database.FillDisk())
		l.IsRefused(100)
		l.s.Database.FreeDisk()
	}, onSmallDisk())
}

// withstands has a fault strike a cluster under load. Strike returns at the
// moment in which the fault is over.
func withstands(t *testing.T, fault string, strike func(*load), options ...storyOption) {
	s := newStory(t, append(options, nodes(2), setting("TIELINE_LOG_LEVEL", "warn"))...)
	alice, bob := s.User("alice"), s.User("bob")
	one, other := alice.On("n1"), bob.On("n2")
	alice.Says(bob, "before")
	bob.Says(alice, "before")
	l := s.Load(t)
	strike(l)
	over := time.Now()
	for _, d := range []*device{one, other} {
		d.Within(soon).Says(alice, "after") // recovery is what is wanted; a busy machine takes longer
	}
	recovered := time.Since(over)
	s.awaits(soon)
	l.Flows()
	l.Ends()
	l.IsKept()
	lost, _ := l.crowd.lost()
	repeated, _ := l.crowd.repeated()
	t.Logf("figures: fault=%q sent=%d acknowledged=%d lost=%d repeated=%d recovered=%v refused=%v http=%v",
		fault, l.sent.Load(), l.crowd.count(), lost, repeated, recovered.Round(time.Millisecond), l.crowd.refused, l.statuses)
}

// asRoot runs what is done to the server.
func (l *load) asRoot(do func(ctx context.Context, db *sql.DB) error) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.ctx, startup)
	defer cancel()
	db := l.rootDB()
	defer db.Close()
	if err := do(ctx, db); err != nil {
		l.t.Fatal(err)
	}
}

func (l *load) rootDB() *sql.DB {
	l.t.Helper()
	db, err := sql.Open("mysql", "root@tcp("+l.s.Database.Addr()+")/tieline")
	if err != nil {
		l.t.Fatal(err)
	}
	return db
}

// busiest are the conversations in which most is said, greatest id first.
func (l *load) busiest(n int) (ids []chat.ConversationID) {
	l.t.Helper()
	l.asRoot(func(ctx context.Context, db *sql.DB) error {
		rows, err := db.QueryContext(ctx, "SELECT id FROM (SELECT id FROM conversations WHERE direct ORDER BY last_seq DESC LIMIT ?) busy ORDER BY id DESC", n)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id chat.ConversationID
			if err := rows.Scan(&id); err != nil {
				return err
			}
			ids = append(ids, id)
		}
		return rows.Err()
	})
	return ids
}
