package wire

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

func TestDecodeRefusesBadFrames(t *testing.T) {
	long := strings.Repeat("x", MaxID+1)
	tests := []struct {
		name, in string
		kind     chat.Kind
		field    string // of Invalid
		id       string // what a refusal can name
	}{
		{"empty", "", chat.Malformed, "", ""},
		{"blank", " \t\r\n", chat.Malformed, "", ""},
		{"not JSON", "hello", chat.Malformed, "", ""},
		{"a number", "1", chat.Malformed, "", ""},
		{"a list", `[{"type":"ping"}]`, chat.Malformed, "", ""},
		{"null", "null", chat.Malformed, "", ""},
		{"cut off", `{"type":"ping"`, chat.Malformed, "", ""},
		{"two frames", `{"type":"ping"}{"type":"ping"}`, chat.Malformed, "", ""},
		{"NUL after the frame", "{\"type\":\"ping\"}\x00", chat.Malformed, "", ""},
		{"invalid UTF-8", "{\"type\":\"ping\",\"id\":\"\xff\"}", chat.Malformed, "", ""},
		{"no type", `{"id":"a"}`, chat.Malformed, "", "a"},
		{"type is a number", `{"type":1,"id":"a"}`, chat.Malformed, "", "a"},
		{"field of the wrong type", `{"type":"read","id":"a","conversation":"c","seq":"1"}`, chat.Malformed, "", "a"},
		{"seq is a fraction", `{"type":"read","id":"a","conversation":"c","seq":1.5}`, chat.Malformed, "", "a"},
		{"seq overflows", `{"type":"read","id":"a","conversation":"c","seq":9223372036854775808}`, chat.Malformed, "", "a"},
		{"id is a number", `{"type":"ping","id":7}`, chat.Malformed, "", ""},
		{"nested too deep", `{"type":"signal","data":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`, chat.Malformed, "", ""},
		{"unknown type", `{"type":"shout","id":"a"}`, chat.Invalid, "type", "a"},
		{"a server's type", `{"type":"welcome","id":"a"}`, chat.Invalid, "type", "a"},
		{"long id", `{"type":"ping","id":"` + long + `"}`, chat.Invalid, "id", ""},
		{"send without id", `{"type":"send","to":{"user":"u"},"message":{"kind":"text"}}`, chat.Invalid, "id", ""},
		{"send without message", `{"type":"send","id":"a","to":{"user":"u"}}`, chat.Invalid, "message", "a"},
		{"send to nobody", `{"type":"send","id":"a","message":{"kind":"text"}}`, chat.Invalid, "to", "a"},
		{"send to an empty target", `{"type":"send","id":"a","to":{},"message":{"kind":"text"}}`, chat.Invalid, "to", "a"},
		{"send to two", `{"type":"send","id":"a","to":{"user":"u","room":"r"},"message":{"kind":"text"}}`, chat.Invalid, "to", "a"},
		{"send to a long id", `{"type":"send","id":"a","to":{"user":"` + long + `"},"message":{"kind":"text"}}`, chat.Invalid, "to", "a"},
		{"typing to nobody", `{"type":"typing","on":true}`, chat.Invalid, "to", ""},
		{"signal without data", `{"type":"signal","to":{"user":"u"}}`, chat.Invalid, "data", ""},
		{"signal to a conversation", `{"type":"signal","to":{"conversation":"c"},"data":1}`, chat.Invalid, "to", ""},
		{"signal too large", `{"type":"signal","to":{"user":"u"},"data":"` + strings.Repeat("x", MaxSignal) + `"}`, chat.TooLarge, "", ""},
		{"received nothing", `{"type":"received"}`, chat.Invalid, "offset", ""},
		{"read to zero", `{"type":"read","conversation":"c"}`, chat.Invalid, "seq", ""},
		{"read below zero", `{"type":"read","conversation":"c","seq":-1}`, chat.Invalid, "seq", ""},
		{"read nowhere", `{"type":"read","seq":1}`, chat.Invalid, "conversation", ""},
		{"history of nothing", `{"type":"history"}`, chat.Invalid, "conversation", ""},
		{"watch too many", `{"type":"watch","users":[` + strings.Repeat(`"u",`, MaxUsers) + `"u"]}`, chat.Invalid, "users", ""},
		{"watch an empty id", `{"type":"watch","users":[""]}`, chat.Invalid, "users", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f, err := Decode([]byte(test.in))
			var e *chat.Error
			if !errors.As(err, &e) {
				t.Fatalf("Decode answered %v, want a *chat.Error", err)
			}
			if e.Kind != test.kind || f.ID != test.id {
				t.Errorf("kind %q, id %q; want %q, %q", e.Kind, f.ID, test.kind, test.id)
			}
			if test.field != "" && (len(e.Fields) != 1 || e.Fields[0].Field != test.field) {
				t.Errorf("fields %v, want %s", e.Fields, test.field)
			}
		})
	}
}

