package cluster

import (
	"reflect"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
)

func TestOffsetSurvivesTheWire(t *testing.T) {
	for _, o := range []Offset{
		{}, {Generation: 1, Position: 1763690000001, At: 1763690000002},
		{Generation: 9, Position: 1, At: 2, Rooms: []RoomSeq{{chat.Lobby, 42}, {"r01", 0}}},
	} {
		got, ok := ParseOffset(o.String())
		if !ok || !reflect.DeepEqual(got, o) {
			t.Errorf("%q came back as %+v, %v", o.String(), got, ok)
		}
	}
	for _, bad := range []string{"", "1", "1.2", "1.2.3.4", "1.2.x", "-1.2.3", "+1.2.3", "1.2.3~", "1.2.3~lobby", "1.2.3~_1", "1.2.3~lobby_-1", "99999999999999999999.1.1", "1.2. 3"} {
		if o, ok := ParseOffset(bad); ok {
			t.Errorf("%q was read as %+v", bad, o)
		}
	}
}

func FuzzParseOffset(f *testing.F) {
	f.Add("1.2.3~lobby_4")
	f.Fuzz(func(t *testing.T, s string) {
		o, ok := ParseOffset(s)
		if !ok {
			return
		}
		if again, ok := ParseOffset(o.String()); !ok || !reflect.DeepEqual(again, o) {
			t.Fatalf("%q became %q", s, o.String())
		}
	})
}

func TestEnvelopeSurvivesTheWire(t *testing.T) {
	e := &Envelope{
		Generation: 3, Canary: "boot", Order: Drain,
		Queued:  []Queued{{User: "bob", Position: 7, Entry: Entry{Conversation: "d1", Seq: 2, At: 5, Origin: "s", Body: []byte(`{"a":1}`)}}},
		Logged:  []Logged{{Entry: Entry{Conversation: chat.Lobby, Seq: 1, Body: []byte("{}")}, Sender: "alice", Own: []byte("{}")}},
		Frames:  []Frame{{Users: []chat.UserID{"bob"}, Except: "s", Data: []byte("x"), Droppable: true}},
		Kicks:   []Kick{{User: "bob", Device: "d", Session: "s", Reason: chat.Replaced}},
		Changed: []chat.UserID{"bob"},
		Related: []chat.Pair{{A: "alice", B: "bob"}},
		Rooms:   []chat.ConversationID{"r1"},
		Noted:   []Noted{{But: "bob", Body: []byte("{}")}},
		Asks:    []Ask{{ID: "1", From: "n1", Conversation: "d1", Seq: 2}},
		Answers: []Answer{{ID: "1", Node: "n1", Events: []byte("[]")}},
	}
	got, err := DecodeEnvelope(e.Encode())
	if err != nil || !reflect.DeepEqual(got, e) {
		t.Fatalf("%+v, %v", got, err)
	}
	whole := e.Encode()
	for i := range whole {
		if _, err := DecodeEnvelope(whole[:i]); err == nil {
			t.Fatalf("the first %d bytes passed for an envelope", i)
		}
	}
}

func FuzzDecodeEnvelope(f *testing.F) {
	f.Add((&Envelope{Queued: []Queued{{User: "bob"}}}).Encode())
	f.Fuzz(func(t *testing.T, p []byte) { DecodeEnvelope(p) })
}
