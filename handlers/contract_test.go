package handlers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	"github.com/pb33f/libopenapi-validator/errors"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// contract holds requests and answers to openapi.yaml, compiled once.
var contract = sync.OnceValue(func() validator.Validator {
	document, err := libopenapi.NewDocument(OpenAPI)
	if err != nil {
		panic(err)
	}
	v, errs := validator.NewValidator(document, config.WithFormatAssertions())
	if len(errs) > 0 {
		panic(errs)
	}
	return v
})

func TestOpenAPIIsOpenAPI(t *testing.T) {
	if ok, errs := contract().ValidateDocument(); !ok {
		t.Error(complaints(errs))
	}
}

// exchange is a request, its body apart, and its answer.
type exchange struct {
	request *http.Request
	body    string
	answer  answer
}

// checkAgainstSpec holds a request and its answer to what openapi.yaml says of
// the operation: parameters, bodies, statuses, content types, headers. A request
// that is wrong on purpose is one that was refused.
func (b *bench) checkAgainstSpec(x exchange) {
	b.t.Helper()
	method, path, status := x.request.Method, x.request.URL.Path, x.answer.status
	pattern := describedAs(method, path)
	if pattern == "" || method == http.MethodOptions {
		return // no such route; the test knows what it wants
	}
	refused := status >= 400 && status < 500 || status == http.StatusServiceUnavailable // which says nothing of the request
	if ok, errs := contract().ValidateHttpRequestSync(x.asked()); !ok && !refused {
		b.t.Errorf("%s %s is answered %d, which openapi.yaml would refuse: %s", method, x.request.URL, status, complaints(errs))
	}
	if ok, errs := contract().ValidateHttpResponse(x.asked(), x.answered()); !ok {
		b.t.Errorf("%s %s is answered %d %s: %s", method, pattern, status, x.answer.body, complaints(errs))
	}
	b.checkRest(method, pattern, x.answer)
}

// hugeNumber is one in a query that the library does not take for an integer; the
// server cuts it.
var hugeNumber = regexp.MustCompile(`=\d{19,}`)

// asked is the request as it was before somebody read it. The server takes more
// spellings of JSON than it tells of.
func (x exchange) asked() *http.Request {
	r := x.request.Clone(x.request.Context())
	if x.body != "" && isJSON(r.Header.Get("Content-Type")) {
		r.Header.Set("Content-Type", "application/json")
	}
	r.URL.RawQuery = hugeNumber.ReplaceAllString(r.URL.RawQuery, "=1")
	r.Body = io.NopCloser(strings.NewReader(x.body))
	return r
}

func (x exchange) answered() *http.Response {
	return &http.Response{
		StatusCode: x.answer.status, Header: x.answer.header, Body: io.NopCloser(bytes.NewReader(x.answer.body)), Request: x.request,
	}
}

// complaints is what is wrong, without the advice.
func complaints(errs []*errors.ValidationError) string {
	var b strings.Builder
	for _, e := range errs {
		fmt.Fprintf(&b, "\n%s: %s", e.Message, e.Reason)
		for _, s := range e.SchemaValidationErrors {
			fmt.Fprintf(&b, "\n\t%s: %s", s.FieldPath, s.Reason)
		}
	}
	return b.String()
}

// byItself are the refusals that depend on what an operation does; the others
// any operation may answer with, and "default" describes them.
var byItself = []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity}

// checkRest is what the library leaves open: that there is nothing beyond the
// description, be it a status, a body or a field.
func (b *bench) checkRest(method, pattern string, a answer) {
	b.t.Helper()
	pointer := operationPointer(method, pattern) + "/responses/"
	key := strconv.Itoa(a.status)
	response := lookUp(pointer + key)
	if response == nil {
		if slices.Contains(byItself, a.status) && !b.anyStatus {
			b.t.Errorf("openapi.yaml does not say that %s %s may be answered %d", method, pattern, a.status)
		}
		key = "default"
		response = lookUp(pointer + key)
	}
	if ref, ok := response["$ref"].(string); ok {
		pointer, key = ref, ""
		response = lookUp(ref)
	}
	content, _ := response["content"].(map[string]any)
	if content == nil && len(a.body) > 0 {
		b.t.Errorf("%s %s: a body where openapi.yaml has none: %s", method, pattern, a.body)
	}
	typ, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	if media, _ := content[typ].(map[string]any); media["schema"] != nil {
		b.checkClosed(pointer+key+"/content/"+strings.ReplaceAll(typ, "/", "~1")+"/schema", a.body)
	}
}

func (b *bench) checkClosed(pointer string, body []byte) {
	b.t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		b.t.Errorf("not JSON: %s", body)
		return
	}
	if err := closedSchema(b.t, pointer).Validate(value); err != nil {
		b.t.Errorf("%s\n%v", body, err)
	}
}

// schemas are the compiled ones, by pointer.
var schemas sync.Map

// closedSpec is openapi.yaml with every schema closed to unknown fields.
var closedSpec = sync.OnceValues(func() (map[string]any, error) {
	text, err := json.Marshal(specTree())
	if err != nil {
		return nil, err
	}
	var tree map[string]any
	if err := json.Unmarshal(text, &tree); err != nil {
		return nil, err
	}
	closeAll(tree)
	return tree, nil
})

// closeAll closes the schemas of fields and items. Those that are combined into
// another are closed with that one: each alone would refuse what the others have.
func closeAll(at any) {
	switch at := at.(type) {
	case map[string]any:
		for name, v := range at {
			closeAll(v)
			switch inner, _ := v.(map[string]any); name {
			case "items", "additionalProperties", "schema":
				closeOne(inner)
			case "properties":
				for _, field := range inner {
					closeOne(field)
				}
			}
		}
	case []any:
		for _, v := range at {
			closeAll(v)
		}
	}
}

// closeOne closes a schema that says which fields there are.
func closeOne(at any) {
	schema, _ := at.(map[string]any)
	for _, says := range []string{"properties", "$ref", "allOf", "anyOf", "oneOf"} {
		if schema[says] != nil {
			schema["unevaluatedProperties"] = false
			return
		}
	}
}

// closedSchema compiles the schema at a pointer, closed to unknown fields.
func closedSchema(t *testing.T, pointer string) *jsonschema.Schema {
	t.Helper()
	if known, ok := schemas.Load(pointer); ok {
		return known.(*jsonschema.Schema)
	}
	tree, err := closedSpec()
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("openapi.json", tree); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("openapi.json" + pointer)
	if err != nil {
		t.Fatal(err)
	}
	schemas.Store(pointer, schema)
	return schema
}

// Every operation of the API says how it refuses.
func TestEveryOperationTellsItsRefusals(t *testing.T) {
	for _, op := range operations() {
		method, path, _ := strings.Cut(op, " ")
		if !strings.HasPrefix(path, "/api/") {
			continue
		}
		operation := lookUp(operationPointer(method, path))
		want := []string{"default"}
		if security, said := operation["security"].([]any); !said || len(security) > 0 {
			want = append(want, "401")
		}
		if strings.HasPrefix(path, "/api/v1/admin/") {
			want = append(want, "403")
		}
		if operation["requestBody"] != nil {
			want = append(want, "422")
		}
		responses, _ := operation["responses"].(map[string]any)
		for _, status := range want {
			if r, _ := responses[status].(map[string]any); r["$ref"] != "#/components/responses/Problem" {
				t.Errorf("%s does not describe %s as a Problem", op, status)
			}
		}
	}
}
