package wire

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// asyncDoc is as much of an AsyncAPI document as these tests look at.
type asyncDoc struct {
	Channels   map[string]struct{ Messages map[string]ref }
	Operations map[string]struct {
		Action   string
		Messages []ref
	}
	Components struct {
		Messages map[string]struct {
			Name    string
			Payload map[string]any
		}
		Schemas map[string]struct{ Enum []string }
	}
}

type ref struct {
	Ref string `yaml:"$ref"`
}

func (r ref) name() string { return r.Ref[strings.LastIndexByte(r.Ref, '/')+1:] }

func readAsyncAPI(t *testing.T) (doc asyncDoc) {
	t.Helper()
	if err := yaml.Unmarshal(AsyncAPI, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestAsyncAPIHasTheFramesOfThisPackage(t *testing.T) {
	doc := readAsyncAPI(t)
	said := map[string][]string{} // who → types
	for name, op := range doc.Operations {
		for _, m := range op.Messages {
			side, ok := map[string]string{"receive": "client", "send": "server"}[op.Action]
			if !ok || !strings.HasPrefix(m.name(), side) {
				t.Errorf("operation %s: action %q with message %s", name, op.Action, m.name())
			}
			said[side] = append(said[side], doc.Components.Messages[m.name()].Name)
		}
	}
	client, server := frameConstants(t)
	for side, want := range map[string][]string{"client": client, "server": server} {
		got := slices.Sorted(slices.Values(said[side]))
		if !slices.Equal(got, want) {
			t.Errorf("frames of the %s\n in asyncapi.yaml %v\n in frame.go      %v", side, got, want)
		}
	}
	inChannel := slices.Sorted(maps.Keys(doc.Channels["socket"].Messages))
	if all := slices.Sorted(maps.Keys(doc.Components.Messages)); !slices.Equal(inChannel, all) {
		t.Errorf("channel has %v, components have %v", inChannel, all)
	}
}

func TestAsyncAPIHasTheWordsOfChat(t *testing.T) {
	doc := readAsyncAPI(t)
	kinds := constants(t, "../chat/error.go", "Kind")
	if got := slices.Sorted(slices.Values(doc.Components.Schemas["Code"].Enum)); !slices.Equal(got, kinds) {
		t.Errorf("codes\n in asyncapi.yaml %v\n in chat         %v", got, kinds)
	}
	reasons := constants(t, "../chat/session.go", "Reason")
	reasons = slices.DeleteFunc(reasons, func(r string) bool { return r == "account_removed" }) // never on the wire
	if got := slices.Sorted(slices.Values(doc.Components.Schemas["Reason"].Enum)); !slices.Equal(got, reasons) {
		t.Errorf("reasons\n in asyncapi.yaml %v\n in chat         %v", got, reasons)
	}
	for _, code := range []int{
		CloseTooBig, CloseGoingAway, CloseMalformed, CloseKicked, CloseExpired, CloseInvalid, CloseDisabled,
		CloseUnknownUser, CloseReplaced, CloseSlow, CloseRateLimited, CloseUnavailable,
	} {
		if !bytes.Contains(AsyncAPI, []byte("| "+strconv.Itoa(code)+" |")) {
			t.Errorf("close code %d is not explained", code)
		}
	}
}

func TestGoldenFramesFitAsyncAPI(t *testing.T) {
	for name, frame := range clientFrames {
		checkFrame(t, "client", name, Encode(frame))
	}
	for name, frame := range serverFrames() {
		checkFrame(t, "server", name, frame)
	}
}

// checkFrame holds a frame to the payload schema of its type; fields that the
// schema does not know are errors here.
func checkFrame(t *testing.T, side, name string, frame []byte) {
	t.Helper()
	typ, _, _ := strings.Cut(name, "_")
	schema := compile(t, side+strings.ToUpper(typ[:1])+typ[1:])
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(frame))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(value); err != nil {
		t.Errorf("%s %s: %v", side, name, err)
	}
}

// compile returns the payload schema of a message, closed to unknown fields.
func compile(t *testing.T, message string) *jsonschema.Schema {
	t.Helper()
	var tree map[string]any
	if err := yaml.Unmarshal(AsyncAPI, &tree); err != nil {
		t.Fatal(err)
	}
	messages := tree["components"].(map[string]any)["messages"].(map[string]any)
	if messages[message] == nil {
		t.Fatalf("asyncapi.yaml has no message %s", message)
	}
	messages[message].(map[string]any)["payload"].(map[string]any)["unevaluatedProperties"] = false
	b, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("asyncapi.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("asyncapi.json#/components/messages/" + message + "/payload")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// frameConstants reads the frame types out of frame.go, so that none can be
// forgotten: the first block is the client's, the second the server's, and those
// marked "both ways" belong to both.
func frameConstants(t *testing.T) (client, server []string) {
	t.Helper()
	for _, decl := range parse(t, "frame.go").Decls {
		block, ok := decl.(*ast.GenDecl)
		if !ok || block.Tok != token.CONST || block.Doc == nil {
			continue
		}
		for _, spec := range block.Specs {
			c := spec.(*ast.ValueSpec)
			switch {
			case strings.HasPrefix(block.Doc.Text(), "What a client sends."):
				client = append(client, value(t, c))
				if strings.Contains(c.Comment.Text(), "both ways") {
					server = append(server, value(t, c))
				}
			case strings.HasPrefix(block.Doc.Text(), "What the server sends"):
				server = append(server, value(t, c))
			}
		}
	}
	slices.Sort(client)
	slices.Sort(server)
	if len(client) == 0 || len(server) == 0 {
		t.Fatal("frame.go no longer has the two blocks of frame types")
	}
	return client, server
}

// constants returns the sorted values of a file's string constants of a type.
func constants(t *testing.T, file, typ string) (values []string) {
	t.Helper()
	ast.Inspect(parse(t, file), func(n ast.Node) bool {
		if c, ok := n.(*ast.ValueSpec); ok && len(c.Values) == 1 {
			if id, ok := c.Type.(*ast.Ident); ok && id.Name == typ {
				values = append(values, value(t, c))
			}
		}
		return true
	})
	slices.Sort(values)
	return values
}

func parse(t *testing.T, file string) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func value(t *testing.T, c *ast.ValueSpec) string {
	t.Helper()
	s, err := strconv.Unquote(c.Values[0].(*ast.BasicLit).Value)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
