package main_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/tieline/tieline/pkg/chat"
)

// S4.10: HTTP and the socket say the same of what is wrong, with its numbers, in
// the language that the request, or the handshake, asks for.
func TestBothEdgesSpeakTheReadersLanguage(t *testing.T) {
	t.Parallel()
	s := newStory(t, nodes(1))
	alice, n := s.User("alice"), s.Node("n1")
	long := fmt.Sprintf(`"id":"x","message":{"kind":"text","text":%q}`, strings.Repeat("x", chat.MaxText+1))
	for language, want := range map[string]struct{ message, username, password string }{
		"":               {"A message has at most 20,000 characters.", "A user name has at least 2 characters.", "A password has at least 8 characters."},
		"fr, en;q=0.5":   {"A message has at most 20,000 characters.", "A user name has at least 2 characters.", "A password has at least 8 characters."},
		"zh-CN,zh;q=0.9": {"消息最多 20,000 个字符", "用户名至少 2 个字符", "密码至少 8 个字符"},
	} {
		a := n.Asks("POST", "/api/v1/conversations/lobby/messages", alice.grant.AccessToken, "{"+long+"}", "Accept-Language", language)
		if a.is(s, 422, chat.Invalid); a.Detail != want.message || len(a.Errors) != 1 || a.Errors[0].Detail != want.message {
			t.Errorf("%q: over HTTP one is told %q, %+v", language, a.Detail, a.Errors)
		}
		conn := opened(t, alice.device, n, language)
		if f := tells(t, conn, websocket.TextMessage, `{"type":"send","to":{"room":"lobby"},`+long+`}`); f.Code != chat.Invalid || f.Detail != want.message {
			t.Errorf("%q: over the socket one is told %s, %q", language, f.Code, f.Detail)
		}
		a = n.Asks("POST", "/api/v1/auth/register", "", `{"username":"a","password":"short"}`, "Accept-Language", language)
		if a.is(s, 422, chat.Invalid); len(a.Errors) != 2 || a.Errors[0].Detail != want.username || a.Errors[1].Detail != want.password {
			t.Errorf("%q: of a sign-up one is told %+v", language, a.Errors)
		}
	}
}
