package account

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tieline/tieline/pkg/chat"
	"pgregory.net/rapid"
)

// What is accepted of a profile fits its columns, and is accepted again as it
// was kept.
func FuzzProfileChanges(f *testing.F) {
	f.Add("Ann", "female", "hello\n\tworld", "ann@x.org", "+12345", "dark", "zh-CN")
	f.Add("ﷺ\u202e", "x", "\x00", "é@é", "()", "\u2028", "x-klingon")
	f.Add("", "", "\r\n\r", "", " ", "", "en-u-ca-gregory")
	f.Fuzz(func(t *testing.T, nickname, sex, bio, email, phone, theme, locale string) {
		a := chat.Account{User: chat.User{Username: "ann"}}
		var p problems
		apply := ProfileChange{&nickname, &sex, &bio, &email, &phone, &theme, &locale}.check(&p)
		if len(p) > 0 {
			return
		}
		apply(&a)
		for _, s := range []struct {
			text string
			most int
		}{{a.Nickname, 64}, {a.NicknameKey, 255}, {a.Sex, 16}, {a.Bio, MaxBio}, {a.Email, 254}, {a.EmailKey, 254}, {a.Phone, 32}, {a.Theme, 64}, {a.Locale, 64}} {
			if !utf8.ValidString(s.text) || utf8.RuneCountInString(s.text) > s.most || strings.ContainsRune(s.text, 0) {
				t.Fatalf("%q does not fit", s.text)
			}
		}
		b := a
		again := ProfileChange{&a.Nickname, &a.Sex, &a.Bio, &a.Email, &a.Phone, &a.Theme, &a.Locale}.check(&p)
		again(&b)
		if len(p) > 0 || a != b {
			t.Fatalf("%+v becomes %+v, with %v", a, b, p)
		}
	})
}

// A code is read back however it is typed: with spaces and dashes anywhere, in
// the digits of another keyboard.
func TestTypedCodesReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		code := newDigits()
		var typed strings.Builder
		for _, digit := range code {
			typed.WriteString(rapid.SampledFrom([]string{"", "", " ", "-", " - "}).Draw(t, "between"))
			if rapid.Bool().Draw(t, "wide") {
				digit += '０' - '0'
			}
			typed.WriteRune(digit)
		}
		if got := typedDigits(typed.String()); got != code {
			t.Fatalf("%q is read as %q", typed.String(), got)
		}
	})
}

func FuzzTypedCodes(f *testing.F) {
	for _, s := range []string{"12345678", "1234 5678", "１２３４５６７８", "١٢٣٤٥٦٧٨", "1234567", "12345678\x00", "⑧⑧⑧⑧⑧⑧⑧⑧", strings.Repeat(" ", 100)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		if got := typedDigits(typed); got != "" && (len(got) != mailedDigits || strings.Trim(got, "0123456789") != "") {
			t.Fatalf("%q is read as %q", typed, got)
		}
	})
}
