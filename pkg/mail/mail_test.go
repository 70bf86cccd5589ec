package mail

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/testserver"
)

// office is a running Mailer, with what it counted and logged.
type office struct {
	*Mailer
	t   *testing.T
	end func()

	mu    sync.Mutex
	count map[Outcome]int
	log   bytes.Buffer
}

func (o *office) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.log.Write(p)
}

func (o *office) logged() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.log.String()
}

func (o *office) outcomes() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return fmt.Sprint(o.count)
}

// open starts a Mailer for a server, which ends with the test or before.
func open(t *testing.T, url string, config *tls.Config) *office {
	t.Helper()
	o := &office{t: t, count: map[Outcome]int{}}
	m, err := New(url, Options{TLS: config, Pause: time.Millisecond, Log: slog.New(slog.NewTextHandler(o, nil)), Count: func(what Outcome) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.count[what]++
	}})
	if err != nil {
		t.Fatal(err)
	}
	o.Mailer = m
	return o
}

// run has the Mailer run until the test, or end, ends it.
func (o *office) run() *office {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- o.Run(ctx) }()
	o.end = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			o.t.Error(err)
		}
	})
	o.t.Cleanup(o.end)
	return o
}

func (o *office) send(m chat.Mail) {
	o.t.Helper()
	if err := o.Send(m); err != nil {
		o.t.Fatal(err)
	}
}

// eventually waits for what the workers do in their own time.
func (o *office) eventually(outcomes string) {
	o.t.Helper()
	late, tick := time.After(20*time.Second), time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for o.outcomes() != outcomes {
		select {
		case <-tick.C:
		case <-late:
			o.t.Fatalf("outcomes %s, want %s; the log:\n%s", o.outcomes(), outcomes, o.logged())
		}
	}
}

// S4.1: a mail with a code arrives as it was meant, over any way that servers
// offer.
func TestMailsArrive(t *testing.T) {
	for name, how := range map[string]testserver.MailOptions{
		"plain":         {},
		"login":         {User: "me@tieline.example", Password: "p@ss word"},
		"starttls":      {StartTLS: true},
		"both":          {User: "me", Password: "secret", StartTLS: true},
		"tls and login": {User: "me", Password: "secret", TLS: true},
	} {
		t.Run(name, func(t *testing.T) {
			server := testserver.Mail(t, how)
			o := open(t, server.URL(), &tls.Config{RootCAs: server.Roots()}).run()
			o.send(chat.Mail{To: "ann@example.org", Kind: chat.MailSignUpCode, Code: "12345678", Language: "zh-CN,zh;q=0.9"})
			got := server.Next()
			if got.From != "no-reply@tieline.example" || len(got.To) != 1 || got.To[0] != "ann@example.org" || got.User != how.User || got.TLS != (how.TLS || how.StartTLS) {
				t.Errorf("arrived as %+v", got)
			}
			if got.Subject != "您的验证码: 1234 5678" || !strings.Contains(got.Text, "您的注册验证码是 1234 5678, 五分钟内有效。") {
				t.Errorf("%q\n%s", got.Subject, got.Text)
			}
			for field, want := range map[string]string{
				"From": `"Tieline" <no-reply@tieline.example>`, "To": "<ann@example.org>", "Auto-Submitted": "auto-generated",
				"Content-Type": "text/plain; charset=UTF-8", "Mime-Version": "1.0", "User-Agent": "", "X-Mailer": "", "Bcc": "", "Cc": "",
			} {
				if have := got.Header.Get(field); have != want {
					t.Errorf("%s: %q, want %q", field, have, want)
				}
			}
			if id := got.Header.Get("Message-Id"); !strings.HasSuffix(id, "@tieline.example>") {
				t.Errorf("Message-ID: %q", id)
			}
			if at, err := got.Header.Date(); err != nil || time.Since(at) > time.Minute {
				t.Errorf("Date: %v, %v", at, err)
			}
			if subject := got.Header.Get("Subject"); strings.ContainsFunc(subject, func(r rune) bool { return r > '~' }) {
				t.Errorf("the subject is not ASCII on its way: %q", subject)
			}
			o.send(chat.Mail{To: "jörg@example.org", Kind: chat.MailAddressChanged})
			if got := server.Next(); got.To[0] != "jörg@example.org" || got.Subject != "Your e-mail address was changed" || got.Text == "" {
				t.Errorf("arrived as %+v", got)
			}
			o.eventually("map[sent:2]")
		})
	}
}

// What could end a header or a command is no address.
func TestNobodyWritesHeadersOfTheirOwn(t *testing.T) {
	server := testserver.Mail(t, testserver.MailOptions{})
	o := open(t, server.URL(), nil).run()
	for _, to := range []string{
		"ann@example.org\r\nBcc: all@example.org", "ann@example.org\nX: y", "ann@example.org\r", "\r\nann@example.org",
		"Ann <ann@example.org>", "ann@example.org, bob@example.org", "ann@example.org>\r\nRCPT TO:<bob@example.org", "ann", "@", "ann@example.org\x00",
	} {
		if err := o.Send(chat.Mail{To: to, Kind: chat.MailResetCode, Code: "12345678"}); chat.KindOf(err) != chat.Invalid {
			t.Errorf("%q: %v", to, err)
		}
	}
	if err := o.Send(chat.Mail{Kind: chat.MailResetCode, Code: "12345678"}); err != nil {
		t.Errorf("to nobody: %v", err)
	}
	o.end()
	if n := server.Tried(); n != 0 || o.outcomes() != "map[]" {
		t.Errorf("%d mails, %s", n, o.outcomes())
	}
}

