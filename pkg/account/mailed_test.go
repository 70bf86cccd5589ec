package account_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tieline/tieline/pkg/account"
	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/store"
	"github.com/tieline/tieline/pkg/store/storetest"
)

// S4.1: signing up with a code that is sent by e-mail. It may be typed as people
// do, survives what was wrong besides, and works once.
func TestSigningUpWithACode(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := in(t, db, account.Options{Registration: account.Email})
		try := func(name, email, code string) error {
			_, err := p.Register(p.ctx, account.Registration{Username: name, Password: goodPassword, Email: email, EmailCode: code})
			return err
		}
		wants(t, p.EmailCode(p.ctx, " Ann@Example.org ", chat.ForSignUp, "zh"), "")
		m := p.mail()
		if m.To != "Ann@Example.org" || m.Kind != chat.MailSignUpCode || m.Language != "zh" || len(m.Code) != 8 {
			t.Fatalf("%+v", m)
		}
		wants(t, p.EmailCode(p.ctx, "ann@example.org", chat.ForSignUp, "zh"), chat.RateLimited)
		wants(t, try("ann", "ann@example.org", ""), chat.CodeInvalid)
		wants(t, try("ann", "ann@example.org", "0000000"), chat.CodeInvalid)
		wants(t, try("ann", "bob@example.org", m.Code), chat.CodeInvalid) // was sent to somebody else
		if got := complaints(try("", "ann@example.org", m.Code)); got != "username required" {
			t.Error(got)
		}
		typed := fmt.Sprintf(" %s-%s", m.Code[:3], strings.Join(strings.Split(m.Code[3:], ""), " "))
		wants(t, try("ann", "ANN@example.org", typed), "")
		wants(t, try("eve", "ann@example.org", m.Code), chat.CodeInvalid) // used
		wants(t, p.EmailCode(p.ctx, "bob@example.org", chat.ForSignUp, ""), "")
		bob := p.mail().Code
		wants(t, try("ann", "bob@example.org", bob), chat.UsernameTaken)
		for range 4 {
			wants(t, try("bob", "bob@example.org", "00000000"), chat.CodeInvalid)
		}
		wants(t, try("bob", "bob@example.org", bob), "")
	})
}

// After five wrong tries the right one is wrong, too.
func TestCodesAreNotGuessed(t *testing.T) {
	p := in(t, storetest.SQLite(t), account.Options{Registration: account.Email})
	wants(t, p.EmailCode(p.ctx, "ann@x.org", chat.ForSignUp, ""), "")
	code := p.mail().Code
	for range 5 {
		_, err := p.Register(p.ctx, account.Registration{Username: "ann", Password: goodPassword, Email: "ann@x.org", EmailCode: "00000000"})
		wants(t, err, chat.CodeInvalid)
	}
	_, err := p.Register(p.ctx, account.Registration{Username: "ann", Password: goodPassword, Email: "ann@x.org", EmailCode: code})
	wants(t, err, chat.CodeInvalid)
}

// S4.1: who has forgotten the password sets another one; every device is signed
// out, and the answer for nobody's address is that for a wrong code.
func TestResettingThePassword(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := in(t, db, account.Options{})
		g, err := p.Register(p.ctx, account.Registration{Username: "ann", Password: goodPassword, Email: "Ann@x.org", Device: account.Place{ID: "first"}})
		wants(t, err, "")
		p.login("ann", "second")
		p.reg.kicks()
		wants(t, p.EmailCode(p.ctx, "ANN@X.ORG", chat.ForReset, ""), "")
		m := p.mail()
		if m.To != "Ann@x.org" || m.Kind != chat.MailResetCode {
			t.Fatalf("%+v", m)
		}
		wants(t, p.EmailCode(p.ctx, "nobody@x.org", chat.ForReset, ""), "")
		if nothing := p.mail(); nothing != (chat.Mail{}) {
			t.Errorf("%+v", nothing)
		}
		wants(t, p.EmailCode(p.ctx, "nobody@x.org", chat.ForReset, ""), chat.RateLimited)
		for _, email := range []string{"ann@x.org", "nobody@x.org"} {
			wants(t, p.ResetPassword(p.ctx, email, "00000000", "another password"), chat.CodeInvalid)
		}
		if got := complaints(p.ResetPassword(p.ctx, "", " ", "short")); got != "email required, email_code required, new_password too_short" {
			t.Error(got)
		}
		wants(t, p.ResetPassword(p.ctx, "ann@x.org", m.Code, "another password"), "")
		if got := p.reg.kicks(); got != "first password_changed, second password_changed" {
			t.Error("kicked:", got)
		}
		p.refuses(g.AccessToken, chat.SessionEnded, chat.PasswordChanged)
		wants(t, p.ResetPassword(p.ctx, "ann@x.org", m.Code, "a third password"), chat.CodeInvalid)
		_, err = p.Login(p.ctx, account.Login{Login: "ann", Password: "another password"})
		wants(t, err, "")
		_, err = p.Login(p.ctx, account.Login{Login: "ann", Password: goodPassword})
		wants(t, err, chat.BadCredentials)
	})
}

