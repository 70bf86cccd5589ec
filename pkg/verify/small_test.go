package verify

import (
	"bytes"
	"context"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestEvidenceIsAHistoryAgain(t *testing.T) {
	var file bytes.Buffer
	r := newRecorder(&file)
	for _, e := range talk() {
		r.note(e)
	}
	if err := r.close(); err != nil {
		t.Fatal(err)
	}
	h, err := ReadHistory(&file)
	if err != nil || !reflect.DeepEqual(h, r.history()) {
		t.Fatalf("%v: %d events, %d were noted", err, len(h), len(r.history()))
	}
	for name, text := range map[string]string{"nothing": "", "no begin": `{"n":1,"what":"send"}`, "cut off": `{"n":1,"what":"begin"}` + "\n" + `{"n":2,"wh`} {
		if _, err := ReadHistory(strings.NewReader(text)); err == nil {
			t.Errorf("%s is taken for a history", name)
		}
	}
}

func TestFrozenLinesAreSilent(t *testing.T) {
	here, there := net.Pipe()
	l := newLine(here)
	l.freeze()
	if n, err := l.Write([]byte("gone")); n != 4 || err != nil {
		t.Errorf("a write into nothing: %d, %v", n, err)
	}
	read := make(chan error)
	go func() { _, err := l.Read(make([]byte, 8)); read <- err }()
	if _, err := there.Write([]byte("unheard")); err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := <-read; err == nil {
		t.Error("a frozen line was read")
	}
}

func TestWhatMakesNoSenseIsSaid(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	line := func(user string) string {
		b, _ := json.Marshal(map[string]string{"username": user, "user": user, "device": "d", "access_token": "t"})
		return string(b) + "\n"
	}
	for want, o := range map[string]Options{
		"no URL":            {},
		"no policy":         {URLs: []string{"x"}, Sessions: "both"},
		"at least two":      {URLs: []string{"x"}, People: 1},
		"line 1":            {URLs: []string{"x"}, Users: file("bad", "{}\n")},
		"no such file":      {URLs: []string{"x"}, Users: filepath.Join(dir, "none")},
		"holds 1 people":    {URLs: []string{"x"}, Users: file("one", line("a")+line("a"))},
		"reading the lobby": {URLs: []string{"http://127.0.0.1:1"}, Users: file("two", line("a")+line("b")), Settle: time.Millisecond},
	} {
		if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := Run(ctx, Options{URLs: []string{"http://127.0.0.1:1"}}); err == nil {
		t.Error("nobody there, and all is well")
	}
}

// Every rule is planted somewhere: one that nothing can break checks nothing.
func TestEveryRuleHasAFault(t *testing.T) {
	planted := map[string]bool{}
	for _, file := range []string{"check_test.go", "kick_test.go"} {
		ast.Inspect(parse(t, file), func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				planted[id.Name] = true
			}
			return true
		})
	}
	rules := 0
	ast.Inspect(parse(t, "violation.go"), func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if rules++; !planted[v.Names[0].Name] {
			t.Errorf("no test plants a fault for %s", v.Names[0].Name)
		}
		return true
	})
	if rules < 15 {
		t.Errorf("only %d rules were found in violation.go", rules)
	}
}

func parse(t *testing.T, file string) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
