package phrase

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/tieline/tieline/pkg/chat"
)

func TestEveryKindAndReasonHasItsWordsInEveryLanguage(t *testing.T) {
	kinds := constants(t, "../chat/error.go", "Kind")
	reasons := constants(t, "../chat/session.go", "Reason")
	for l, c := range catalogues {
		for _, k := range kinds {
			e := c.kinds[chat.Kind(k)]
			checkWords(t, l, k+" title", e.title)
			checkWords(t, l, k+" detail", e.detail)
		}
		for _, r := range reasons {
			checkWords(t, l, "reason "+r, c.reasons[chat.Reason(r)])
		}
		for key := range c.fields {
			checkWords(t, l, "field "+key, printers[c].Sprintf(key, 7))
		}
		checkWords(t, l, "any field", c.field)
		if len(c.kinds) != len(kinds) || len(c.reasons) != len(reasons) {
			t.Errorf("%s: %d kinds, %d reasons; chat has %d, %d", l, len(c.kinds), len(c.reasons), len(kinds), len(reasons))
		}
	}
	if en, zh := slices.Sorted(maps.Keys(english.fields)), slices.Sorted(maps.Keys(chinese.fields)); !slices.Equal(en, zh) {
		t.Errorf("field codes differ:\n en %v\n zh %v", en, zh)
	}
}

// checkWords wants a sentence that is in the language it is said to be in.
func checkWords(t *testing.T, l Language, what, s string) {
	t.Helper()
	isHan := strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
	if s == "" || isHan != (l == Chinese) {
		t.Errorf("%s, %s: %q", l, what, s)
	}
}

func TestMatchFollowsAcceptLanguage(t *testing.T) {
	for header, want := range map[string]Language{
		"":                                  English,
		"en-GB,en;q=0.9":                    English,
		"zh-CN,zh;q=0.9,en;q=0.8":           Chinese,
		"zh-TW":                             Chinese,
		"zh-Hant-HK":                        Chinese,
		"en;q=0.3,zh;q=0.7":                 Chinese,
		"fr-FR,fr;q=0.9":                    English,
		"fr,zh;q=0.5":                       Chinese,
		"*":                                 English,
		"zh;q=0":                            English,
		";;;q=,,\x00":                       English,
		strings.Repeat("zz-", 4000) + "=":   English,
		strings.Repeat("a-b-c;q=0.1,", 500): English,
	} {
		if got := Match(header); got != want {
			t.Errorf("Match(%.40q) = %s, want %s", header, got, want)
		}
	}
}

func TestDetailSpeaksTheReadersLanguage(t *testing.T) {
	ended := &chat.Error{Kind: chat.SessionEnded, Reason: chat.SignedInElsewhere}
	empty := chat.InvalidField("message.text", "required", "")
	long, two := chat.OutOfBounds("query", "too_long", 254), chat.InvalidField("query", "format", "")
	two.Fields = append(two.Fields, empty.Fields...)
	own := &chat.Error{Kind: chat.Conflict, Safe: "This id was used for another message.", Err: errors.New("secret")}
	for _, test := range []struct {
		err    error
		en, zh string
	}{
		{ended, "Your account was signed in on another device.", "你的账号在其他设备登录"},
		{empty, "A message may not be empty.", "消息不能为空!"},
		{long, "query: This has at most 254 characters.", "query: 最多 254 个字符"},
		{two, english.kinds[chat.Invalid].detail, chinese.kinds[chat.Invalid].detail},
		{own, "This id was used for another message.", "与已有内容冲突"},
		{chat.E("x", chat.TokenExpired, errors.New("secret")), english.kinds[chat.TokenExpired].detail, "token 已过期! 请重新获取令牌"},
		{errors.New("secret"), english.kinds[chat.Internal].detail, chinese.kinds[chat.Internal].detail},
		{chat.E("x", "of_tomorrow", nil), english.kinds[chat.Internal].detail, chinese.kinds[chat.Internal].detail},
	} {
		if got := English.Detail(test.err); got != test.en {
			t.Errorf("en: %q, want %q", got, test.en)
		}
		if got := Chinese.Detail(test.err); got != test.zh {
			t.Errorf("zh: %q, want %q", got, test.zh)
		}
		if en, zh := Detail(test.err, ""), Detail(test.err, "zh"); en != test.en || zh != test.zh {
			t.Errorf("by header: %q, %q", en, zh)
		}
	}
	if got := Language("xx").Detail(ended); got != English.Detail(ended) {
		t.Errorf("a language that there is not: %q", got)
	}
}

func TestFieldSpeaksTheReadersLanguage(t *testing.T) {
	for _, test := range []struct {
		f      chat.FieldError
		en, zh string
	}{
		{chat.FieldError{Field: "x", Code: "too_short"}, "This is too short.", "太短了"},
		{chat.FieldError{Field: "x", Code: "too_short", Detail: "At least 3."}, "At least 3.", "太短了"},
		{chat.FieldError{Field: "x", Code: "too_short", Limit: 1}, "This has at least one character.", "至少 1 个字符"},
		{chat.FieldError{Field: "x", Code: "too_short", Limit: 2}, "This has at least 2 characters.", "至少 2 个字符"},
		{chat.FieldError{Field: "username", Code: "too_short", Limit: 2}, "A user name has at least 2 characters.", "用户名至少 2 个字符"},
		{chat.FieldError{Field: "message.text", Code: "too_long", Limit: 20000}, "A message has at most 20,000 characters.", "消息最多 20,000 个字符"},
		{chat.FieldError{Field: "message.text", Code: "required"}, "A message may not be empty.", "消息不能为空!"},
		{chat.FieldError{Field: "x", Code: "of_tomorrow"}, english.field, chinese.field},
	} {
		if en, zh := English.Field(test.f), Chinese.Field(test.f); en != test.en || zh != test.zh {
			t.Errorf("%v: %q, %q; want %q, %q", test.f, en, zh, test.en, test.zh)
		}
	}
}

// constants returns the values of a file's string constants of a type, so that
// none can be forgotten.
func constants(t *testing.T, file, typ string) (values []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		c, ok := n.(*ast.ValueSpec)
		if !ok || len(c.Values) != 1 {
			return true
		}
		if id, ok := c.Type.(*ast.Ident); ok && id.Name == typ {
			s, err := strconv.Unquote(c.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, s)
		}
		return true
	})
	if len(values) == 0 {
		t.Fatalf("no constants of type %s in %s", typ, file)
	}
	return values
}
