package handlers

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/phrase"
)

// kinds reads the kinds out of package chat, so that none can be forgotten.
func kinds(t *testing.T) (all []chat.Kind) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "../pkg/chat/error.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if c, ok := n.(*ast.ValueSpec); ok && len(c.Values) == 1 {
			if id, ok := c.Type.(*ast.Ident); ok && id.Name == "Kind" {
				s, _ := strconv.Unquote(c.Values[0].(*ast.BasicLit).Value)
				all = append(all, chat.Kind(s))
			}
		}
		return true
	})
	return all
}

// S4.10: errors in the language of the user.
func TestEveryKindIsAProblemInBothLanguages(t *testing.T) {
	all := kinds(t)
	if len(all) == 0 || len(all) != len(statuses) {
		t.Fatalf("%d kinds, %d statuses", len(all), len(statuses))
	}
	for _, k := range all {
		b := newBench(t)
		b.anyStatus = true
		b.accounts.authErr = &chat.Error{Kind: k, Op: "store.secret", Err: errors.New("secret cause")}
		for header, l := range map[string]phrase.Language{"en-GB": phrase.English, "zh-CN,zh;q=0.9": phrase.Chinese} {
			a := b.do("GET", "/api/v1/me", "", as("alice"), with("Accept-Language", header))
			p := b.refused(statuses[k], string(k), "", "GET", "/api/v1/me", "", as("alice"), with("Accept-Language", header))
			if p.Title != l.Title(k) || p.Detail != l.Detail(chat.E("", k, nil)) || p.Type != "/docs#"+string(k) {
				t.Errorf("%s in %s: %+v", k, l, p)
			}
			if strings.Contains(string(a.body), "secret") {
				t.Errorf("%s shows its cause: %s", k, a.body)
			}
			if (a.header.Get("Retry-After") != "") != k.Retryable() {
				t.Errorf("%s: Retry-After %q", k, a.header.Get("Retry-After"))
			}
			if a.header.Get("Content-Language") != string(l) || !strings.Contains(a.header.Get("Vary"), "Accept-Language") {
				t.Errorf("%s in %s: %v", k, l, a.header)
			}
			if (a.header.Get("WWW-Authenticate") != "") != (a.status == http.StatusUnauthorized) {
				t.Errorf("%s: WWW-Authenticate %q", k, a.header.Get("WWW-Authenticate"))
			}
		}
	}
}

func TestProblemsSayWhatTheErrorKnows(t *testing.T) {
	b := newBench(t)
	b.anyStatus = true
	b.accounts.authErr = &chat.Error{Kind: chat.SessionEnded, Reason: chat.SignedInElsewhere}
	b.want(401, `{"type":"/docs#session_ended","title":"登录过期","status":401,"code":"session_ended",
		"detail":"你的账号在其他设备登录","reason":"signed_in_elsewhere"}`,
		"GET", "/api/v1/me", "", as("alice"), with("Accept-Language", "zh"))

	b.accounts.authErr = &chat.Error{Kind: chat.Invalid, Fields: []chat.FieldError{
		{Field: "username", Code: "too_short", Detail: "At least 3."}, {Field: "message.text", Code: "required"},
	}}
	b.want(422, `{"type":"/docs#invalid","title":"Invalid request","status":422,"code":"invalid",
		"detail":"Something in the request is not allowed.","errors":[
			{"field":"username","code":"too_short","detail":"At least 3."},
			{"field":"message.text","code":"required","detail":"A message may not be empty."}]}`,
		"GET", "/api/v1/me", "", as("alice"))

	b.accounts.authErr = &chat.Error{Kind: chat.RateLimited, Retry: 1500 * time.Millisecond}
	if a := b.do("GET", "/api/v1/me", "", as("alice")); a.header.Get("Retry-After") != "2" {
		t.Errorf("Retry-After %q, want 2", a.header.Get("Retry-After"))
	}
}

func TestErrorsWithoutAKindAreInternal(t *testing.T) {
	for _, err := range []error{errors.New("secret"), chat.E("x", "of_tomorrow", errors.New("secret"))} {
		b := newBench(t)
		b.accounts.authErr = err
		p := b.refused(500, "internal", "", "GET", "/api/v1/me", "", as("alice"))
		if strings.Contains(p.Detail, "secret") {
			t.Errorf("the client is told %q", p.Detail)
		}
		if !strings.Contains(b.log.String(), "secret") {
			t.Errorf("the log does not know why: %s", b.log)
		}
	}
}

func TestAPanicIsInternalAndToldToNobody(t *testing.T) {
	b := newBench(t)
	b.accounts.search = func(chat.UserID, string, string, int) ([]chat.User, string, error) { panic("secret dsn") }
	p := b.refused(500, "internal", "", "GET", "/api/v1/users", "", as("alice"))
	if strings.Contains(p.Detail, "secret") {
		t.Errorf("the client is told %q", p.Detail)
	}
	if log := b.log.String(); !strings.Contains(log, "secret dsn") || !strings.Contains(log, "error_test.go") {
		t.Errorf("the log does not know where: %s", log)
	}
	b.want(200, "", "GET", "/healthz", "")
}
