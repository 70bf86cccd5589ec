package main_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/testserver"
	"github.com/tieline/tieline/pkg/wire"
)

// mailing has the nodes send their mails to a server.
func mailing(post *testserver.MailServer) storyOption {
	return setting("TIELINE_SMTP_URL", post.URL())
}

// codeIn finds the code in a mail, as its reader types it, and keeps it secret.
func (s *story) codeIn(m testserver.Received) string {
	s.t.Helper()
	code := regexp.MustCompile(`\d{4} \d{4}`).FindString(m.Text)
	if code == "" || !strings.Contains(m.Subject, code) {
		s.t.Fatalf("the mail %q has no code:\n%s", m.Subject, m.Text)
	}
	s.keepSecret(code, strings.ReplaceAll(code, " ", ""))
	return code
}

// sameAnswer says that two answers are the same, but for how long to wait.
func sameAnswer(t *testing.T, what string, one, other answer) {
	t.Helper()
	if one.Status != other.Status || string(one.Body) != string(other.Body) {
		t.Errorf("%s: %d %s, or %d %s", what, one.Status, one.Body, other.Status, other.Body)
	}
}

// S4.1, S2.1: signing up on one node with a code that was asked for on the other
// and came by mail. Nobody learns whether an address is known; its owner does.
func TestSigningUpWithACodeFromAMail(t *testing.T) {
	t.Parallel()
	post := testserver.Mail(t, testserver.MailOptions{User: "tieline", Password: "the password of the post office", StartTLS: true})
	s := newStory(t, mailing(post), setting("SSL_CERT_FILE", post.RootsFile()), setting("TIELINE_REGISTRATION", "email"))
	s.keepSecret("the password of the post office", "the password of ann")
	n1, n2 := s.Node("n1"), s.Node("n2")
	ask := func(n *node, email, purpose string) answer {
		return n.Asks("POST", "/api/v1/auth/email-code", "", fmt.Sprintf(`{"email":%q,"purpose":%q}`, email, purpose), "Accept-Language", "zh-CN")
	}
	register := func(n *node, name, email, code string) answer {
		return n.Asks("POST", "/api/v1/auth/register", "", fmt.Sprintf(`{"username":%q,"password":"the password of ann","email":%q,"email_code":%q}`, name, email, code))
	}
	first := ask(n2, "Ann@Example.org", "register")
	if first.Status != http.StatusNoContent {
		t.Fatalf("%d %s", first.Status, first.Body)
	}
	mail := post.Next()
	if mail.User != "tieline" || !mail.TLS || !slices.Equal(mail.To, []string{"Ann@Example.org"}) || !strings.HasPrefix(mail.Subject, "您的验证码") {
		t.Errorf("%+v", mail)
	}
	code := s.codeIn(mail)
	register(n1, "ann", "ann@example.org", "").is(s, 422, chat.CodeInvalid)
	register(n1, "ann", "ann@example.org", "1234 567").is(s, 422, chat.CodeInvalid)
	register(n1, "ann", "bob@example.org", code).is(s, 422, chat.CodeInvalid)
	register(n1, "x y", "ann@example.org", code).is(s, 422, chat.Invalid)
	var g client.Grant
	register(n1, "ann", "ann@example.org", code).into(s, &g)
	s.keepSecret(g.AccessToken, g.RefreshToken)
	if g.User.Email != "ann@example.org" {
		t.Errorf("%+v", g.User)
	}
	register(n2, "eve", "ann@example.org", code).is(s, 422, chat.CodeInvalid)

	known, unknown := ask(n1, "ann@example.org", "reset"), ask(n1, "nobody@example.org", "reset")
	sameAnswer(t, "known or not", known, unknown)
	sameAnswer(t, "known or not", known, first)
	again, nobody := ask(n2, "ANN@example.org", "reset"), ask(n2, "Nobody@example.org", "reset")
	sameAnswer(t, "again too soon", again, nobody)
	for _, a := range []answer{again, nobody, ask(n2, "ann@example.org", "register")} {
		a.is(s, 429, chat.RateLimited)
		if wait := a.Header.Get("Retry-After"); len(wait) != 2 || wait > "60" {
			t.Errorf("come back in %q seconds", wait)
		}
	}
	if m := post.Next(); m.To[0] != "ann@example.org" || !strings.Contains(m.Subject, "重置密码") {
		t.Errorf("%+v", m)
	} else {
		s.codeIn(m)
	}
	if n := post.Tried(); n != 2 {
		t.Errorf("%d mails were sent, want those two", n)
	}
}

