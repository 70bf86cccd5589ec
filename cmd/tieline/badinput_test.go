package main_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// tell writes a frame as it stands and returns what comes back.
func tells(t *testing.T, conn *websocket.Conn, kind int, raw string) frame {
	t.Helper()
	if err := conn.WriteMessage(kind, []byte(raw)); err != nil {
		t.Fatalf("%.80q: %v", raw, err)
	}
	f, text, err := first(conn)
	if err != nil {
		t.Fatalf("%.80q: %v", raw, err)
	}
	if !compact(text) || !strings.HasPrefix(string(text), `{"type":"`) {
		t.Errorf("%.80q: %s is not compact, or does not begin with its type", raw, text)
	}
	return f
}

// opened is a socket by hand, past its welcome and what was missed.
func opened(t *testing.T, d *device, n *node, language string) *websocket.Conn {
	t.Helper()
	conn := n.Knock().Header("Authorization", "Bearer "+d.grant.AccessToken).Header("Accept-Language", language).dial()
	t.Cleanup(func() { conn.Close() })
	for {
		f, text, err := first(conn)
		if err != nil || f.Type == wire.Kicked {
			t.Fatalf("%v %s", err, text)
		}
		if f.Type == wire.Synced {
			return conn
		}
	}
}

// S1.7, S4.10, section 3: what makes no sense is answered in the reader's
// language, with its id where that could be read, and the socket goes on.
func TestFramesThatAreRefused(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob := s.User("alice"), s.User("bob")
	bob.On("n2")
	to := fmt.Sprintf(`"to":{"user":%q}`, bob.ID)
	send := func(rest string) string { return `{"type":"send","id":"x",` + rest + `}` }
	text := func(s string) string { return send(to + `,"message":{"kind":"text","text":"` + s + `"}`) }
	long := strings.Repeat("x", 65)
	const malformed, invalid, missing = chat.Malformed, chat.Invalid, chat.NotFound
	conn := opened(t, alice.device, s.Node("n1"), "zh")
	count := 0
	for _, c := range []struct {
		raw    string
		code   chat.Kind
		re     string
		detail string
	}{
		{``, malformed, "", ""}, {`{`, malformed, "", ""}, {`[]`, malformed, "", ""}, {`null`, malformed, "", ""}, {`"send"`, malformed, "", ""},
		{`{"type":"ping"} {}`, malformed, "", ""}, {`{"type":5,"id":"x"}`, malformed, "x", ""}, {"{\"type\":\"ping\",\"id\":\"\xff\"}", malformed, "", ""},
		{`{"type":"send","id":"x","message":[]}`, malformed, "x", ""}, {strings.Repeat(`[`, 60_000), malformed, "", ""},
		{`{"a":` + strings.Repeat(`[`, 30_000) + strings.Repeat(`]`, 30_000) + `}`, malformed, "", ""}, {`{}`, malformed, "", "无法理解该请求!"},
		{`{"type":"nonsense","id":"x"}`, invalid, "x", ""}, {`{"type":"welcome","id":"x"}`, invalid, "x", ""},
		{`{"type":"send",` + to + `,"message":{"kind":"text","text":"x"}}`, invalid, "", ""},
		{`{"type":"ping","id":"` + long + `"}`, invalid, "", "id: 最多 64 个字符"},
		{text(""), invalid, "x", "消息不能为空!"}, {text(`  \n\t\u3000`), invalid, "x", "消息不能为空!"}, // S1.7
		{text(strings.Repeat("界", chat.MaxText+1)), invalid, "x", "消息最多 20,000 个字符"},
		{send(to), invalid, "x", ""}, {send(to + `,"message":{}`), invalid, "x", ""}, {send(`"message":{"kind":"text","text":"x"}`), invalid, "x", ""},
		{send(to + `,"message":{"kind":"system","text":"x"}`), invalid, "x", ""}, {send(to + `,"message":{"kind":"image"}`), invalid, "x", ""},
		{send(`"to":{},"message":{"kind":"text","text":"x"}`), invalid, "x", ""},
		{send(`"to":{"user":"a","room":"lobby"},"message":{"kind":"text","text":"x"}`), invalid, "x", ""},
		{send(`"to":{"user":"` + long + `"},"message":{"kind":"text","text":"x"}`), invalid, "x", ""},
		{send(`"to":{"user":"nobody"},"message":{"kind":"text","text":"x"}`), missing, "x", ""},
		{send(`"to":{"user":"\u0000 ' ÿ 😀"},"message":{"kind":"text","text":"x"}`), missing, "x", ""},
		{send(`"to":{"room":"nowhere"},"message":{"kind":"text","text":"x"}`), missing, "x", ""},
		{send(`"to":{"conversation":"nowhere"},"message":{"kind":"text","text":"x"}`), missing, "x", ""},
		{send(to + `,"message":{"kind":"text","text":"x","reply_to":-1}`), invalid, "x", ""},
		{send(to + `,"message":{"kind":"text","text":"x","mentions":["` + strings.Repeat(`a","`, chat.MaxMentions) + `a"]}`), invalid, "x", "一条消息最多提及 100 人"},
		{`{"type":"received","id":"x"}`, invalid, "x", ""}, {`{"type":"received","id":"x","offset":"garbage"}`, invalid, "x", ""},
		{`{"type":"received","id":"x","offset":"1.9999999999999999.1"}`, invalid, "x", ""},
		{`{"type":"read","id":"x","conversation":"nowhere","seq":1}`, missing, "x", ""}, {`{"type":"read","id":"x","conversation":"lobby"}`, invalid, "x", ""},
		{`{"type":"read","id":"x","conversation":"lobby","seq":-1}`, invalid, "x", ""},
		{`{"type":"history","id":"x","conversation":"nowhere"}`, missing, "x", ""}, {`{"type":"history","id":"x"}`, invalid, "x", ""},
		{`{"type":"signal","id":"x",` + to + `}`, invalid, "x", ""}, {`{"type":"signal","id":"x","to":{"user":"nobody"},"data":1}`, missing, "x", ""},
		{`{"type":"signal","id":"x",` + to + `,"data":"` + strings.Repeat("x", wire.MaxSignal) + `"}`, chat.TooLarge, "x", ""},
		{`{"type":"typing","id":"x"}`, invalid, "x", ""}, {`{"type":"typing","id":"x","to":{"user":"nobody"},"on":true}`, missing, "x", ""},
		{`{"type":"watch","id":"x","users":["` + strings.Repeat(`a","`, wire.MaxUsers) + `a"]}`, invalid, "x", "一次最多 500 人"}, {`{"type":"watch","id":"x","users":[""]}`, invalid, "x", ""},
	} {
		if c.code == malformed {
			if count++; count%(wire.MaxMalformed-1) == 0 { // the 20th in a minute would be the last
				conn = opened(t, alice.device, s.Node("n1"), "zh")
			}
		}
		f := tells(t, conn, websocket.TextMessage, c.raw)
		if f.Type != wire.Error || f.Code != c.code || f.Re != c.re || f.Retry || f.Detail == "" || c.detail != "" && f.Detail != c.detail {
			t.Errorf("%.120q is answered %s %s, re %q, %q, retry %v; want %s, re %q, %q", c.raw, f.Type, f.Code, f.Re, f.Detail, f.Retry, c.code, c.re, c.detail)
		}
	}
	if f := tells(t, conn, websocket.TextMessage, `{"type":"ping","id":"`+long[:64]+`","on":7e0,"more":{"of":["it"]}}`); f.Code != malformed && f.Type != wire.Pong {
		t.Errorf("a ping is answered %+v", f)
	}
	if f := tells(t, conn, websocket.TextMessage, `{"more":{"of":["it"]},"type":"ping"}`); f.Type != wire.Pong || f.Re != "" {
		t.Errorf("a ping without an id is answered %+v", f)
	}
	if f := tells(t, conn, websocket.TextMessage, text("after all")); f.Type != wire.Ack {
		t.Errorf("a message is answered %+v", f)
	}
	bob.Hears("after all")
	bob.HearsNothing()
}

