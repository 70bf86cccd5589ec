package moderation

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tieline/tieline/pkg/chat"
)

// A complaint that is accepted is about one thing, and fits.
func FuzzReports(f *testing.F) {
	f.Add("u", "", "", int64(0), "spam", "")
	f.Add("", "", "d1", int64(7), "spam", "\u202e\x00")
	f.Add("u", "lobby", "", int64(-1), "", strings.Repeat("😀", 3000))
	f.Fuzz(func(t *testing.T, user, room, conversation string, seq int64, reason, detail string) {
		about := chat.ReportTarget{User: chat.UserID(user), Room: chat.ConversationID(room), Conversation: chat.ConversationID(conversation), Seq: seq}
		if err := check(about, reason, detail); err != nil {
			if chat.KindOf(err) != chat.Invalid {
				t.Fatal(err)
			}
			return
		}
		named := 0
		for _, id := range []string{user, room, conversation} {
			named += min(len(id), 1)
		}
		if named != 1 || conversation != "" && seq < 1 || reason == "" || utf8.RuneCountInString(reason) > chat.MaxReason || utf8.RuneCountInString(detail) > chat.MaxDetail {
			t.Fatalf("%+v %q %q", about, reason, detail)
		}
	})
}

// What is written down is never more than fits, and the beginning of what it was.
func FuzzCuts(f *testing.F) {
	f.Add("a\xffb漢字😀", 3)
	f.Fuzz(func(t *testing.T, s string, most int) {
		most = max(most, 0) % 1000
		got := cut(s, most)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > most || !strings.HasPrefix(strings.ToValidUTF8(s, "�"), got) {
			t.Fatalf("%q cut to %d is %q", s, most, got)
		}
		if utf8.ValidString(s) && utf8.RuneCountInString(s) <= most && got != s {
			t.Fatalf("%q is cut to %q", s, got)
		}
	})
}
