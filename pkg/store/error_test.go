package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/tieline/tieline/pkg/chat"
	"github.com/uptrace/bun"
)

func TestDuplicatesNameTheirKey(t *testing.T) {
	cases := []struct{ first, second, key string }{
		{"INSERT INTO cluster VALUES (1, 1, '', '2026-01-01 00:00:00')", "INSERT INTO cluster VALUES (1, 2, '', '2026-01-01 00:00:00')", "PRIMARY"},
		{message("c1", 1, "alice", "x"), message("c1", 1, "bob", "y"), "PRIMARY"},
		{message("c2", 1, "alice", "z"), message("c2", 2, "alice", "z"), "sender_id_client_id"},
		{user("u1", "ann", "NULL", "NULL"), user("u2", "ann", "NULL", "NULL"), "username_key"},
		{user("u3", "bob", "'b@x'", "NULL"), user("u4", "bert", "'b@x'", "NULL"), "email_key"},
		{user("u5", "cid", "NULL", "'+49'"), user("u6", "cis", "NULL", "'+49'"), "phone"},
	}
	eachDialect(t, func(t *testing.T, db *DB) {
		ctx := context.Background()
		for _, c := range cases {
			if _, err := db.bun.ExecContext(ctx, c.first); err != nil {
				t.Fatal(err)
			}
			_, err := db.bun.ExecContext(ctx, c.second)
			if got := duplicate(err); got != c.key {
				t.Errorf("want %s, have %q from %v", c.key, got, err)
			}
			err = fail("test", err)
			if got := duplicate(err); got != c.key || chat.KindOf(err) != chat.Conflict {
				t.Errorf("after fail: %q, %v", got, err)
			}
		}
	})
}

func message(conversation string, seq int, sender, client string) string {
	return fmt.Sprintf("INSERT INTO messages (conversation_id, seq, sender_id, client_id, digest, kind, body, mentions, at)"+
		" VALUES ('%s', %d, '%s', '%s', X'00112233445566778899aabbccddeeff', 'text', '', '', '2026-01-01 00:00:00')",
		conversation, seq, sender, client)
}

func user(id, key, email, phone string) string {
	return fmt.Sprintf("INSERT INTO users (id, username, username_key, nickname, nickname_key, sex, bio, avatar_url, email, email_key, phone,"+
		" theme, locale, admin, password_hash, login_seq, created_at)"+
		" VALUES ('%s', '%s', '%s', '', '', '', '', '', '', %s, %s, '', '', FALSE, '', 0, '2026-01-01 00:00:00')", id, key, key, email, phone)
}

func TestFailKinds(t *testing.T) {
	known := chat.E("op", chat.Blocked, nil)
	for err, want := range map[error]chat.Kind{
		nil:                                 "",
		known:                               chat.Blocked,
		fmt.Errorf("wrapped: %w", known):    chat.Blocked,
		sql.ErrNoRows:                       chat.NotFound,
		context.DeadlineExceeded:            chat.Unavailable,
		mysql.ErrInvalidConn:                chat.Unavailable,
		&mysql.MySQLError{Number: 1290}:     chat.Unavailable,
		&mysql.MySQLError{Number: 1213}:     chat.Unavailable,
		&mysql.MySQLError{Number: 1180}:     chat.Unavailable, // no room for a commit
		&mysql.MySQLError{Number: 1020}:     chat.Unavailable, // MariaDB 11 with snapshot isolation
		&mysql.MySQLError{Number: 1406}:     chat.Invalid,
		&mysql.MySQLError{Number: 1064}:     chat.Internal,
		errors.New("something is not here"): chat.Internal,
	} {
		if got := chat.KindOf(fail("test", err)); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}

func TestMySQL8NamesItsKeysWithTheTable(t *testing.T) {
	err := &mysql.MySQLError{Number: 1062, Message: "Duplicate entry 'it's' for key 'users.username_key'"}
	if got := duplicate(err); got != "username_key" {
		t.Error(got)
	}
}

func TestAFullDiskIsUnavailable(t *testing.T) {
	db := openFor(t, "sqlite://"+filepath.Join(t.TempDir(), "tieline.db"))
	ctx := context.Background()
	if err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := db.bun.ExecContext(ctx, "PRAGMA max_page_count = 1"); err != nil { // as few as there are
		t.Fatal(err)
	}
	err := db.query(ctx, "test", func(ctx context.Context, q bun.IDB) error {
		_, err := q.ExecContext(ctx, "UPDATE conversations SET name = ?", strings.Repeat("x", 100000))
		return err
	})
	if chat.KindOf(err) != chat.Unavailable {
		t.Error(err)
	}
}
