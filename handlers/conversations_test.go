package handlers

import (
	"reflect"
	"strings"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/messaging"
)

// said is message 42 of the conversation of alice and bob.
func said() chat.Message {
	return chat.Message{
		Draft: chat.Draft{Kind: chat.Text, Text: "你好 😀"}, Conversation: "d-ab", Seq: 42, ClientID: "c-1",
		From: alice.Person(), To: chat.Target{User: bob.ID}, At: born,
	}
}

const (
	saidForBob = `"conversation":"d-ab","seq":42,"id":"d-ab.42","from":{"id":"u-alice","username":"alice","nickname":"Alice","avatar_url":"/a.png"},
		"to":{"user":"u-bob"},"kind":"text","text":"你好 😀","at":"2026-11-21T08:30:00.005Z"`
	withBob = `"id":"d-ab","kind":"direct","peer":{"id":"u-bob","username":"bob","nickname":"","avatar_url":""}`
)

// S4.5
func TestConversationsAreListed(t *testing.T) {
	b := newBench(t)
	last := said()
	b.messenger.overview = func(cursor string, limit int) ([]chat.Overview, string, error) {
		if cursor != "x" || limit != 2 {
			t.Errorf("cursor %q, limit %d", cursor, limit)
		}
		return []chat.Overview{
			{Conversation: chat.Conversation{ID: "d-ab", Direct: true, LastSeq: 42}, Peer: bob, Last: &last, ReadSeq: 40, Unread: 1},
			{Conversation: chat.Conversation{ID: "lobby", Name: "Lobby"}, Muted: true},
		}, "y", nil
	}
	b.want(200, `{"items":[
		{`+withBob+`,"last_message":{`+saidForBob+`,"client_id":"c-1"},"last_seq":42,"read_seq":40,"unread":1,"muted":false},
		{"id":"lobby","kind":"room","room":{"id":"lobby","name":"Lobby"},"last_seq":0,"read_seq":0,"unread":0,"muted":true}],"next":"y"}`,
		"GET", "/api/v1/conversations?cursor=x&limit=2", "", as("alice"))
}

// S4.9
func TestADirectConversationIsOpened(t *testing.T) {
	b := newBench(t)
	b.messenger.open = func(user, peer chat.UserID) (chat.Overview, error) {
		if peer != bob.ID {
			return chat.Overview{}, chat.E("x", chat.NotFound, nil)
		}
		return chat.Overview{Conversation: chat.Conversation{ID: "d-ab", Direct: true}, Peer: bob}, nil
	}
	b.want(201, `{`+withBob+`,"last_seq":0,"read_seq":0,"unread":0,"muted":false}`,
		"POST", "/api/v1/conversations/direct", `{"user":"u-bob"}`, as("alice"))
	b.refused(404, "not_found", "", "POST", "/api/v1/conversations/direct", `{"user":"u-nobody"}`, as("alice"))
	b.refused(422, "invalid", "user", "POST", "/api/v1/conversations/direct", `{}`, as("alice"))
	b.refused(422, "invalid", "user", "POST", "/api/v1/conversations/direct", `{"user":"\u0000"}`, as("alice"))
	b.refused(422, "invalid", "user", "POST", "/api/v1/conversations/direct", `{"user":7}`, as("alice"))
}

// S0.7
func TestHistoryIsPagedByBothBounds(t *testing.T) {
	b := newBench(t)
	var asked messaging.Page
	b.messenger.history = func(u chat.UserID, c chat.ConversationID, p messaging.Page) ([]chat.Message, error) {
		if u != bob.ID || c != "d-ab" {
			t.Errorf("%s, %s", u, c)
		}
		asked = p
		return []chat.Message{said()}, nil
	}
	const path = "/api/v1/conversations/d-ab/messages"
	for query, want := range map[string]messaging.Page{
		"":                                  {Limit: 50},
		"?limit=0":                          {Limit: 50},
		"?limit=201":                        {Limit: 200},
		"?limit=99999999999999999999999":    {Limit: 200},
		"?before_seq=43&after_seq=7":        {Before: 43, After: 7, Limit: 50},
		"?after_seq=0":                      {Before: 51, Limit: 50}, // the oldest, not the newest
		"?after_seq=0&before_seq=301":       {Before: 51, Limit: 50},
		"?after_seq=0&before_seq=3&limit=9": {Before: 3, Limit: 9},
		"?before_seq=9223372036854775807":   {Before: 9223372036854775807, Limit: 50},
		"?after_seq=9999999999999999999999": {After: 9223372036854775807, Limit: 50},
	} {
		b.want(200, `{"items":[{`+saidForBob+`}]}`, "GET", path+query, "", as("bob"))
		if asked != want {
			t.Errorf("%s asks for %+v, want %+v", query, asked, want)
		}
	}
	for query, field := range map[string]string{
		"?limit=-1": "limit", "?limit=x": "limit", "?limit=1.5": "limit", "?limit=-99999999999999999999": "limit",
		"?before_seq=-1": "before_seq", "?after_seq=-1": "after_seq", "?before_seq=%00": "before_seq", "?after_seq=1e3": "after_seq",
	} {
		b.refused(422, "invalid", field, "GET", path+query, "", as("bob"))
	}
}

