package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/tieline/tieline/sql/migrations"
	"github.com/uptrace/bun"
)

// How long migrations may take if the caller sets no deadline, and how long one
// question for their lock waits.
const (
	migrateWithin = 10 * time.Minute
	lockWait      = 5 // seconds
)

// Migrate brings the schema up to date. Several processes may do so at once: one
// works, the others wait for it. One that dies half-way holds nobody up, and the
// next continues where it stopped.
func (db *DB) Migrate(ctx context.Context) error {
	ctx, cancel := within(ctx, migrateWithin)
	defer cancel()
	all, err := migrations.For(db.Dialect())
	if err != nil {
		return fail("store.migrate", err)
	}
	// Nothing to do is the common case, and needs no right to change tables.
	if rest, err := pending(ctx, db.bun.DB, all); err == nil && len(rest) == 0 {
		return nil
	}
	if db.isMySQL() {
		err = db.migrateMySQL(ctx, all)
	} else {
		err = db.migrateSQLite(ctx, all)
	}
	return fail("store.migrate", err)
}

// asker is what *sql.DB, *sql.Conn and *sql.Tx have in common here.
type asker interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// pending returns the migrations that are not noted as applied, in order.
func pending(ctx context.Context, q asker, all []migrations.Migration) ([]migrations.Migration, error) {
	rows, err := q.QueryContext(ctx, "SELECT name FROM migrations")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	applied := make(map[string]bool)
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		applied[name] = true
	}
	var rest []migrations.Migration
	for _, m := range all {
		if !applied[m.Name] {
			rest = append(rest, m)
		}
	}
	return rest, rows.Err()
}

// apply runs one migration and notes it.
func (db *DB) apply(ctx context.Context, q asker, m migrations.Migration) error {
	if _, err := q.ExecContext(ctx, m.SQL); err != nil && !appliedBefore(err) {
		return fmt.Errorf("migration %s: %w", m.Name, err)
	}
	at := time.Now().UTC().Format("2006-01-02 15:04:05.000000")
	if _, err := q.ExecContext(ctx, "INSERT INTO migrations (name, applied_at) VALUES (?, ?)", m.Name, at); err != nil {
		return fmt.Errorf("migration %s: %w", m.Name, err)
	}
	db.log.Info("schema migrated", "migration", m.Name)
	return nil
}

// appliedBefore reports whether a DDL statement failed because it was done
// before: by a process that died before it could note so. (A file is one
// statement there.)
func appliedBefore(err error) bool {
	var my *mysql.MySQLError
	if !errors.As(err, &my) {
		return false
	}
	switch my.Number {
	case 1050, 1060, 1061, 1091: // table, column, key exists; column or key to drop does not
		return true
	}
	return false
}

// migrateMySQL works on one connection of its own, without the pool's deadline
// for reading, because changing a large table takes its time. The lock belongs to
// that connection, so it goes when the process does; wait_timeout ends it also
// when the whole machine vanished without a word.
func (db *DB) migrateMySQL(ctx context.Context, all []migrations.Migration) (err error) {
	config := db.mysql.Clone()
	config.ReadTimeout = 0
	pool, err := mysqlPool(config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := lockMigrations(ctx, conn); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS migrations (
  name       VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  applied_at DATETIME(6)  NOT NULL,
  PRIMARY KEY (name)
) ENGINE=InnoDB`)
	if err != nil {
		return err
	}
	rest, err := pending(ctx, conn, all)
	if err != nil {
		return err
	}
	for _, m := range rest {
		if err := db.apply(ctx, conn, m); err != nil {
			return err
		}
	}
	return nil
}

// lockMigrations waits until this connection has the lock of this database's
// schema; it is given back when the connection closes.
func lockMigrations(ctx context.Context, conn *sql.Conn) error {
	if _, err := conn.ExecContext(ctx, "SET SESSION wait_timeout = 60"); err != nil {
		return err
	}
	for {
		var got sql.NullInt64
		err := conn.QueryRowContext(ctx,
			"SELECT GET_LOCK(CONCAT('tieline:', LEFT(SHA2(DATABASE(), 256), 40)), ?)", lockWait).Scan(&got)
		switch {
		case err != nil:
			return err
		case got.Int64 == 1:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		}
	}
}

// migrateSQLite applies everything in one transaction, which takes the file's
// write lock.
func (db *DB) migrateSQLite(ctx context.Context, all []migrations.Migration) error {
	return db.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.Tx.ExecContext(ctx,
			"CREATE TABLE IF NOT EXISTS migrations (name TEXT NOT NULL PRIMARY KEY, applied_at DATETIME NOT NULL)")
		if err != nil {
			return err
		}
		rest, err := pending(ctx, tx.Tx, all)
		if err != nil {
			return err
		}
		for _, m := range rest {
			if err := db.apply(ctx, tx.Tx, m); err != nil {
				return err
			}
		}
		return nil
	})
}
