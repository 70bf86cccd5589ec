package store

import (
	"database/sql"
	"encoding/hex"
	"strings"

	"github.com/uptrace/bun/dialect/feature"
	"github.com/uptrace/bun/dialect/mysqldialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
)

// mysqlDialect is bun's, but for three things: it treats MariaDB like MySQL, it
// keeps NUL characters, and it does not ask the server for its version, which
// would need a server that is up.
//
// On MariaDB bun would add RETURNING to inserts and assign what comes back to
// the rows by position, which is wrong as soon as one of them was there already.
type mysqlDialect struct{ *mysqldialect.Dialect }

func newMySQLDialect() mysqlDialect {
	return mysqlDialect{mysqldialect.New(mysqldialect.WithTimeLocation("UTC"))}
}

// Init does nothing instead of looking at the server's version.
func (mysqlDialect) Init(*sql.DB) {}

// AppendString writes a literal. Bun's own drops NUL silently, so that two
// different strings would be the same in the database.
func (d mysqlDialect) AppendString(b []byte, s string) []byte {
	if strings.IndexByte(s, 0) < 0 {
		return d.Dialect.AppendString(b, s)
	}
	for i, part := range strings.Split(s, "\x00") {
		if i > 0 {
			b = append(b[:len(b)-1], `\0`...) // over the closing quote
			from := len(b)
			b = d.Dialect.AppendString(b, part)
			b = append(b[:from], b[from+1:]...) // without the opening one
			continue
		}
		b = d.Dialect.AppendString(b, part)
	}
	return b
}

// sqliteDialect is bun's, but it can write NUL characters and has no RETURNING,
// like the other.
type sqliteDialect struct{ *sqlitedialect.Dialect }

func newSQLiteDialect() sqliteDialect { return sqliteDialect{sqlitedialect.New()} }

// Features are bun's without RETURNING.
func (d sqliteDialect) Features() feature.Feature {
	return d.Dialect.Features().Remove(feature.Returning | feature.InsertReturning)
}

// AppendString writes a literal. SQLite ends a quoted one at NUL.
func (d sqliteDialect) AppendString(b []byte, s string) []byte {
	if strings.IndexByte(s, 0) < 0 {
		return d.Dialect.AppendString(b, s)
	}
	b = append(b, "CAST(X'"...)
	b = hex.AppendEncode(b, []byte(s))
	return append(b, "' AS TEXT)"...)
}