// S0.6, S1.7
func TestAMessageIsPostedAndAcknowledged(t *testing.T) {
	b := newBench(t)
	var got messaging.Outgoing
	b.messenger.send = func(o messaging.Outgoing) (messaging.Sent, error) {
		got = o
		return messaging.Sent{Conversation: "d-ab", Seq: 42, At: born, Live: true}, o.Draft.Check()
	}
	const path = "/api/v1/conversations/d-ab/messages"
	b.want(201, `{"re":"c-1","conversation":"d-ab","seq":42,"at":"2026-11-21T08:30:00.005Z","live":true}`, "POST", path,
		`{"id":"c-1","to":{"room":"elsewhere"},"message":{"kind":"text","text":"hi","media":"m","reply_to":7,"mentions":["u-bob"]}}`, as("alice"))
	want := messaging.Outgoing{
		From: alice.Person(), Device: "phone", ClientID: "c-1", To: chat.Target{Conversation: "d-ab"},
		Draft: chat.Draft{Kind: chat.Text, Text: "hi", Media: "m", ReplyTo: 7, Mentions: []chat.UserID{"u-bob"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("sent %+v\nwant %+v", got, want)
	}
	p := b.refused(422, "invalid", "message.text", "POST", path, `{"id":"c-2","message":{"kind":"text","text":" "}}`, as("alice"), with("Accept-Language", "zh"))
	if p.Detail != "消息不能为空!" {
		t.Errorf("detail %q", p.Detail)
	}
	b.refused(422, "invalid", "id", "POST", path, `{"message":{"kind":"text","text":"hi"}}`, as("alice"))
	b.refused(422, "invalid", "id", "POST", path, `{"id":"`+strings.Repeat("x", 65)+`","message":{"kind":"text","text":"hi"}}`, as("alice"))
	b.refused(422, "invalid", "message", "POST", path, `{"id":"c-1"}`, as("alice"))
	b.refused(422, "invalid", "message.text", "POST", path, `{"id":"c-1","message":{"kind":"text","text":7}}`, as("alice"))
	b.refused(404, "not_found", "", "POST", "/api/v1/conversations/%00/messages", `{"id":"c-1","message":{"kind":"text","text":"hi"}}`, as("alice"))
}

func TestTheLongestMessageFits(t *testing.T) {
	b := newBench(t)
	b.messenger.send = func(o messaging.Outgoing) (messaging.Sent, error) {
		return messaging.Sent{Conversation: "d-ab", Seq: 1, At: born}, o.Draft.Check()
	}
	escaped := strings.Repeat(`\ud83d\ude00`, chat.MaxText)
	b.want(201, "", "POST", "/api/v1/conversations/d-ab/messages", `{"id":"c-1","message":{"kind":"text","text":"`+escaped+`"}}`, as("alice"))
}

func TestReadingIsNoted(t *testing.T) {
	b := newBench(t)
	b.messenger.read = func(who chat.Identity, s chat.SessionID, c chat.ConversationID, seq int64) error {
		if who != asAlice || s != "" || c != "d-ab" || seq != 42 {
			t.Errorf("%v, %q, %s, %d", who, s, c, seq)
		}
		return nil
	}
	const path = "/api/v1/conversations/d-ab/read"
	b.want(204, "", "PUT", path, `{"seq":42}`, as("alice"))
	for _, body := range []string{`{}`, `{"seq":0}`, `{"seq":-1}`, `{"seq":"42"}`, `{"seq":1.5}`, `{"seq":99999999999999999999}`} {
		b.refused(422, "invalid", "seq", "PUT", path, body, as("alice"))
	}
}
