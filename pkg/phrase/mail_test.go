package phrase

import (
	"strings"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
)

func TestEveryMailIsWrittenInEveryLanguage(t *testing.T) {
	kinds := constants(t, "../chat/mail.go", "MailKind")
	for l, c := range catalogues {
		for _, k := range kinds {
			hasCode := strings.HasSuffix(k, "_code")
			subject, text := l.Mail(chat.Mail{Kind: chat.MailKind(k), Code: "12345678"})
			checkWords(t, l, k+" subject", subject)
			checkWords(t, l, k+" text", text)
			if strings.Contains(text, "1234 5678") != hasCode || strings.ContainsAny(subject+text, "{}\r") || strings.Contains(subject, "\n") || !strings.HasSuffix(text, "\n") {
				t.Errorf("%s, %s: %q\n%s", l, k, subject, text)
			}
		}
		if len(c.mails) != len(kinds) {
			t.Errorf("%s: %d mails; chat has %d", l, len(c.mails), len(kinds))
		}
	}
}