// A code goes where the account says, not where somebody typed something that is
// compared as the same; and whoever owns the address learns of attempts.
func TestCodesGoToTheOwnerOfTheAddress(t *testing.T) {
	p := somewhere(t)
	_, err := p.Register(p.ctx, account.Registration{Username: "mike", Password: goodPassword, Email: "mike@example.org"})
	wants(t, err, "")
	const other = "mike@ⓔxample.org" // another domain, the same after folding
	wants(t, p.EmailCode(p.ctx, other, chat.ForReset, ""), "")
	if m := p.mail(); m.To != "mike@example.org" || m.Kind != chat.MailResetCode {
		t.Errorf("%+v", m)
	}
	wants(t, p.EmailCode(p.ctx, other, chat.ForSignUp, "en"), "")
	if m := p.mail(); m != (chat.Mail{To: "mike@example.org", Kind: chat.MailAlreadyKnown, Language: "en"}) {
		t.Errorf("%+v", m)
	}
}

func TestWhatCodesAreRefused(t *testing.T) {
	p := somewhere(t)
	for _, c := range []struct {
		email   string
		purpose chat.CodePurpose
		want    string
	}{
		{"", chat.ForReset, "email required"},
		{"ann", "", "email format, purpose unknown"},
		{"ann@x.org\r\nBcc: all@x.org", chat.ForSignUp, "email format"},
		{"ann@x.org\n", chat.ForSignUp, "<nil>"}, // space around it does not count
		{"Ann <ann@x.org>", chat.ForSignUp, "email format"},
		{strings.Repeat("x", 255) + "@x.org", chat.ForSignUp, "email too_long"},
	} {
		if got := complaints(p.EmailCode(p.ctx, c.email, c.purpose, "")); got != c.want {
			t.Errorf("%q %s: %s, want %s", c.email, c.purpose, got, c.want)
		}
	}
	p.desk.full = true
	wants(t, p.EmailCode(p.ctx, "bob@x.org", chat.ForSignUp, ""), chat.Unavailable)
	wants(t, p.EmailCode(p.ctx, "cid@x.org", chat.ForReset, ""), chat.Unavailable) // nobody's, and the same
	p.desk.full = false
	wants(t, p.EmailCode(p.ctx, "bob@x.org", chat.ForSignUp, ""), "") // at once: none was sent
	p.reg.set(func() { p.reg.down = true })
	wants(t, p.EmailCode(p.ctx, "dee@x.org", chat.ForSignUp, ""), chat.Unavailable)
	wants(t, p.ResetPassword(p.ctx, "dee@x.org", "00000000", goodPassword), chat.Unavailable)
	closed := in(t, storetest.SQLite(t), account.Options{Registration: account.Closed})
	wants(t, closed.EmailCode(p.ctx, "ann@x.org", chat.ForSignUp, ""), chat.Forbidden)
	wants(t, closed.EmailCode(p.ctx, "ann@x.org", chat.ForReset, ""), "")
}

// Wrong passwords count for the name they were tried with, however it is
// written and whether or not it is anybody's; right ones do not.
func TestGuessingIsLimitedByName(t *testing.T) {
	p := somewhere(t)
	p.desk.wrong = 3
	ann, err := p.Register(p.ctx, account.Registration{Username: "ann", Password: goodPassword, Email: "ann@x.org", Phone: "+49 151 1234"})
	wants(t, err, "")
	try := func(name, password string) error {
		_, err := p.Login(p.ctx, account.Login{Login: name, Password: password})
		return err
	}
	for range 5 {
		wants(t, try("ann", goodPassword), "")
	}
	for _, names := range [][]string{
		{"ann", "ANN", " Ａｎｎ "}, {"nobody", "Nobody", "NOBODY"}, {"ann@x.org", "Ann@X.org", "ann@x.org "}, {"+491511234", "+49-151-1234", "+49 (151) 1234"},
	} {
		for _, name := range names {
			wants(t, try(name, "wrong password"), chat.BadCredentials)
		}
		wants(t, try(names[0], "wrong password"), chat.RateLimited)
		wants(t, try(names[1], goodPassword), chat.RateLimited) // nobody learns that it was right
	}
	wants(t, p.ChangePassword(p.ctx, p.whoIs(ann), "wrong password", "another password"), chat.RateLimited)
	wants(t, p.Remove(p.ctx, ann.User.ID, "wrong password"), chat.RateLimited)
	if len(p.tried) != 4 {
		t.Errorf("%d names were tried", len(p.tried))
	}
	for name := range p.tried {
		if strings.Contains(name, "ann") || len(name) != 32 {
			t.Errorf("counted for %q", name)
		}
	}
}