// Section 3: a frame may have 64 KiB and no more, and the 20th malformed one in
// a minute ends the socket; nobody else notices.
func TestSocketsThatEndByWhatTheySay(t *testing.T) {
	t.Parallel()
	s := newStory(t, nodes(1))
	alice, bob, n := s.User("alice"), s.User("bob"), s.Node("n1")
	bob.On("n1")
	pad := func(size int) string {
		const head, tail = `{"type":"ping","pad":"`, `"}`
		return head + strings.Repeat("x", size-len(head)-len(tail)) + tail
	}
	for _, kind := range []int{websocket.TextMessage, websocket.BinaryMessage} {
		conn := opened(t, alice.device, n, "")
		if kind == websocket.TextMessage {
			if f := tells(t, conn, kind, pad(wire.MaxFrame)); f.Type != wire.Pong {
				t.Errorf("a frame of 64 KiB is answered %+v", f)
			}
		}
		conn.WriteMessage(kind, []byte(pad(wire.MaxFrame+1)))
		if _, text, err := first(conn); !websocket.IsCloseError(err, wire.CloseTooBig) {
			t.Errorf("a frame that is too big is answered %s, %v", text, err)
		}
	}
	conn := opened(t, alice.device, n, "")
	for range wire.MaxMalformed {
		tells(t, conn, websocket.TextMessage, "?")
	}
	if _, text, err := first(conn); !websocket.IsCloseError(err, wire.CloseMalformed) {
		t.Errorf("after %d malformed frames: %s, %v", wire.MaxMalformed, text, err)
	}
	conn = opened(t, alice.device, n, "") // and may come back
	for range wire.MaxMalformed - 1 {
		tells(t, conn, websocket.TextMessage, "?")
	}
	for range wire.MaxMalformed { // what is understood and refused does not count
		tells(t, conn, websocket.TextMessage, `{"type":"nonsense"}`)
	}
	if f := tells(t, conn, websocket.TextMessage, `{"type":"ping"}`); f.Type != wire.Pong {
		t.Errorf("a ping is answered %+v", f)
	}
	bob.StaysOn()
}
