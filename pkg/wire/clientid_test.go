package wire

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
)

func TestWithClientIDIsWhatTheSenderSees(t *testing.T) {
	m := &chat.Message{Draft: chat.Draft{Kind: chat.Text, Text: `a "b" {c}`}, Conversation: "d1", Seq: 1, ClientID: "q\"\\<é", From: chat.Person{ID: "alice"}}
	var spliced, encoded map[string]any
	if err := json.Unmarshal(WithClientID(EncodeMessage(m, "bob"), m.ClientID), &spliced); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(EncodeMessage(m, "alice"), &encoded); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(spliced, encoded) {
		t.Fatalf("%v\nwant %v", spliced, encoded)
	}
}
