package wire

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// The golden frames in testdata are the protocol by example, and other clients
// test against them too: change one only with the protocol itself.
var update = flag.Bool("update", false, "write the golden frames anew")

var (
	at     = Time{time.Date(2026, 11, 21, 8, 30, 0, 5_000_000, time.UTC)}
	edited = time.Date(2026, 11, 21, 8, 31, 0, 0, time.UTC)
)

// clientFrames is one frame of each type that a client sends.
var clientFrames = map[string]ClientFrame{
	"send": {Type: Send, ID: "c-1", To: &Target{User: "u-bob"}, Message: &Draft{
		Kind: chat.Text, Text: "你好, Bob 😀", Media: "m-1", ReplyTo: 41, Mentions: []chat.UserID{"u-bob"},
	}},
	"send_room":         {Type: Send, ID: "c-2", To: &Target{Room: chat.Lobby}, Message: &Draft{Kind: chat.Text, Text: "hello"}},
	"send_conversation": {Type: Send, ID: "c-3", To: &Target{Conversation: "d-ab"}, Message: &Draft{Kind: chat.Image, Media: "m-2"}},
	"received":          {Type: Received, Offset: "g1-1732-0"},
	"read":              {Type: Read, Conversation: "d-ab", Seq: 42},
	"typing":            {Type: Typing, To: &Target{User: "u-bob"}, On: true},
	"signal":            {Type: Signal, ID: "c-4", To: &Target{User: "u-bob"}, Data: json.RawMessage(`{"sdp":"v=0"}`)},
	"watch":             {Type: Watch, Users: []chat.UserID{"u-bob", "u-carol"}},
	"unwatch":           {Type: Unwatch, Users: []chat.UserID{"u-carol"}},
	"history":           {Type: History, ID: "c-5", Conversation: "d-ab", BeforeSeq: 42, AfterSeq: 7, Limit: 50},
	"ping":              {Type: Ping, ID: "c-6"},
}

// message is one message with every field set, as its own sender finds it.
func message() *chat.Message {
	return &chat.Message{
		Draft:        chat.Draft{Kind: chat.Text, Text: "你好, Bob 😀 <b>", Media: "m-1", ReplyTo: 41, Mentions: []chat.UserID{"u-bob"}},
		Conversation: "d-ab", Seq: 42, ClientID: "c-1",
		From: chat.Person{ID: "u-alice", Username: "alice", Nickname: "Alice", AvatarURL: "/media/a.png"},
		To:   chat.Target{User: "u-bob"}, At: at.Time, EditedAt: edited,
	}
}

