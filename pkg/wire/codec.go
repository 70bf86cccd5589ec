package wire

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/tieline/tieline/pkg/chat"
)

// Decode reads one client frame and checks what can be checked without knowing
// who sent it. The error's kind is chat.Malformed when the frame could not be
// understood at all, chat.Invalid when it says something that is not allowed;
// the frame is returned with as much of ID as was understood, so that a refusal
// can name it.
func Decode(p []byte) (ClientFrame, error) {
	var f ClientFrame
	if !utf8.Valid(p) {
		return f, malformed("not valid UTF-8")
	}
	if t := bytes.TrimLeft(p, " \t\r\n"); len(t) == 0 || t[0] != '{' {
		return f, malformed("a frame is one JSON object")
	}
	if err := json.Unmarshal(p, &f); err != nil {
		return ClientFrame{ID: rescueID(p)}, malformed("not a frame this server understands")
	}
	if f.Type == "" {
		return f, malformed("a frame has a type")
	}
	if utf8.RuneCountInString(f.ID) > MaxID {
		f.ID = ""
		return f, chat.OutOfBounds("id", "too_long", MaxID)
	}
	return f, f.check()
}

// rescueID finds the id of a frame whose other fields have the wrong types.
func rescueID(p []byte) string {
	var only struct {
		ID json.RawMessage `json:"id"`
	}
	var id string
	if json.Unmarshal(p, &only) != nil || json.Unmarshal(only.ID, &id) != nil || utf8.RuneCountInString(id) > MaxID {
		return ""
	}
	return id
}

func malformed(why string) error { return &chat.Error{Kind: chat.Malformed, Safe: why} }

// check holds the fields that each type needs against their limits.
func (f *ClientFrame) check() error {
	switch f.Type {
	case Send:
		if f.ID == "" {
			return chat.InvalidField("id", "required", "")
		}
		if f.Message == nil {
			return chat.InvalidField("message", "required", "")
		}
		return f.To.check(true)
	case Typing:
		return f.To.check(true)
	case Signal:
		if len(f.Data) > MaxSignal {
			return &chat.Error{Kind: chat.TooLarge, Safe: "signal data is limited to 16 KiB"}
		}
		if len(f.Data) == 0 {
			return chat.InvalidField("data", "required", "")
		}
		return f.To.check(false)
	case Received:
		if f.Offset == "" {
			return chat.InvalidField("offset", "required", "")
		}
	case Read:
		if f.Seq < 1 {
			return chat.InvalidField("seq", "required", "")
		}
		return checkID("conversation", string(f.Conversation))
	case History:
		return checkID("conversation", string(f.Conversation))
	case Watch, Unwatch:
		if len(f.Users) > MaxUsers {
			return chat.OutOfBounds("users", "too_long", MaxUsers)
		}
		for _, u := range f.Users {
			if err := checkID("users", string(u)); err != nil {
				return err
			}
		}
	case Ping:
	default:
		return chat.InvalidField("type", "unknown", "")
	}
	return nil
}

// check demands exactly one target; conversation only where it is allowed.
func (t *Target) check(conversation bool) error {
	if t == nil {
		return chat.InvalidField("to", "required", "")
	}
	set, id := 0, ""
	for _, s := range []string{string(t.User), string(t.Room), string(t.Conversation)} {
		if s != "" {
			set, id = set+1, s
		}
	}
	if set != 1 || t.Conversation != "" && !conversation {
		return chat.InvalidField("to", "format", "")
	}
	return checkID("to", id)
}

func checkID(field, id string) error {
	switch {
	case id == "":
		return chat.InvalidField(field, "required", "")
	case utf8.RuneCountInString(id) > MaxID:
		return chat.OutOfBounds(field, "too_long", MaxID)
	}
	return nil
}

// Encode returns a server frame as JSON, without the escapes that only a page
// would need. Every frame type of this package marshals; the panic names a
// programming error.
func Encode(frame any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(frame); err != nil {
		panic("wire: " + err.Error())
	}
	return b.Bytes()[:b.Len()-1] // without the newline
}
