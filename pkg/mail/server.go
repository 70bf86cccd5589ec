package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/mail"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"github.com/tieline/tieline/pkg/chat"
)

// The ports where mail servers take mails from programs.
const (
	portSMTP  = 587 // STARTTLS
	portSMTPS = 465 // TLS from the beginning
)

// server is a mail server and as whom we use it.
type server struct {
	host     string
	port     int
	implicit bool // TLS from the beginning; else STARTTLS where the server offers it
	tls      *tls.Config
	user     string // "": nobody in particular
	password string
	from     *mail.Address
}

var errURL = errors.New("mail: the URL of the mail server is not smtp://user:pass@host:port?from=ADDRESS or smtps://")

// newServer reads smtp://user:pass@host:port?from=ADDRESS or smtps://. Without
// from, mails come from the user if that is an address, else from the host.
func newServer(text string, config *tls.Config) (*server, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" {
		return nil, errURL
	}
	s := &server{host: u.Hostname(), port: portSMTP, implicit: u.Scheme == "smtps", user: u.User.Username()}
	s.password, _ = u.User.Password()
	if s.implicit {
		s.port = portSMTPS
	}
	if u.Port() != "" {
		if s.port, err = strconv.Atoi(u.Port()); err != nil {
			return nil, errURL
		}
	}
	from := u.Query().Get("from")
	if from == "" {
		if from = s.user; !strings.Contains(from, "@") {
			from = "tieline@" + s.host
		}
	}
	if s.from, err = mail.ParseAddress(from); err != nil {
		return nil, errors.New("mail: the address that mails come from (?from=) is none")
	}
	s.tls = &tls.Config{}
	if config != nil {
		s.tls = config.Clone()
	}
	s.tls.ServerName, s.tls.MinVersion = s.host, tls.VersionTLS12
	return s, nil
}

// send is one attempt to send one mail, over a connection of its own.
func (s *server) send(ctx context.Context, to, subject, text string) error {
	ctx, cancel := context.WithTimeout(ctx, sendWithin)
	defer cancel()
	m, err := s.message(to, subject, text)
	if err != nil {
		return err
	}
	c, err := gomail.NewClient(s.host, s.options(ctx)...)
	if err != nil {
		return err
	}
	conn, err := c.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return err
	}
	defer c.CloseWithSMTPClient(conn) // however politely the server ends it
	if err := c.SendWithSMTPClient(conn, m); err != nil && !m.IsDelivered() {
		return err
	}
	return nil
}

func (s *server) message(to, subject, text string) (*gomail.Msg, error) {
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	m.FromMailAddress(s.from)
	if err := m.To(to); err != nil {
		return nil, err
	}
	_, domain, _ := strings.Cut(s.from.Address, "@")
	m.SetMessageIDWithValue(chat.NewID() + "@" + domain)
	m.SetDate()
	m.SetGenHeader("Auto-Submitted", "auto-generated") // so that nobody's absence is announced to us
	m.Subject(subject)
	m.SetBodyString(gomail.TypeTextPlain, text)
	return m, nil
}

// options say how to reach the server. Passwords go over TLS or to this very
// machine only; the library sees to that.
func (s *server) options(ctx context.Context) []gomail.Option {
	all := []gomail.Option{
		gomail.WithPort(s.port), gomail.WithTimeout(sendWithin), gomail.WithTLSPolicy(gomail.TLSOpportunistic), gomail.WithTLSConfig(s.tls),
		gomail.WithDialContextFunc(func(within context.Context, _, _ string) (net.Conn, error) { return s.dial(ctx, within) }),
	}
	if s.implicit {
		all = append(all, gomail.WithSSL())
	}
	if s.user != "" {
		all = append(all, gomail.WithUsername(s.user), gomail.WithPassword(s.password), gomail.WithOpportunisticSMTPAuth(
			gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin, gomail.SMTPAuthCramMD5))
	}
	return all
}

// dial makes a connection that ends with ctx, whatever is being waited for.
func (s *server) dial(ctx, within context.Context) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(within, "tcp", net.JoinHostPort(s.host, strconv.Itoa(s.port)))
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { conn.Close() })
	if !s.implicit {
		return conn, nil
	}
	secure := tls.Client(conn, s.tls)
	if err := secure.HandshakeContext(within); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

// isFinal reports whether the server would refuse the same mail again.
func isFinal(err error) bool {
	var sent *gomail.SendError
	if errors.As(err, &sent) {
		return sent.ErrorCode() >= 500
	}
	var reply *textproto.Error
	return errors.As(err, &reply) && reply.Code >= 500
}