// serverFrames is one frame of each type that the server sends, as bytes.
func serverFrames() map[string][]byte {
	body := EncodeMessage(message(), "u-bob")
	plain := &chat.Message{
		Draft: chat.Draft{Kind: chat.System}, Conversation: chat.Lobby, Seq: 1, Recalled: true,
		From: chat.Person{ID: "u-alice", Username: "alice"}, To: chat.Target{Room: chat.Lobby}, At: at.Time,
	}
	return map[string][]byte{
		"welcome": Encode(WelcomeFrame{
			Type: Welcome, Session: "s-1", User: "u-alice", Device: "phone", Node: "n-1", Offset: "g1-1732-0",
			Resumed: true, Queued: 3, HeartbeatMS: 25000, Time: at,
		}),
		"message":        AppendQueued(nil, Message, "g1-1733-0", body),
		"message_own":    AppendQueued(nil, Message, "g1-1733-0", EncodeMessage(message(), "u-alice")),
		"message_system": AppendQueued(nil, Message, "g1-1734-0", EncodeMessage(plain, "u-bob")),
		"gap":            Encode(GapFrame{Type: Gap, Conversation: "d-ab", AfterSeq: 7, BeforeSeq: 1042}),
		"synced":         Encode(SyncedFrame{Type: Synced, Offset: "g1-1733-0", Count: 3, Source: SourceQueue}),
		"ack":            Encode(AckFrame{Type: Ack, Re: "c-1", Conversation: "d-ab", Seq: 42, At: at, Live: true}),
		"error":          Encode(ErrorFrame{Type: Error, Re: "c-1", Code: chat.Unavailable, Detail: "try again", Retry: true}),
		"error_ended":    Encode(ErrorFrame{Type: Error, Code: chat.SessionEnded, Detail: "signed out", Reason: chat.SignedInElsewhere}),
		"history":        Encode(HistoryFrame{Type: History, Re: "c-5", Items: []json.RawMessage{body}}),
		"receipt":        Encode(ReceiptFrame{Type: Receipt, Conversation: "d-ab", User: "u-bob", Seq: 42}),
		"presence": Encode(PresenceFrame{Type: Presence, Users: map[chat.UserID]PresenceStatus{
			"u-bob":   {Online: true, Devices: []chat.Platform{chat.IOS, chat.Web}},
			"u-carol": {Devices: []chat.Platform{}, LastSeen: &at},
		}}),
		"typing":        Encode(TypingFrame{Type: Typing, From: "u-alice", To: Target{User: "u-bob"}, On: true}),
		"signal":        Encode(SignalFrame{Type: Signal, From: "u-alice", To: Target{User: "u-bob"}, Data: json.RawMessage(`{"sdp":"v=0"}`)}),
		"event":         AppendQueued(nil, Event, "g1-1735-0", EncodeEvent(&chat.Event{Name: chat.ProfileUpdated, Data: chat.EventData{User: &chat.Person{ID: "u-bob", Username: "bob", Nickname: "Bob"}}})),
		"event_request": AppendQueued(nil, Event, "g1-1736-0", EncodeEvent(&chat.Event{To: "u-alice", Name: chat.FriendRequested, Data: chat.EventData{Request: request(chat.RequestIgnored)}})),
		"event_friend": AppendQueued(nil, Event, "g1-1737-0", EncodeEvent(&chat.Event{To: "u-alice", Name: chat.FriendAccepted, Data: chat.EventData{
			User: &chat.Person{ID: "u-bob", Username: "bob", Nickname: "Bob"}, Request: request(chat.RequestAccepted),
			Relation: &chat.Relation{Friend: true, Label: chat.Label{Remark: "Bobby", Moments: chat.Moments{HideMine: true}}},
		}})),
		"kicked": Encode(KickedFrame{Type: Kicked, Reason: chat.Replaced, Device: "phone"}),
		"drain":  Encode(DrainFrame{Type: Drain, ReconnectInMS: 1500}),
		"pong":   Encode(PongFrame{Type: Pong, Re: "c-6"}),
	}
}

// request is what alice asked bob, and what became of it.
func request(state chat.RequestState) *chat.FriendRequest {
	return &chat.FriendRequest{
		ID: "r-1", From: chat.Person{ID: "u-alice", Username: "alice", Nickname: "Alice", AvatarURL: "/a.png"},
		To:      chat.Person{ID: "u-bob", Username: "bob", Nickname: "Bob"},
		Message: "it's me", State: state, CreatedAt: at.Time, HandledAt: at.Time,
	}
}

func TestClientFramesAreGolden(t *testing.T) {
	for name, frame := range clientFrames {
		t.Run(name, func(t *testing.T) {
			want := golden(t, "client_"+name, Encode(frame))
			if got := Encode(frame); string(got) != want {
				t.Errorf("encoded\n got %s\nwant %s", got, want)
			}
			got, err := Decode([]byte(want))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, frame) {
				t.Errorf("decoded\n got %+v\nwant %+v", got, frame)
			}
		})
	}
}

func TestServerFramesAreGolden(t *testing.T) {
	for name, frame := range serverFrames() {
		t.Run(name, func(t *testing.T) {
			if want := golden(t, "server_"+name, frame); string(frame) != want {
				t.Errorf("encoded\n got %s\nwant %s", frame, want)
			}
			if !strings.HasPrefix(string(frame), `{"type":"`) {
				t.Errorf("type is not the first field: %s", frame)
			}
			if !json.Valid(frame) {
				t.Errorf("not JSON: %s", frame)
			}
		})
	}
}

func TestEveryGoldenFileHasItsFrame(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden frames: %v", err)
	}
	server := serverFrames()
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		_, ofClient := clientFrames[strings.TrimPrefix(name, "client_")]
		_, ofServer := server[strings.TrimPrefix(name, "server_")]
		if !ofClient && !ofServer {
			t.Errorf("%s shows a frame that no test makes", file)
		}
	}
}

// golden returns the frame in a golden file, after writing it there with -update.
func golden(t *testing.T, name string, now []byte) string {
	t.Helper()
	path := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.WriteFile(path, append(now, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(string(b), "\n")
}
