// Package store keeps accounts and history in SQL through bun: MySQL or MariaDB
// for a cluster, SQLite for one node on its own.
//
// The database is the truth about everything that may not be lost. Each
// repository is a few methods of DB in a file of its own, with its unexported row
// types beside them; nothing of bun or of a driver leaves the package. Errors
// are *chat.Error: what a client did wrong by its kind, a database that is away
// as chat.Unavailable.
//
// What the two dialects do differently is kept in open.go, dialect.go, error.go
// and migrate.go, and behind DB.isMySQL where a statement has to differ.
package store