func TestDecodeIsLenientWhereItCanBe(t *testing.T) {
	for _, in := range []string{
		`{"type":"ping","colour":"blue"}`,                        // an unknown field
		" \n{\"id\":\"a\",\"type\":\"ping\"}\n",                  // space around, type not first
		`{"type":"signal","to":{"room":"r"},"data":null}`,        // null is JSON
		`{"type":"watch"}`,                                       // nobody to watch
		`{"type":"ping","id":"` + strings.Repeat("界", 64) + `"}`, // characters, not bytes
		`{"type":"history","conversation":"c","limit":100000}`,
	} {
		if _, err := Decode([]byte(in)); err != nil {
			t.Errorf("%s: %v", in, err)
		}
	}
}

func TestTimeIsUTCWithMilliseconds(t *testing.T) {
	shanghai := time.FixedZone("CST", 8*3600)
	b, err := json.Marshal(Time{time.Date(2026, 11, 21, 16, 30, 0, 5_999_999, shanghai)})
	if err != nil || string(b) != `"2026-11-21T08:30:00.005Z"` {
		t.Errorf("%s, %v", b, err)
	}
	var back Time
	if err := json.Unmarshal(b, &back); err != nil || !back.Equal(at.Time) {
		t.Errorf("back: %v, %v", back, err)
	}
}

// FuzzDecode: no input panics, every refusal has a kind a client knows, and what
// is understood means the same when it is said again.
func FuzzDecode(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.json")
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"type":"send","id":"\u0000","to":{"user":"\ud800"},"message":null}`))
	f.Add([]byte("{\"type\":\"ping\",\"id\":" + strconv.Quote(strings.Repeat("\x00", 70)) + "}"))
	f.Fuzz(func(t *testing.T, in []byte) {
		frame, err := Decode(in)
		if err != nil {
			if k := chat.KindOf(err); k != chat.Malformed && k != chat.Invalid && k != chat.TooLarge {
				t.Fatalf("kind %q for %q", k, in)
			}
			return
		}
		again, err := Decode(Encode(frame))
		if chat.KindOf(err) == chat.TooLarge {
			return // our spelling of the data is longer
		}
		if err != nil {
			t.Fatalf("said again: %v for %q", err, in)
		}
		if !reflect.DeepEqual(normal(frame), normal(again)) {
			t.Fatalf("said again it means something else:\n%+v\n%+v", frame, again)
		}
	})
}

// normal rewrites what may differ without a difference in meaning: JSON data in
// its canonical spelling, and lists that are empty.
func normal(f ClientFrame) ClientFrame {
	if f.Data != nil {
		f.Data = Encode(f.Data)
	}
	if len(f.Users) == 0 {
		f.Users = nil
	}
	if f.Message != nil && len(f.Message.Mentions) == 0 {
		m := *f.Message
		m.Mentions, f.Message = nil, &m
	}
	return f
}