// S4.1: who signs up with an address that has an account is answered as anybody
// is, and the owner of the address gets a notice instead of a code.
func TestKnownAddressesAreNotGivenAway(t *testing.T) {
	t.Parallel()
	post := testserver.Mail(t, testserver.MailOptions{})
	s := newStory(t, nodes(1), mailing(post))
	alice, n := s.User("alice"), s.Node("n1")
	alice.does(func(ctx context.Context, a *client.API) error {
		_, err := a.UpdateMe(ctx, client.ProfileChange{Email: new("alice@example.org")})
		return err
	})
	known := n.Asks("POST", "/api/v1/auth/email-code", "", `{"email":"ALICE@example.org","purpose":"register"}`)
	unknown := n.Asks("POST", "/api/v1/auth/email-code", "", `{"email":"bob@example.org","purpose":"register"}`)
	sameAnswer(t, "known or not", known, unknown)
	for range 2 {
		switch m := post.Next(); m.To[0] {
		case "alice@example.org":
			if m.Subject != "You already have an account" || regexp.MustCompile(`\d{4}`).MatchString(m.Text) {
				t.Errorf("%q\n%s", m.Subject, m.Text)
			}
		case "bob@example.org":
			s.codeIn(m)
		default:
			t.Errorf("a mail went to %s", m.To)
		}
	}
}

// S4.1: who has forgotten the password sets another with a code from a mail, and
// is signed out on every device of every node.
func TestResettingSignsOutEverywhere(t *testing.T) {
	t.Parallel()
	post := testserver.Mail(t, testserver.MailOptions{})
	s := newStory(t, mailing(post))
	alice, bob := s.User("alice"), s.User("bob")
	alice.does(func(ctx context.Context, a *client.API) error {
		_, err := a.UpdateMe(ctx, client.ProfileChange{Email: new("alice@example.org")})
		return err
	})
	alice.On("n1")
	bob.On("n1")
	phone := alice.Device("phone", chat.IOS).On("n2")
	tablet := alice.Device("tablet", chat.Android)
	bob.does(func(ctx context.Context, a *client.API) error {
		return a.EmailCode(ctx, "alice@example.org", chat.ForReset)
	})
	code := s.codeIn(post.Next())
	const password = "another password of alice"
	s.keepSecret(password)
	reset := func(email, code string) error {
		return s.Node("n2").api("").ResetPassword(t.Context(), email, code, password)
	}
	for _, email := range []string{"alice@example.org", "nobody@example.org"} {
		if err := reset(email, "0000-0000"); chat.KindOf(err) != chat.CodeInvalid {
			t.Errorf("%s: %v", email, err)
		}
	}
	if err := reset("alice@example.org", strings.ReplaceAll(code, " ", "-")); err != nil {
		t.Fatal(err)
	}
	for _, d := range []*device{alice.device, phone} {
		d.Within(time.Second).IsKicked(chat.PasswordChanged).ClosedWith(wire.CloseKicked)
	}
	for _, d := range []*device{alice.device, phone, tablet} {
		d.IsOut(chat.PasswordChanged)
	}
	if err := reset("alice@example.org", code); chat.KindOf(err) != chat.CodeInvalid {
		t.Errorf("the same code again: %v", err)
	}
	alice.mayNotSignIn(chat.BadCredentials)
	alice.password = password
	alice.SignsIn().On("n2")
	bob.StaysOn()
}

