package phrase

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
)

// refusal is a place in the source that says what is wrong with a field.
type refusal struct {
	at          token.Position
	field, code string // field: "" where it is known only when it happens
	limited     bool
}

// S4.10: whatever the program says of a field, it says in both languages, and
// names the limit where there is one.
func TestEveryRefusalHasItsWordsInEveryLanguage(t *testing.T) {
	const limit = 123456
	all := refusals(t)
	if len(all) < 50 {
		t.Fatalf("only %d refusals in the source: does it speak otherwise now?", len(all))
	}
	for _, r := range all {
		f := chat.FieldError{Field: r.field, Code: r.code}
		if r.limited {
			f.Limit = limit
		}
		for l, c := range catalogues {
			s, _ := c.say(f)
			checkWords(t, l, r.at.String()+": "+r.field+" "+r.code, s)
			if s == c.field {
				t.Errorf("%s: no sentence in %s for %q of %q", r.at, l, r.code, r.field)
			}
			if r.limited && !strings.Contains(s, "123,456") {
				t.Errorf("%s: %s says %q, which does not name the limit", r.at, l, s)
			}
		}
	}
}

// refusals reads the source for all calls that say what is wrong with a field.
func refusals(t *testing.T) (all []refusal) {
	t.Helper()
	files := token.NewFileSet()
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if limited, is := refuses(call); ok && is {
				r := refusal{at: files.Position(call.Pos()), field: literal(call.Args[0]), code: literal(call.Args[1]), limited: limited}
				if r.code == "" {
					t.Errorf("%s: a code that is no literal cannot be looked up here", r.at)
				}
				all = append(all, r)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// refuses reports whether a call is chat.InvalidField or chat.OutOfBounds, or
// one of the methods by which use-cases collect what is wrong, p.add and p.bound.
func refuses(call *ast.CallExpr) (limited, is bool) {
	if call == nil || len(call.Args) != 3 {
		return false, false
	}
	name := ""
	switch f := call.Fun.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		if of, ok := f.X.(*ast.Ident); ok {
			name = of.Name + "." + f.Sel.Name
		}
	}
	switch name {
	case "chat.InvalidField", "InvalidField", "p.add":
		return false, true
	case "chat.OutOfBounds", "OutOfBounds", "p.bound":
		return true, true
	}
	return false, false
}

// literal is the value of a string in the source, "" of anything else.
func literal(e ast.Expr) string {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	s, _ := strconv.Unquote(lit.Value) // it parsed
	return s
}
