package store

import (
	"context"
	"fmt"
	"path/filepath"
	"reflect"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/testserver"
	"github.com/tieline/tieline/sql/migrations"
)

// Several nodes start at once: each migration is applied once, nobody fails.
func TestMigrateFromSeveralNodesAtOnce(t *testing.T) {
	for name, url := range map[string]string{
		"sqlite":  "sqlite://" + filepath.Join(t.TempDir(), "tieline.db"),
		"mariadb": testserver.Database(t),
	} {
		t.Run(name, func(t *testing.T) {
			var wg sync.WaitGroup
			for range 6 {
				wg.Go(func() {
					db := openFor(t, url)
					if err := db.Migrate(context.Background()); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			checkMigrated(t, openFor(t, url))
		})
	}
}

func checkMigrated(t *testing.T, db *DB) {
	t.Helper()
	all, err := migrations.For(db.Dialect())
	if err != nil {
		t.Fatal(err)
	}
	var noted, lobbies int
	if err := db.bun.NewRaw("SELECT COUNT(*) FROM migrations").Scan(context.Background(), &noted); err != nil {
		t.Fatal(err)
	}
	if err := db.bun.NewRaw("SELECT COUNT(*) FROM conversations").Scan(context.Background(), &lobbies); err != nil {
		t.Fatal(err)
	}
	if noted != len(all) || lobbies != 1 {
		t.Errorf("%d of %d migrations noted, %d lobbies", noted, len(all), lobbies)
	}
}

// A process that dies between a statement and its note leaves the next one to
// find everything there already.
func TestMigrateContinuesAfterACrash(t *testing.T) {
	ctx := context.Background()
	db := openFor(t, testserver.Database(t))
	if err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := db.bun.ExecContext(ctx, "DELETE FROM migrations WHERE name >= '0004'"); err != nil {
		t.Fatal(err)
	}
	if err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	checkMigrated(t, db)
}

// A node that was killed while it migrated holds nobody up: its lock goes with
// its connection.
func TestMigrateAfterAKilledNode(t *testing.T) {
	url := testserver.Database(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	dying := openFor(t, url)
	conn, err := dying.bun.DB.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := lockMigrations(ctx, conn); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	other := openFor(t, url)
	go func() { done <- other.Migrate(ctx) }()
	select {
	case err := <-done:
		t.Fatal("did not wait for the lock:", err)
	case <-time.After(300 * time.Millisecond):
	}
	if err := conn.Close(); err != nil { // gives the connection back to the pool …
		t.Fatal(err)
	}
	if err := dying.Close(); err != nil { // … and this cuts it, as a kill does
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	checkMigrated(t, other)
}

// Both dialects have the same migrations, and they lead to the same tables.
func TestBothDialectsHaveTheSameTables(t *testing.T) {
	var names [2][]string
	for i, dialect := range []string{"mysql", "sqlite"} {
		all, err := migrations.For(dialect)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range all {
			names[i] = append(names[i], m.Name)
		}
	}
	if !reflect.DeepEqual(names[0], names[1]) {
		t.Fatalf("mysql %v\nsqlite %v", names[0], names[1])
	}
	tables := make(map[string][]string)
	eachDialect(t, func(t *testing.T, db *DB) {
		query := "SELECT m.name || '.' || p.name || ' ' || p.\"notnull\" FROM sqlite_master m, pragma_table_info(m.name) p WHERE m.type = 'table'"
		if db.isMySQL() {
			query = "SELECT CONCAT(table_name, '.', column_name, ' ', is_nullable = 'NO') FROM information_schema.columns WHERE table_schema = DATABASE()"
		}
		var columns []string
		if err := db.bun.NewRaw(query).Scan(context.Background(), &columns); err != nil {
			t.Fatal(err)
		}
		sort.Strings(columns)
		tables[db.Dialect()] = columns
	})
	if a, b := strings.Join(tables["mysql"], "\n"), strings.Join(tables["sqlite"], "\n"); a != b || a == "" {
		t.Errorf("mysql\n%s\n\nsqlite\n%s", a, b)
	}
}

// MySQL commits at every DDL statement, so there a file holds one.
func TestMySQLMigrationsAreSingleStatements(t *testing.T) {
	all, err := migrations.For("mysql")
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range all {
		if strings.Contains(m.SQL, ";") {
			t.Errorf("%s: more than one statement, or a semicolon at its end", m.Name)
		}
		if want := fmt.Sprintf("%04d_", i+1); !strings.HasPrefix(m.Name, want) {
			t.Errorf("%s: want number %s", m.Name, want)
		}
	}
}
