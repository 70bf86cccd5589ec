package main_test

import (
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/tieline/tieline/pkg/config"
)

// read returns a file of the repository, by its path from the top.
func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(top, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEveryPackageIsOneSentence(t *testing.T) {
	sentences := map[string]string{}
	for _, file := range goFiles(t) {
		if !strings.HasSuffix(file.path, "_test.go") {
			sentences[path.Dir(file.path)] += file.syntax.Doc.Text()
		}
	}
	for dir, doc := range sentences {
		begins := "Package " + path.Base(dir) + " "
		if strings.HasPrefix(dir, "cmd/") {
			begins = "Command " + path.Base(dir) + " "
		}
		if sentence, _, ended := strings.Cut(doc, "."); !ended || !strings.HasPrefix(sentence, begins) {
			t.Errorf("%s: its comment must begin %q and be a sentence: a package that cannot be told in one is two", dir, begins+"…")
		}
	}
}

func TestNoFileIsTooLong(t *testing.T) {
	const most = 400
	for _, name := range sourceFiles(t, ".go", ".js", ".css") {
		if lines := strings.Count(read(t, name), "\n"); lines > most {
			t.Errorf("%s has %d lines: over %d it usually holds two things", name, lines, most)
		}
	}
}

func TestReadmeListsTheSettings(t *testing.T) {
	_, after, _ := strings.Cut(read(t, "README.md"), "<!-- settings -->\n")
	table, _, found := strings.Cut(after, "<!-- /settings -->")
	if want := config.Table(); !found || strings.TrimSpace(table) != strings.TrimSpace(want) {
		t.Errorf("README.md: between <!-- settings --> and <!-- /settings --> belongs what pkg/config declares:\n\n%s", want)
	}
}

// What the README says of failures is what a test has seen.
func TestReadmeNamesRealTests(t *testing.T) {
	var tests strings.Builder
	for _, name := range sourceFiles(t, "_test.go") {
		tests.WriteString(read(t, name))
	}
	named := regexp.MustCompile("`(Test[A-Za-z]+)`").FindAllStringSubmatch(read(t, "README.md"), -1)
	if len(named) == 0 {
		t.Error("README.md names no test")
	}
	for _, name := range named {
		if !strings.Contains(tests.String(), "func "+name[1]+"(t *testing.T)") {
			t.Errorf("README.md names %s, which is no test", name[1])
		}
	}
}

// settings maps every environment variable of the program to the type of its field.
func settings() map[string]reflect.Type {
	all := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[config.Config]()) {
		all[f.Tag.Get("env")] = f.Type
	}
	return all
}

func TestOnlyRealSettingsAreNamed(t *testing.T) {
	known := settings()
	name := regexp.MustCompile(`TIELINE_[A-Z_]*[A-Z]`)
	files := append(sourceFiles(t, ".env"), "README.md", "CONTRIBUTING.md", "Makefile", "k8s/Dockerfile")
	for _, file := range append(files, sourceFiles(t, ".yaml")...) {
		for _, found := range name.FindAllString(read(t, file), -1) {
			if known[found] == nil && !strings.HasPrefix(found, "TIELINE_TEST_") {
				t.Errorf("%s names %s, which is not a setting: a program started with it would stop at once", file, found)
			}
		}
	}
}
