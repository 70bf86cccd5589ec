package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/go-sql-driver/mysql"
	"github.com/tieline/tieline/pkg/chat"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// duplicateError says that a row with this key is there already. Repositories
// turn it into the kind that clients know, by way of duplicate.
type duplicateError struct {
	key string // "PRIMARY" or the columns, joined by "_": "username_key", "sender_id_client_id"
	err error
}

func (e *duplicateError) Error() string { return "duplicate " + e.key + ": " + e.err.Error() }
func (e *duplicateError) Unwrap() error { return e.err }

// primaryKey is how duplicate calls the primary key of any table.
const primaryKey = "PRIMARY"

// duplicate returns which key of a table a row was there for already, "" if
// that is not what happened.
func duplicate(err error) string {
	var d *duplicateError
	if errors.As(err, &d) {
		return d.key
	}
	return duplicateKey(err)
}

// fail turns an error of a driver into a *chat.Error. Errors that have a kind
// already keep it. A row that was looked for and is not there is NotFound; a
// duplicate that its repository does not expect is Conflict; a database that
// cannot answer is Unavailable; the rest is ours to repair: Internal.
func fail(op string, err error) error {
	var known *chat.Error
	switch key := duplicateKey(err); {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return err
	case errors.Is(err, sql.ErrNoRows):
		return chat.E(op, chat.NotFound, nil)
	case key != "":
		return chat.E(op, chat.Conflict, &duplicateError{key: key, err: err})
	case away(err):
		return chat.E(op, chat.Unavailable, err)
	case refused(err):
		return chat.E(op, chat.Invalid, err)
	default:
		return chat.E(op, chat.Internal, err)
	}
}

// duplicateKey reads the key out of a driver's error.
//
//	MySQL 8   Duplicate entry 'x' for key 'users.username_key'
//	MariaDB   Duplicate entry 'x' for key 'username_key'
//	SQLite    … UNIQUE constraint failed: messages.sender_id, messages.client_id (2067)
func duplicateKey(err error) string {
	var my *mysql.MySQLError
	if errors.As(err, &my) && my.Number == 1062 {
		name := strings.TrimSuffix(my.Message, "'")
		name = name[strings.LastIndexByte(name, '\'')+1:]
		return name[strings.LastIndexByte(name, '.')+1:]
	}
	var lite *sqlite.Error
	if !errors.As(err, &lite) {
		return ""
	}
	switch lite.Code() {
	case sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return primaryKey
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE:
		_, list, _ := strings.Cut(lite.Error(), "UNIQUE constraint failed: ")
		list, _, _ = strings.Cut(list, " (")
		columns := strings.Split(list, ", ")
		for i, c := range columns {
			columns[i] = c[strings.LastIndexByte(c, '.')+1:]
		}
		return strings.Join(columns, "_")
	}
	return ""
}

// lostRace reports whether the transaction was given up because of another one
// and may succeed when it is run again.
func lostRace(err error) bool {
	var my *mysql.MySQLError
	if errors.As(err, &my) {
		return my.Number == 1213 || my.Number == 1205 || my.Number == 1020 // deadlock, lock wait timeout, changed meanwhile
	}
	code := sqliteCode(err)
	return code == sqlite3.SQLITE_BUSY || code == sqlite3.SQLITE_LOCKED
}

// lockedOut reports whether a row was not had in time: somebody else has it
// locked.
func lockedOut(err error) bool {
	var my *mysql.MySQLError
	return errors.As(err, &my) && my.Number == 1205
}

// away reports whether the database could not be reached, or cannot take the
// change for now: nothing is wrong with the request.
func away(err error) bool {
	var my *mysql.MySQLError
	if errors.As(err, &my) {
		return mysqlAway[my.Number]
	}
	switch sqliteCode(err) {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR,
		sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOMEM:
		return true
	}
	for _, known := range awayErrors {
		if errors.Is(err, known) {
			return true
		}
	}
	var n net.Error
	return errors.As(err, &n) || err.Error() == "sql: database is closed" // has no variable of its own
}

// awayErrors are how the drivers and the network say that there is nobody there.
var awayErrors = []error{
	context.DeadlineExceeded, context.Canceled,
	driver.ErrBadConn, mysql.ErrInvalidConn, mysql.ErrMalformPkt, mysql.ErrPktSync, mysql.ErrBusyBuffer,
	sql.ErrConnDone, sql.ErrTxDone, io.EOF, io.ErrUnexpectedEOF,
	syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EPIPE, errLocked,
}

// mysqlAway are the server errors that pass by themselves or by the hand of
// whoever runs the server.
var mysqlAway = map[uint16]bool{
	3: true, 20: true, 1021: true, 1026: true, // a write failed, disk full
	1030: true, 1114: true, 1180: true, // storage engine error, table full, commit failed
	1037: true, 1038: true, 1041: true, 1135: true, 1206: true, // out of memory, threads, locks
	1040: true, 1203: true, 1226: true, // too many connections
	1044: true, 1045: true, 1049: true, // no access, no such database (yet)
	1047: true,                         // Galera: not ready
	1053: true, 1152: true, 1927: true, // server shutting down, connection killed
	1158: true, 1159: true, 1160: true, 1161: true, // network
	1020: true, 1205: true, 1213: true, // lost a race too often
	1290: true, 1792: true, 1836: true, 3100: true, // read only
	1317: true, 1969: true, 3024: true, // interrupted, took too long
}

// refused reports whether the database refused a value for what it is. Values
// are checked before they come here; this keeps one that slipped through from
// looking like a fault of the server.
func refused(err error) bool {
	var my *mysql.MySQLError
	if !errors.As(err, &my) {
		return false
	}
	switch my.Number {
	case 1264, 1267, 1292, 1300, 1366, 1406, 3988: // out of range, collation, bad time, bad string, too long
		return true
	}
	return false
}

// sqliteCode returns the primary result code of a SQLite error, else 0.
func sqliteCode(err error) int {
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code() & 0xff
	}
	return 0
}