// Wrong passwords count for a name on all nodes together, right ones do not;
// whether it is anybody's does not show.
func TestGuessingIsSlow(t *testing.T) {
	t.Parallel()
	s := newStory(t, setting("TIELINE_LIMIT_LOGINS", "1000"))
	alice := s.User("alice")
	guess := func(i int, name, password string) answer {
		return s.nodes[i%2].Asks("POST", "/api/v1/auth/login", "", fmt.Sprintf(`{"login":%q,"password":%q}`, name, password))
	}
	for i := range 3 {
		if a := guess(i, "Alice", alice.password); a.Status != http.StatusOK {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
	}
	for _, name := range []string{"alice", "nobody"} {
		for i := range 20 {
			guess(i, name, "a guess").is(s, 401, chat.BadCredentials)
		}
	}
	for i := range s.nodes {
		known, unknown := guess(i, "ALICE", "a guess"), guess(i, "Nobody", "a guess")
		for _, a := range []answer{known, unknown, guess(i, "alice", alice.password)} {
			a.is(s, 429, chat.RateLimited)
			if wait := a.Header.Get("Retry-After"); wait == "" || wait == "0" || len(wait) > 2 {
				t.Errorf("come back in %q seconds", wait)
			}
		}
		sameAnswer(t, "known or not", known, unknown)
	}
	alice.does(func(ctx context.Context, a *client.API) error { _, err := a.Me(ctx); return err })
}

// befriends makes two people friends.
func (u *User) befriends(other *User) {
	u.s.t.Helper()
	var id string
	u.does(func(ctx context.Context, a *client.API) error {
		r, err := a.AskFriend(ctx, other.ID, "", client.Label{})
		id = r.ID
		return err
	})
	other.does(func(ctx context.Context, a *client.API) error {
		_, err := a.AcceptFriend(ctx, id, client.Label{})
		return err
	})
}

// S4.2, S3.5: a change of one's profile is there on every node, for one's other
// devices and friends live, and in what one says from then on.
func TestProfilesChangeEverywhere(t *testing.T) {
	t.Parallel()
	post := testserver.Mail(t, testserver.MailOptions{})
	s := newStory(t, mailing(post))
	alice, bob, carol := s.User("alice"), s.User("bob"), s.User("carol")
	alice.befriends(bob)
	alice.On("n1").Says(bob, "as alice")
	phone := alice.Device("phone", chat.IOS).On("n2")
	bob.On("n2").Says(alice, "hi") // so that both nodes know what they look like
	carol.On("n2")
	phone.Says(lobby, "as alice, too")
	change := func(c client.ProfileChange) (u client.User) {
		t.Helper()
		alice.does(func(ctx context.Context, a *client.API) (err error) { u, err = a.UpdateMe(ctx, c); return err })
		return u
	}
	me := change(client.ProfileChange{Nickname: new("Alice 😀"), Sex: new("female"), Bio: new("hi"), Theme: new("dark"), Locale: new("zh-cn"), Email: new("alice@example.org")})
	if me.Nickname != "Alice 😀" || me.Sex != "female" || me.Bio != "hi" || me.Theme != "dark" || me.Locale != "zh-CN" || me.Email != "alice@example.org" {
		t.Errorf("%+v", me)
	}
	phone.HearsEvent(string(chat.ProfileUpdated))
	bob.hearsEventAfter(chat.ProfileUpdated)
	for _, n := range s.nodes {
		var got map[string]any
		n.Asks("GET", "/api/v1/me", alice.grant.AccessToken, "").into(s, &got)
		if got["theme"] != "dark" || got["nickname"] != "Alice 😀" {
			t.Errorf("%s: %v", n.id, got)
		}
		n.Asks("GET", "/api/v1/users/"+string(alice.ID), bob.grant.AccessToken, "").into(s, &got)
		if got["nickname"] != "Alice 😀" || got["bio"] != "hi" || got["sex"] != "female" {
			t.Errorf("%s: %v", n.id, got)
		}
	}
	alice.eventually("the nodes show the new name", func() bool {
		said := phone.Says(lobby, "who am I?")
		for {
			f, err := carol.line.next(wire.Message, soon)
			if err != nil {
				carol.fail("does not hear it: %v", err)
			}
			if from, ok := f.From.(map[string]any); ok && f.Seq == said.Seq {
				return from["nickname"] == "Alice 😀"
			}
		}
	})
	for field, c := range map[string]client.ProfileChange{
		"sex": {Sex: new("robot")}, "locale": {Locale: new("not a language")}, "theme": {Theme: new("\u0007")}, "bio": {Bio: new(strings.Repeat("x", 501))},
	} {
		alice.IsRefused(chat.Invalid, "", func(ctx context.Context, a *client.API) error { _, err := a.UpdateMe(ctx, c); return err })
		_, err := alice.API().UpdateMe(t.Context(), c)
		if e, ok := err.(*client.Error); !ok || len(e.Fields) != 1 || e.Fields[0].Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	bob.IsRefused(chat.EmailTaken, "", func(ctx context.Context, a *client.API) error {
		_, err := a.UpdateMe(ctx, client.ProfileChange{Email: new("ALICE@example.org")})
		return err
	})
	if me = change(client.ProfileChange{Email: new("")}); me.Email != "" || me.Theme != "dark" {
		t.Errorf("%+v", me)
	}
	if m := post.Next(); m.To[0] != "alice@example.org" || m.Subject != "Your e-mail address was changed" {
		t.Errorf("%+v", m)
	}
}

// hearsEventAfter waits for an event, whatever else is told before.
func (d *device) hearsEventAfter(name chat.EventName) {
	d.s.t.Helper()
	for {
		f, err := d.line.next(wire.Event, d.within)
		if err != nil {
			d.fail("does not hear of %q: %v", name, err)
		}
		if f.Name == string(name) {
			return
		}
	}
}

// Section 1: whoever tries it out with nothing beside it finds the code in the
// log.
func TestWithoutAMailServerTheCodeIsInTheLog(t *testing.T) {
	t.Parallel()
	s := newStory(t, inTheBox(), setting("TIELINE_REGISTRATION", "email"))
	n := s.Node("n1")
	if err := n.api("").EmailCode(t.Context(), "ann@example.org", chat.ForSignUp); err != nil {
		t.Fatal(err)
	}
	var code string
	logged := regexp.MustCompile(`ann@example\.org.*"code":"(\d{8})"`)
	late := time.After(soon)
	for tick := time.NewTicker(10 * time.Millisecond); code == ""; {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("no code in the log:\n%s", n.tail())
		}
		if found := logged.FindStringSubmatch(n.tail()); found != nil {
			code = found[1]
		}
	}
	g, err := n.api("").Register(t.Context(), client.Registration{Username: "ann", Password: "the password of ann", Email: "ann@example.org", EmailCode: code})
	if err != nil || g.User.Username != "ann" {
		t.Errorf("%+v, %v", g.User, err)
	}
}
