package handlers

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
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

// checkAgainstSpec holds an answer to what openapi.yaml says of its operation:
// its status, its content type, and its JSON without fields beyond the schema.
func (b *bench) checkAgainstSpec(method, path string, a answer) {
	b.t.Helper()
	pattern := describedAs(method, path)
	if pattern == "" || method == http.MethodOptions {
		return // no such route; the test knows what it wants
	}
	pointer := operationPointer(method, pattern) + "/responses/"
	key := strconv.Itoa(a.status)
	response := lookUp(pointer + key)
	if response == nil {
		if a.status < 400 {
			b.t.Errorf("%s %s answers %d, which openapi.yaml does not know", method, pattern, a.status)
			return
		}
		if response = lookUp(pointer + "default"); response == nil {
			return
		}
		key = "default"
	}
	if ref, ok := response["$ref"].(string); ok {
		pointer, key = ref, ""
		response = lookUp(ref)
	}
	content, _ := response["content"].(map[string]any)
	if content == nil {
		if len(a.body) > 0 {
			b.t.Errorf("%s %s: a body where openapi.yaml has none: %s", method, pattern, a.body)
		}
		return
	}
	typ, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	media, ok := content[typ].(map[string]any)
	if !ok {
		b.t.Errorf("%s %s: %d with content type %q", method, pattern, a.status, typ)
		return
	}
	if media["schema"] != nil {
		b.checkJSON(pointer+key+"/content/"+strings.ReplaceAll(typ, "/", "~1")+"/schema", a.body)
	}
}

func (b *bench) checkJSON(pointer string, body []byte) {
	b.t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		b.t.Errorf("not JSON: %s", body)
		return
	}
	if err := schemaAt(b.t, pointer).Validate(value); err != nil {
		b.t.Errorf("%s\n%v", body, err)
	}
}

// schemas are the compiled ones, by pointer.
var schemas sync.Map

// schemaAt compiles the schema at a pointer, closed to unknown fields.
func schemaAt(t *testing.T, pointer string) *jsonschema.Schema {
	t.Helper()
	if known, ok := schemas.Load(pointer); ok {
		return known.(*jsonschema.Schema)
	}
	var tree map[string]any
	spec, err := json.Marshal(specTree())
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(spec, &tree); err != nil {
		t.Fatal(err)
	}
	tree["closed"] = map[string]any{"$ref": pointer, "unevaluatedProperties": false}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("openapi.json", tree); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("openapi.json#/closed")
	if err != nil {
		t.Fatal(err)
	}
	schemas.Store(pointer, schema)
	return schema
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
