package handlers

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/tieline/tieline/handlers/web"
)

// specTree is openapi.yaml as plain values, once.
var specTree = sync.OnceValue(func() map[string]any {
	var tree map[string]any
	if err := yaml.Unmarshal(OpenAPI, &tree); err != nil {
		panic(err)
	}
	return tree
})

// operations are the method and path of all operations in openapi.yaml.
func operations() (all []string) {
	for path, item := range specTree()["paths"].(map[string]any) {
		for method := range item.(map[string]any) {
			if method != "parameters" {
				all = append(all, strings.ToUpper(method)+" "+path)
			}
		}
	}
	slices.Sort(all)
	return all
}

func TestRoutesAndOpenAPIAreTheSame(t *testing.T) {
	ofSite := map[string]bool{}
	for _, f := range web.Files() {
		ofSite[f.Path] = f.Path != "/"
	}
	var routes []string
	param := regexp.MustCompile(`:(\w+)`)
	for _, r := range newBench(t).app.GetRoutes(true) {
		if r.Method != http.MethodHead && !ofSite[r.Path] {
			routes = append(routes, r.Method+" "+param.ReplaceAllString(r.Path, "{$1}"))
		}
	}
	slices.Sort(routes)
	described := operations()
	for _, r := range routes {
		if !slices.Contains(described, r) {
			t.Errorf("openapi.yaml does not describe %s", r)
		}
	}
	for _, d := range described {
		if !slices.Contains(routes, d) {
			t.Errorf("openapi.yaml describes %s, which is no route", d)
		}
	}
}

func TestOpenAPIHasEveryCode(t *testing.T) {
	var described []string
	for _, code := range lookUp("#/components/schemas/Code")["enum"].([]any) {
		described = append(described, code.(string))
	}
	var known []string
	for _, k := range slices.Sorted(maps.Keys(statuses)) {
		known = append(known, string(k))
	}
	slices.Sort(described)
	if !slices.Equal(described, known) {
		t.Errorf("codes\n in openapi.yaml %v\n in error.go     %v", described, known)
	}
}

func TestEveryOperationHasANameOfItsOwn(t *testing.T) {
	seen := map[any]string{}
	for _, op := range operations() {
		method, path, _ := strings.Cut(op, " ")
		id := lookUp(operationPointer(method, path))["operationId"]
		if id == nil || seen[id] != "" {
			t.Errorf("%s: operationId %v, as %q", op, id, seen[id])
		}
		seen[id] = op
	}
}

// describedAs returns the path of openapi.yaml that a request goes to, the most
// literal one first.
func describedAs(method, path string) string {
	var fits []string
	for _, op := range operations() {
		if m, pattern, _ := strings.Cut(op, " "); m == method && isAt(pattern, path) {
			fits = append(fits, pattern)
		}
	}
	slices.SortFunc(fits, func(a, b string) int { return strings.Count(a, "{") - strings.Count(b, "{") })
	if len(fits) == 0 {
		return ""
	}
	return fits[0]
}

// isAt reports whether a path is one of a pattern's.
func isAt(pattern, path string) bool {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	return slices.EqualFunc(want, got, func(w, g string) bool { return w == g || strings.HasPrefix(w, "{") && g != "" })
}

// operationPointer is where openapi.yaml describes an operation.
func operationPointer(method, path string) string {
	return "#/paths/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(path) + "/" + strings.ToLower(method)
}

// lookUp follows a JSON pointer into openapi.yaml.
func lookUp(pointer string) map[string]any {
	var at any = specTree()
	for step := range strings.SplitSeq(strings.TrimPrefix(pointer, "#/"), "/") {
		m, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = m[strings.NewReplacer("~1", "/", "~0", "~").Replace(step)]
	}
	m, _ := at.(map[string]any)
	return m
}
