// Package migrations embeds the schema, one folder per dialect.
//
// A migration is a file NNNN_name.up.sql that exists in both folders. Each is
// applied once, in the order of the numbers, and is never edited afterwards.
//
// MySQL commits at every DDL statement, so there a file is ONE statement, and
// it may be run again when a crash came between it and the note that it was
// applied: write IF NOT EXISTS where the dialect has it (errors that say "already
// there" or "already gone" count as success). SQLite applies a whole file, of as
// many statements as it takes, in one transaction with its note.
package migrations

import (
	"embed"
	"io/fs"
	"strings"
)

//go:embed mysql/*.up.sql sqlite/*.up.sql
var files embed.FS

const suffix = ".up.sql"

// Migration is one step of the schema.
type Migration struct {
	Name string // "0001_users"
	SQL  string
}

// For returns the migrations of a dialect, "mysql" or "sqlite", in the order in
// which they apply.
func For(dialect string) ([]Migration, error) {
	entries, err := fs.ReadDir(files, dialect) // sorted by name
	if err != nil {
		return nil, err
	}
	list := make([]Migration, 0, len(entries))
	for _, e := range entries {
		text, err := fs.ReadFile(files, dialect+"/"+e.Name())
		if err != nil {
			return nil, err
		}
		list = append(list, Migration{Name: strings.TrimSuffix(e.Name(), suffix), SQL: string(text)})
	}
	return list, nil
}
