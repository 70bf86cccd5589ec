// Package storetest lends tests an empty database of each dialect, and holds
// the suite that the store has to pass on both.
package storetest

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/tieline/tieline/pkg/store"
	"github.com/tieline/tieline/pkg/testserver"
)

// Each runs a test as "sqlite" and as "mariadb", each time with an empty
// database that has the schema.
func Each(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("mariadb", func(t *testing.T) { test(t, MariaDB(t)) })
}

// SQLite returns an empty SQLite database.
func SQLite(t testing.TB) *store.DB {
	t.Helper()
	return Open(t, "sqlite://"+filepath.Join(t.TempDir(), "tieline.db"))
}

// MariaDB returns an empty database of the server that the tests share.
func MariaDB(t testing.TB) *store.DB {
	t.Helper()
	return Open(t, testserver.Database(t))
}

// Open opens a database, brings its schema up to date, and closes it with the
// test. Another Open of the same URL is another node.
func Open(t testing.TB, databaseURL string) *store.DB {
	t.Helper()
	return OpenWith(t, databaseURL, store.Options{})
}

// OpenWith is Open with options.
func OpenWith(t testing.TB, databaseURL string, o store.Options) *store.DB {
	t.Helper()
	ctx := context.Background()
	o.Log = slog.New(slog.DiscardHandler)
	db, err := store.Open(ctx, databaseURL, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	return db
}
