package main_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	top    = "../.." // the top of the repository, from here
	module = "github.com/tieline/tieline/"
)

// The layers that several lines of the map below name.
const (
	vocabulary = "pkg/chat"
	useCases   = "pkg/account pkg/board pkg/device pkg/hook pkg/media pkg/messaging pkg/moderation pkg/notify pkg/people pkg/room"
)

// arrows says which packages of ours each package may import, and why no more.
// A new package gets its line here, and so its place.
var arrows = map[string]struct{ may, because string }{
	"pkg/chat":       {"", "the vocabulary is a leaf: everybody speaks it, it knows nobody"},
	"pkg/wire":       {vocabulary, "the protocol knows the vocabulary and nothing of who speaks it"},
	"pkg/phrase":     {vocabulary, "sentences are chosen by kind, whoever refused"},
	"pkg/config":     {vocabulary, "settings are read by cmd alone; the parts take their own Options"},
	"pkg/embedded":   {"", "the embedded Redis is an address: nothing of ours may tell it from another"},
	"sql/migrations": {"", "the schema is text"},
	"pkg/trace":      {vocabulary, "it is told what happened, and asks nobody"},
	"pkg/mail":       {vocabulary + " pkg/phrase", "it carries mails, whoever writes them and for whatever reason"},

	"pkg/account":   {vocabulary, "a use-case never calls another, and states as an interface what it needs of a store"},
	"pkg/device":    {vocabulary, "a use-case never calls another, and states as an interface what it needs of a store"},
	"pkg/messaging": {vocabulary + " pkg/trace", "a use-case never calls another, and states as an interface what it needs of a store"},

	"pkg/hook":       {vocabulary + " pkg/wire", "what it posts looks like what clients are sent"},
	"pkg/moderation": {vocabulary, "a use-case never calls another, and states as an interface what it needs of a store"},

	"pkg/media":  {vocabulary, "a use-case never calls another, and states as an interface what it needs of a store"},
	"pkg/notify": {vocabulary, "a use-case never calls another, and states as an interface what it needs of a store"},
	"pkg/people": {vocabulary, "a use-case never calls another, and states as an interface what it needs of a store"},
	"pkg/board":  {vocabulary, "a use-case never calls another, and states as an interface what it needs of a store"},
	"pkg/room":   {vocabulary, "a use-case never calls another, and states as an interface what it needs of a store"},

	"pkg/store":        {vocabulary + " sql/migrations " + useCases, "the store meets the contracts of the use-cases; it never hears of Redis or of a socket"},
	"realtime/cluster": {vocabulary + " pkg/wire pkg/trace " + useCases, "what the nodes agree on meets the contracts of the use-cases; it never hears of SQL or of HTTP"},
	"realtime":         {vocabulary + " pkg/wire pkg/phrase pkg/trace realtime/cluster " + useCases, "a node calls use-cases; it never hears of HTTP, Fiber or a dialect"},
	"handlers/web":     {"", "the browser client is files"},
	"handlers":         {vocabulary + " pkg/wire pkg/phrase pkg/trace realtime handlers/web " + useCases, "the edge calls use-cases and hands sockets to the node; what it needs of Redis or SQL, they do for it"},

	"pkg/client":     {vocabulary + " pkg/wire", "a client never imports the server, or others could not import the client"},
	"pkg/bench":      {vocabulary + " pkg/wire pkg/client", "load comes through the SDK, as that of anybody else"},
	"pkg/verify":     {vocabulary + " pkg/wire pkg/client", "promises are checked from outside, through the SDK"},
	"pkg/testserver": {"", "it lends servers to the tests of any package, so it may depend on none"},

	"cmd/tieline": {"*", "the one place that knows everybody"},
}

