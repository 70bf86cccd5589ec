package store

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/tieline/tieline/pkg/testserver"
	"github.com/uptrace/bun"
)

// Every query that lists something, or looks something up, does so by the index
// that sql/README.md names for it, among 100,000 users. What is
// explained is what the repositories really say to the database, so a new method
// is covered by a line in questions.
func TestQueriesUseTheirIndexes(t *testing.T) {
	db := openFor(t, testserver.Database(t))
	ctx := context.Background()
	if err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	fillDatabase(t, db)
	book := &statementBook{}
	plain := db.bun
	db.bun = plain.WithQueryHook(book)
	named := namedKeys(t)
	for _, bad := range []string{
		"SELECT id FROM users AS u WHERE bio = 'x'", "SELECT id FROM users ORDER BY created_at LIMIT 10", "SELECT COUNT(*) FROM users",
		"SELECT id FROM users WHERE username_key LIKE 'u%' ORDER BY id LIMIT 10 OFFSET 5000", "DELETE FROM events WHERE at < NOW()",
	} {
		if steps := explain(t, plain, bad); len(steps) != 1 || steps[0].complaint(named) == "" {
			t.Errorf("%s is found to be good: %+v", bad, steps)
		}
	}
	for _, q := range questions(db) {
		t.Run(q.name, func(t *testing.T) {
			book.statements = nil
			if err := q.ask(ctx); err != nil {
				t.Fatal(err)
			}
			used := map[string]bool{}
			for _, s := range book.statements {
				for _, step := range explain(t, plain, s) {
					if c := step.complaint(named); c != "" {
						t.Errorf("%s:\n%s", c, s)
					}
					used[step.table+"."+step.key] = true
				}
			}
			for _, key := range strings.Fields(q.by) {
				if !used[key] {
					t.Errorf("%s is not used, but %v, by\n%s", key, used, strings.Join(book.statements, "\n"))
				}
			}
		})
	}
}

// statementBook notes what is said to the database, inserts left out: those
// find nothing.
type statementBook struct{ statements []string }

func (b *statementBook) BeforeQuery(ctx context.Context, e *bun.QueryEvent) context.Context {
	if op := e.Operation(); op == "SELECT" || op == "UPDATE" || op == "DELETE" {
		b.statements = append(b.statements, e.Query)
	}
	return ctx
}

func (b *statementBook) AfterQuery(context.Context, *bun.QueryEvent) {}

// planStep is what the database does with one table of a statement.
type planStep struct {
	table string
	how   string // "ALL": it reads the whole table; "index": a whole index, from one end
	key   string
	rows  int // that it expects to look at
	extra string
}

// fewRows is what may be read, or sorted, without an index for it.
const fewRows = 1100 // all devices, or a page of everything, of somebody who has many

// explain asks how a statement would be done.
func explain(t *testing.T, db *bun.DB, statement string) []planStep {
	t.Helper()
	var rows []struct {
		ID           int64
		SelectType   string
		Table        string
		Type         string
		PossibleKeys string
		Key          string
		KeyLen       string
		Ref          string
		Rows         int
		Extra        string `bun:"Extra"`
	}
	if err := db.NewRaw("EXPLAIN ?", bun.Safe(statement)).Scan(context.Background(), &rows); err != nil {
		t.Fatalf("EXPLAIN %s: %v", statement, err)
	}
	var steps []planStep
	for _, r := range rows {
		if table := aliasOf(statement, r.Table); table != "" && !strings.HasPrefix(table, "<") { // not one made for the statement
			steps = append(steps, planStep{table, r.Type, r.Key, r.Rows, r.Extra})
		}
	}
	return steps
}

// aliasOf is the table that a statement calls by a name.
func aliasOf(statement, name string) string {
	found := regexp.MustCompile("(?i)`?(\\w+)`? AS `?" + regexp.QuoteMeta(name) + "`?(\\W|$)").FindStringSubmatch(statement)
	if found == nil {
		return name
	}
	return found[1]
}

// complaint tells where a step reads or sorts much, or goes by a key that the
// schema's description does not know; "" when all is well.
func (s planStep) complaint(named map[string]string) string {
	sorts := strings.Contains(s.extra, "filesort") || strings.Contains(s.extra, "temporary")
	if s.how == "ALL" || s.rows > fewRows && (s.how == "index" || sorts) {
		return fmt.Sprintf("it reads or sorts too much: %+v", s)
	}
	for _, key := range strings.FieldsFunc(s.key, func(r rune) bool { return strings.ContainsRune(",()", r) }) {
		name := "`" + key + "`"
		if key == primaryKey {
			name = "primary"
		}
		if !strings.Contains(named[s.table], name) {
			return fmt.Sprintf("sql/README.md does not name the key %s of %s", key, s.table)
		}
	}
	return ""
}

// namedKeys reads what sql/README.md says of the keys of each table.
func namedKeys(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../sql/README.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, "|"); len(cells) == 5 {
			named[strings.Trim(cells[1], " `")] = cells[3]
		}
	}
	return named
}

// Every key there is has its reason in sql/README.md.
func TestEveryKeyIsExplained(t *testing.T) {
	db := openFor(t, testserver.Database(t))
	ctx := context.Background()
	if err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	var keys []struct{ TableName, IndexName string }
	err := db.bun.NewRaw("SELECT DISTINCT table_name AS table_name, index_name AS index_name"+
		" FROM information_schema.statistics WHERE table_schema = DATABASE() AND index_name <> 'PRIMARY'").Scan(ctx, &keys)
	if err != nil || len(keys) == 0 {
		t.Fatal(keys, err)
	}
	named := namedKeys(t)
	for _, k := range keys {
		if !strings.Contains(named[k.TableName], "`"+k.IndexName+"`") {
			t.Errorf("sql/README.md does not say what the key %s of %s is for", k.IndexName, k.TableName)
		}
	}
}
