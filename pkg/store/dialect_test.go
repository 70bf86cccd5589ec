package store

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tieline/tieline/pkg/testserver"
)

// eachDialect runs a test on an empty, migrated database of each dialect.
func eachDialect(t *testing.T, test func(t *testing.T, db *DB)) {
	t.Helper()
	for name, url := range map[string]func(*testing.T) string{
		"sqlite":  func(t *testing.T) string { return "sqlite://" + filepath.Join(t.TempDir(), "tieline.db") },
		"mariadb": func(t *testing.T) string { return testserver.Database(t) },
	} {
		t.Run(name, func(t *testing.T) {
			db := openFor(t, url(t))
			if err := db.Migrate(context.Background()); err != nil {
				t.Fatal(err)
			}
			test(t, db)
		})
	}
}

// openFor opens a database that closes with the test.
func openFor(t testing.TB, url string) *DB {
	t.Helper()
	db, err := Open(context.Background(), url, Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// Whatever a client writes comes back as it was, NUL and quotes included.
func TestStringsComeBackAsTheyWere(t *testing.T) {
	texts := []string{
		"", "plain", "it's", `back\slash`, `\0`, "nul\x00nul", "\x00", "'\x00'", "\x00\\'\x00\x00", "?", "a ? b :c",
		"漢字 and 😀", strings.Repeat("x\x00", 100), "\u202e", "line\r\n\tbreak", "--x;/*",
	}
	eachDialect(t, func(t *testing.T, db *DB) {
		for _, want := range texts {
			var got string
			if err := db.bun.NewRaw("SELECT ?", want).Scan(context.Background(), &got); err != nil {
				t.Fatalf("%q: %v", want, err)
			}
			if got != want {
				t.Errorf("%q came back as %q", want, got)
			}
		}
	})
}

// FuzzLiterals looks for a string that leaves its literal.
func FuzzLiterals(f *testing.F) {
	for _, s := range []string{"", "a'b", "\x00", `\`, "'\x00\\", "\xff"} {
		f.Add(s)
	}
	db := openFor(f, "sqlite://"+filepath.Join(f.TempDir(), "tieline.db"))
	my := newMySQLDialect()
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			s = strings.ToValidUTF8(s, "\ufffd")
		}
		var got string
		if err := db.bun.NewRaw("SELECT ?", s).Scan(context.Background(), &got); err != nil || got != s {
			t.Fatalf("sqlite: %q came back as %q, %v", s, got, err)
		}
		if got := unquoteMySQL(t, string(my.AppendString(nil, s))); got != s {
			t.Fatalf("mysql: %q would come back as %q", s, got)
		}
	})
}

// unquoteMySQL reads a literal as the server does, and fails if it ends early.
func unquoteMySQL(t *testing.T, lit string) string {
	t.Helper()
	if len(lit) < 2 || lit[0] != '\'' || lit[len(lit)-1] != '\'' {
		t.Fatalf("not a literal: %q", lit)
	}
	var b strings.Builder
	for in := lit[1 : len(lit)-1]; in != ""; {
		switch {
		case strings.HasPrefix(in, "''"):
			b.WriteByte('\'')
			in = in[2:]
		case strings.HasPrefix(in, `\\`):
			b.WriteByte('\\')
			in = in[2:]
		case strings.HasPrefix(in, `\0`):
			b.WriteByte(0)
			in = in[2:]
		case in[0] == '\'' || in[0] == '\\':
			t.Fatalf("literal ends early: %q", lit)
		default:
			b.WriteByte(in[0])
			in = in[1:]
		}
	}
	return b.String()
}