// libraries says which packages may import a library, by the beginning of its
// path. "Fiber stops here" and "rows stay home" are these lines.
var libraries = map[string]struct{ only, because string }{
	"github.com/gofiber/":            {"handlers", "Fiber stops at the edge: its strings and contexts must not be kept"},
	"github.com/fasthttp/":           {"handlers", "the node sees a realtime.Socket, whatever is below"},
	"github.com/valyala/fasthttp":    {"handlers", "the node sees a realtime.Socket, whatever is below"},
	"github.com/uptrace/bun":         {"pkg/store", "rows stay home"},
	"github.com/go-sql-driver/mysql": {"pkg/store pkg/testserver", "drivers speak once: their errors become kinds in one file"},
	"modernc.org/sqlite":             {"pkg/store", "drivers speak once: their errors become kinds in one file"},
	"github.com/redis/go-redis":      {"realtime/cluster pkg/testserver cmd/tieline", "keys and scripts live in one place; cmd only opens the connection"},
	"github.com/alicebob/miniredis":  {"pkg/embedded", "the rest must not know which Redis it talks to"},
	"github.com/wneessen/go-mail":    {"pkg/mail", "mails leave in one place: nobody else waits for a mail server"},
	"github.com/emersion/":           {"pkg/testserver", "we serve no mail but to tests"},
	"github.com/swaggest/swgui":      {"handlers", "the console is files that the edge serves"},
	"github.com/gorilla/websocket":   {"pkg/client", "this is the client's side; the server's is Fiber's"},
}

func TestImportsFollowTheArrows(t *testing.T) {
	for _, file := range goFiles(t) {
		if isTest(file.path) {
			continue // tests may look at whatever they like
		}
		dir := path.Dir(file.path)
		from, known := arrows[dir]
		if !known {
			t.Errorf("%s: package %s has no line in arrows: which packages may it import, and why no more?", file.path, dir)
			continue
		}
		for _, spec := range file.syntax.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			if to, ours := strings.CutPrefix(imported, module); ours {
				if from.may != "*" && !slices.Contains(strings.Fields(from.may), to) {
					t.Errorf("%s imports %s: %s", file.path, to, from.because)
				}
				if to == "cmd/tieline" || to == "pkg/testserver" {
					t.Errorf("%s imports %s, which is for nobody but tests", file.path, to)
				}
			}
			if first, _, _ := strings.Cut(imported, "/"); dir == "pkg/chat" && strings.Contains(first, ".") {
				t.Errorf("%s imports %s: the vocabulary needs no library, so that anybody may need it", file.path, imported)
			}
			for library, rule := range libraries {
				if strings.HasPrefix(imported, library) && !slices.Contains(strings.Fields(rule.only), dir) {
					t.Errorf("%s imports %s, which is for %s: %s", file.path, imported, rule.only, rule.because)
				}
			}
		}
	}
}

// isTest reports whether the file is part of a test, or of a suite for tests,
// which lies in a folder named for the package that it tests: store/storetest.
func isTest(file string) bool {
	dir := path.Dir(file)
	return strings.HasSuffix(file, "_test.go") || path.Base(dir) == path.Base(path.Dir(dir))+"test"
}

func TestTheMapHasNoCircles(t *testing.T) {
	done := map[string]bool{}
	var visit func(pkg string, trail []string)
	visit = func(pkg string, trail []string) {
		if slices.Contains(trail, pkg) {
			t.Errorf("a circle: %s", strings.Join(append(trail, pkg), " -> "))
			return
		}
		for _, to := range strings.Fields(arrows[pkg].may) {
			if !done[to] && to != "*" {
				visit(to, append(slices.Clone(trail), pkg))
			}
		}
		done[pkg] = true
	}
	for _, pkg := range slices.Sorted(maps.Keys(arrows)) {
		visit(pkg, nil)
	}
}

// goFile is a file of the repository, its path from the top.
type goFile struct {
	path   string
	syntax *ast.File // the imports and the comments before them
}

func goFiles(t *testing.T) []goFile {
	t.Helper()
	var files []goFile
	for _, name := range sourceFiles(t, ".go") {
		syntax, err := parser.ParseFile(token.NewFileSet(), filepath.Join(top, name), nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			t.Error(err)
			continue
		}
		files = append(files, goFile{name, syntax})
	}
	return files
}

// sourceFiles lists what of the repository ends in one of the suffixes, from
// the top, but for what is made or downloaded.
func sourceFiles(t *testing.T, suffixes ...string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(top, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(top, name)
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if slices.Contains([]string{".git", "bin", "data"}, rel) || d.Name() == "node_modules" || d.Name() == "testdata" {
				return fs.SkipDir
			}
			return nil
		}
		if slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(rel, s) }) {
			names = append(names, rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