// A server that cannot just now is asked again; one that never will is not; and
// the code stays out of the log.
func TestMailsAreTriedAgain(t *testing.T) {
	server := testserver.Mail(t, testserver.MailOptions{})
	o := open(t, server.URL(), nil).run()
	mail := chat.Mail{To: "ann@example.org", Kind: chat.MailResetCode, Code: "12345678"}
	server.Refuse(451)
	o.send(mail)
	o.eventually("map[failed:1]")
	if n := server.Tried(); n != attempts {
		t.Errorf("tried %d times", n)
	}
	server.Refuse(550)
	o.send(mail)
	o.eventually("map[failed:2]")
	if n := server.Tried(); n != attempts+1 {
		t.Errorf("tried %d times again", n-attempts)
	}
	server.Refuse(0)
	o.send(mail)
	server.Next()
	o.eventually("map[failed:2 sent:1]")
	if log := o.logged(); !strings.Contains(log, "given up") || strings.Contains(log, "12345678") || strings.Contains(log, "1234 5678") {
		t.Error(log)
	}
}

// A wrong password is not tried again, and not shown; nor is one sent in the
// clear to another machine.
func TestPasswordsOfMailServersAreKept(t *testing.T) {
	server := testserver.Mail(t, testserver.MailOptions{User: "me", Password: "right"})
	o := open(t, strings.Replace(server.URL(), "right", "wrong-secret", 1), nil).run()
	o.send(chat.Mail{To: "ann@example.org", Kind: chat.MailAlreadyKnown})
	o.eventually("map[failed:1]")
	if log := o.logged(); !strings.Contains(log, "attempts=1") || strings.Contains(log, "wrong-secret") {
		t.Error(log)
	}
	elsewhere := strings.Replace(server.URL(), "127.0.0.1", "[::ffff:127.0.0.1]", 1) // no name of this machine
	s, err := newServer(elsewhere, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.send(t.Context(), "ann@example.org", "x", "y"); err == nil || !strings.Contains(err.Error(), "unencrypted") {
		t.Errorf("the password was sent in the clear: %v", err)
	}
}

// A certificate that nobody vouches for is not believed.
func TestStrangersAreNotTrusted(t *testing.T) {
	for _, how := range []testserver.MailOptions{{TLS: true}, {StartTLS: true}} {
		server := testserver.Mail(t, how)
		o := open(t, server.URL(), nil).run()
		o.send(chat.Mail{To: "ann@example.org", Kind: chat.MailAlreadyKnown})
		o.eventually("map[failed:1]")
		if server.Tried() != 0 {
			t.Error("a mail was sent")
		}
	}
}

// What finds no room is refused, with a time to come back; what waits when the
// node ends is sent.
func TestTheQueueIsBounded(t *testing.T) {
	server := testserver.Mail(t, testserver.MailOptions{})
	o := open(t, server.URL(), nil) // nobody takes anything yet
	for range maxWaiting - 3 {
		o.send(chat.Mail{})
	}
	for range 3 {
		o.send(chat.Mail{To: "ann@example.org", Kind: chat.MailAlreadyKnown})
	}
	for _, to := range []string{"ann@example.org", ""} {
		err := o.Send(chat.Mail{To: to, Kind: chat.MailAlreadyKnown})
		if e, ok := err.(*chat.Error); !ok || e.Kind != chat.Unavailable || e.Retry <= 0 {
			t.Errorf("to %q: %v", to, err)
		}
	}
	o.run().end()
	if server.Waiting() != 3 || o.outcomes() != "map[refused:2 sent:3]" {
		t.Errorf("%d came, %s", server.Waiting(), o.outcomes())
	}
}

// Without a server the code is where whoever tries it out looks.
func TestWithoutAServerTheCodeIsInTheLog(t *testing.T) {
	o := open(t, "", nil).run()
	o.send(chat.Mail{To: "ann@example.org", Kind: chat.MailSignUpCode, Code: "12345678"})
	o.eventually("map[sent:1]")
	if log := o.logged(); !strings.Contains(log, "to=ann@example.org") || !strings.Contains(log, "code=12345678") {
		t.Error(log)
	}
}

func TestURLsOfMailServers(t *testing.T) {
	for text, want := range map[string]string{
		"smtp://mail.example.org":                                     `mail.example.org 587 false "" <tieline@mail.example.org>`,
		"smtps://ann:x@mail.example.org":                              `mail.example.org 465 true "ann" <tieline@mail.example.org>`,
		"smtps://ann%40x.org:x@mail.example.org:2465":                 `mail.example.org 2465 true "ann@x.org" <ann@x.org>`,
		"smtp://h:25?from=a@b.org":                                    `h 25 false "" <a@b.org>`,
		"smtp://h?from=" + url.QueryEscape("聊天 <a@b.org>"):            `h 587 false "" =?utf-8?q?=E8=81=8A=E5=A4=A9?= <a@b.org>`,
		"smtp://h?from=nobody":                                        "",
		"smtp://h?from=" + url.QueryEscape("a@b.org\r\nBcc: c@d.org"): "",
		"http://h":            "",
		"smtp://":             "",
		"smtp://u:secret@h:x": "",
	} {
		s, err := newServer(text, nil)
		got := ""
		if err == nil {
			got = fmt.Sprintf("%s %d %t %q %s", s.host, s.port, s.implicit, s.user, s.from)
		} else if strings.Contains(err.Error(), "secret") {
			t.Error(err)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
