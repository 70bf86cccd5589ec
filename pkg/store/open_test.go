package store

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/testserver"
)

func TestOpenRefusesWhatIsNoDatabase(t *testing.T) {
	for _, url := range []string{
		"", "postgres://u:secret@h/db", "mysql://", "mysql://u:secret@h", "mysql://u:secret@h/", "mysql://u:se cret%zz@h/db",
		"mysql://u:secret#@h:x/db", "mysql://u:secret@h/db?timeout=secret", "sqlite://", "sqlite://%zz", "sqlite:///a%00b",
	} {
		db, err := Open(context.Background(), url, Options{})
		if err == nil {
			db.Close()
			t.Errorf("%q was accepted", url)
			continue
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error tells the password: %v", url, err)
		}
	}
}

func TestMySQLURL(t *testing.T) {
	c, err := mysqlConfig("mysql://bob:p%40ss%2Fw%3Ard@db.example/chat?tls=skip-verify&readTimeout=3s&multiStatements=true&parseTime=false")
	if err != nil {
		t.Fatal(err)
	}
	if c.User != "bob" || c.Passwd != "p@ss/w:rd" || c.Addr != "db.example:3306" || c.DBName != "chat" {
		t.Errorf("user %q, password %q, address %q, name %q", c.User, c.Passwd, c.Addr, c.DBName)
	}
	if c.TLSConfig != "skip-verify" || c.ReadTimeout != 3*time.Second || c.Timeout != dialWithin {
		t.Errorf("tls %q, read timeout %v, timeout %v", c.TLSConfig, c.ReadTimeout, c.Timeout)
	}
	if c.MultiStatements || !c.ParseTime {
		t.Error("a parameter of the URL overrides what the store relies on")
	}
}

func TestSQLitePathsAreTakenLiterally(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub dir", "a?b#c&d.db")
	url := "sqlite://" + strings.NewReplacer("?", "%3F", "#", "%23", " ", "%20").Replace(path)
	db := openFor(t, url)
	if err := db.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestSessionIsSetUp(t *testing.T) {
	db := openFor(t, testserver.Database(t))
	var isolation, zone, mode string
	err := db.bun.NewRaw("SELECT @@tx_isolation, @@time_zone, @@sql_mode").Scan(context.Background(), &isolation, &zone, &mode)
	if err != nil {
		t.Fatal(err)
	}
	if isolation != "READ-COMMITTED" || zone != "+00:00" || !strings.Contains(mode, "STRICT_ALL_TABLES") {
		t.Error(isolation, zone, mode)
	}
}

// A database that is away is unavailable, soon, and comes back by itself.
func TestDatabaseAwayAndBack(t *testing.T) {
	server := testserver.MariaDB(t)
	db := openFor(t, server.URL())
	ctx := context.Background()
	if err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	if kind := chat.KindOf(db.Ping(ctx)); kind != chat.Unavailable {
		t.Errorf("killed: %q", kind)
	}
	server.Start()
	if err := db.Ping(ctx); err != nil {
		t.Error("back:", err)
	}
	server.Pause()
	short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	if kind := chat.KindOf(db.Ping(short)); kind != chat.Unavailable {
		t.Errorf("frozen: %q", kind)
	}
	if took := time.Since(began); took > askWithin-time.Second {
		t.Errorf("frozen: answered after %v", took)
	}
	server.Resume()
	if err := db.Ping(ctx); err != nil {
		t.Error("thawed:", err)
	}
}

func TestClosedDatabaseIsUnavailable(t *testing.T) {
	eachDialect(t, func(t *testing.T, db *DB) {
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if kind := chat.KindOf(db.Ping(context.Background())); kind != chat.Unavailable {
			t.Error(kind)
		}
	})
}

// A new file is made by whoever comes first, and those who come at the same time
// wait for it.
func TestOpeningANewFileTogether(t *testing.T) {
	for range 20 {
		url := "sqlite://" + filepath.Join(t.TempDir(), "new.db")
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				db, err := Open(context.Background(), url, Options{})
				if err != nil {
					t.Error(err)
					return
				}
				db.Close()
			})
		}
		all.Wait()
	}
}
