package main_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// api is what a node's OpenAPI document says.
type api struct {
	tree       map[string]any
	operations []operation
	codes      []string
	ids        map[string]string // of what is there, by the name of the parameter
	made       int               // ids so far
}

// operation is a method of a path of the API.
type operation struct {
	method, path string
	open         bool // without a token
	params       []parameter
	body         map[string]any // schema; nil: none
	multipart    bool
}

// parameter is in the "path" or the "query".
type parameter struct{ in, name string }

// apiOf reads the document.
func apiOf(t *testing.T, n *node) *api {
	t.Helper()
	a := &api{}
	if err := yaml.Unmarshal(n.Asks("GET", "/openapi.yaml", "", "").Body, &a.tree); err != nil {
		t.Fatal(err)
	}
	paths, _ := a.tree["paths"].(map[string]any)
	for _, path := range sortedKeys(paths) {
		if path != "/readyz" { // which may say that the node is not
			a.read(path, paths[path].(map[string]any))
		}
	}
	for _, c := range a.resolved(map[string]any{"$ref": "#/components/schemas/Code"})["enum"].([]any) {
		a.codes = append(a.codes, c.(string))
	}
	if len(a.operations) < 20 || len(a.codes) < 20 {
		t.Fatalf("the document has %d operations and %d codes", len(a.operations), len(a.codes))
	}
	return a
}

func (a *api) read(path string, item map[string]any) {
	for _, method := range sortedKeys(item) {
		if !slices.Contains([]string{"get", "post", "put", "patch", "delete"}, method) {
			continue
		}
		does := item[method].(map[string]any)
		op := operation{method: strings.ToUpper(method), path: path}
		if security, said := does["security"].([]any); said {
			op.open = len(security) == 0 || slices.ContainsFunc(security, func(v any) bool { return len(v.(map[string]any)) == 0 })
		}
		for _, list := range []any{item["parameters"], does["parameters"]} {
			list, _ := list.([]any)
			for _, p := range list {
				p := a.resolved(p.(map[string]any))
				op.params = append(op.params, parameter{p["in"].(string), p["name"].(string)})
			}
		}
		body, _ := does["requestBody"].(map[string]any)
		content, _ := a.resolved(body)["content"].(map[string]any)
		for typ, media := range content {
			op.multipart = typ == "multipart/form-data"
			op.body = a.resolved(media.(map[string]any)["schema"].(map[string]any))
		}
		a.operations = append(a.operations, op)
	}
}

// resolved follows a reference within the document.
func (a *api) resolved(of map[string]any) map[string]any {
	ref, ok := of["$ref"].(string)
	if !ok {
		return of
	}
	at := a.tree
	for step := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		at = at[step].(map[string]any)
	}
	return a.resolved(at)
}

// properties are the fields of an object, of all that it is combined of.
func (a *api) properties(schema map[string]any) map[string]map[string]any {
	all := map[string]map[string]any{}
	schema = a.resolved(schema)
	fields, _ := schema["properties"].(map[string]any)
	for name, f := range fields {
		all[name] = a.resolved(f.(map[string]any))
	}
	for _, by := range []string{"allOf", "anyOf", "oneOf"} {
		list, _ := schema[by].([]any)
		for _, part := range list {
			for name, f := range a.properties(part.(map[string]any)) {
				all[name] = f
			}
		}
	}
	return all
}

// fields are the ways to all fields of a schema: "message.text".
func (a *api) fields(schema map[string]any, before string) (all []string) {
	of := a.properties(schema)
	for _, name := range sortedKeys(of) {
		all = append(all, before+name)
		all = append(all, a.fields(of[name], before+name+".")...)
	}
	return all
}

// sample is an object as the schema has it, in JSON.
func (a *api) sample(schema map[string]any) string { return a.sampleWith(schema, "", "") }

// sampleWith is a sample with something else, raw, in the place of one field.
func (a *api) sampleWith(schema map[string]any, field, raw string) string {
	const here = "the place of the field"
	text, err := json.Marshal(a.value(schema, "", field, here))
	if err != nil {
		panic(err) // it is made of strings, numbers and maps
	}
	return strings.Replace(string(text), `"`+here+`"`, raw, 1)
}

// value is what fits a schema, with here in the place of one field; what need
// not be there is left out then, lest it be refused before that field.
func (a *api) value(schema map[string]any, at, field, here string) any {
	if at != "" && at == field {
		return here
	}
	schema = a.resolved(schema)
	if list, ok := schema["enum"].([]any); ok {
		return list[0]
	}
	of := a.properties(schema)
	switch typ, _ := schema["type"].(string); {
	case len(of) > 0 || typ == "object":
		object := map[string]any{}
		for name, f := range of {
			way := strings.TrimPrefix(at+"."+name, ".")
			if field == "" || field == way || strings.HasPrefix(field, way+".") || a.required(schema, name) {
				object[name] = a.value(f, way, field, here)
			}
		}
		return object
	case typ == "array":
		items, _ := schema["items"].(map[string]any)
		return []any{a.value(items, at+"[]", field, here)}
	case typ == "integer" || typ == "number":
		return 1
	case typ == "boolean":
		return true
	}
	return a.text(at)
}

// text is what a field of a name might hold.
func (a *api) text(at string) string {
	switch name := at[strings.LastIndexByte(at, '.')+1:]; name {
	case "user", "users[]":
		return a.ids["user"]
	case "email":
		return "somebody@example.org"
	case "id": // of a message: another one each time
		a.made++
		return fmt.Sprint("id", a.made)
	}
	return "x"
}

// required reports whether an object must have a field.
func (a *api) required(schema map[string]any, name string) bool {
	schema = a.resolved(schema)
	list, _ := schema["required"].([]any)
	for _, by := range []string{"allOf", "anyOf", "oneOf"} {
		parts, _ := schema[by].([]any)
		if slices.ContainsFunc(parts, func(p any) bool { return a.required(p.(map[string]any), name) }) {
			return true
		}
	}
	return slices.Contains(list, any(name))
}
