package testserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// MailOptions say what a MailServer asks for and offers.
type MailOptions struct {
	User, Password string // that one has to log in with; empty: anybody may send
	TLS            bool   // from the beginning
	StartTLS       bool   // is offered
}

// MailServer is a mail server that keeps what it is sent.
type MailServer struct {
	t        testing.TB
	o        MailOptions
	listener net.Listener
	mails    chan Received
	tried    atomic.Int64 // mails that somebody began to send
	refuse   atomic.Pointer[smtp.SMTPError]

	certificate []byte // nil: it knows no TLS
	roots       *x509.CertPool
}

// Received is a mail that has arrived.
type Received struct {
	From    string // of the envelope
	To      []string
	User    string // that had logged in
	TLS     bool
	Header  mail.Header
	Subject string // decoded, as is Text
	Text    string
}

// Mail starts a mail server in this process.
func Mail(t testing.TB, o MailOptions) *MailServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal("testserver: mail:", err)
	}
	m := &MailServer{t: t, o: o, listener: l, mails: make(chan Received, 1024)}
	s := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &mailSession{m: m, conn: c}, nil }))
	s.Domain, s.AllowInsecureAuth, s.EnableSMTPUTF8 = "localhost", true, true
	s.ErrorLog = log.New(io.Discard, "", 0) // of connections that end
	if o.TLS || o.StartTLS {
		config := m.certify()
		if s.TLSConfig = config; o.TLS {
			s.TLSConfig, l = nil, tls.NewListener(l, config)
		}
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Close()
		<-ended
	})
	return m
}

// URL is where the server is, as in TIELINE_SMTP_URL.
func (m *MailServer) URL() string {
	u := url.URL{Scheme: "smtp", Host: m.listener.Addr().String(), RawQuery: "from=" + url.QueryEscape("Tieline <no-reply@tieline.example>")}
	if m.o.TLS {
		u.Scheme = "smtps"
	}
	if m.o.User != "" {
		u.User = url.UserPassword(m.o.User, m.o.Password)
	}
	return u.String()
}

// Roots are the authorities that the server's certificate is known by.
func (m *MailServer) Roots() *x509.CertPool { return m.roots }

// RootsFile is a file with them, as in SSL_CERT_FILE.
func (m *MailServer) RootsFile() string {
	m.t.Helper()
	name := filepath.Join(m.t.TempDir(), "roots.pem")
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: m.certificate}), 0o600); err != nil {
		m.t.Fatal(err)
	}
	return name
}

// Refuse answers every mail with a code, as 451, until the code is 0.
func (m *MailServer) Refuse(code int) {
	if code == 0 {
		m.refuse.Store(nil)
		return
	}
	m.refuse.Store(&smtp.SMTPError{Code: code, EnhancedCode: smtp.NoEnhancedCode, Message: "not now"})
}

// Tried is how many mails somebody has begun to send, refused ones included.
func (m *MailServer) Tried() int { return int(m.tried.Load()) }

// Next waits for the next mail.
func (m *MailServer) Next() Received {
	m.t.Helper()
	select {
	case r := <-m.mails:
		return r
	case <-time.After(30 * time.Second):
		m.t.Fatal("testserver: no mail has come")
	}
	return Received{}
}

// Waiting is how many mails have come that nobody has looked at.
func (m *MailServer) Waiting() int { return len(m.mails) }

// certify makes a certificate for this server alone.
func (m *MailServer) certify() *tls.Config {
	m.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		m.t.Fatal(err)
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		m.t.Fatal(err)
	}
	own, err := x509.ParseCertificate(der)
	if err != nil {
		m.t.Fatal(err)
	}
	m.certificate, m.roots = der, x509.NewCertPool()
	m.roots.AddCert(own)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// mailSession is one connection to the server.
type mailSession struct {
	m    *MailServer
	conn *smtp.Conn
	user string
	mail Received
}

func (s *mailSession) AuthMechanisms() []string {
	if s.m.o.User == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != s.m.o.User || password != s.m.o.Password {
			return smtp.ErrAuthFailed
		}
		s.user = user
		return nil
	}), nil
}

func (s *mailSession) Mail(from string, _ *smtp.MailOptions) error {
	s.m.tried.Add(1)
	if s.m.o.User != s.user {
		return smtp.ErrAuthRequired
	}
	if refusal := s.m.refuse.Load(); refusal != nil {
		return refusal
	}
	_, secure := s.conn.TLSConnectionState()
	s.mail = Received{From: from, User: s.user, TLS: secure}
	return nil
}

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mail.To = append(s.mail.To, to)
	return nil
}

func (s *mailSession) Data(r io.Reader) error {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	body := m.Body
	switch strings.ToLower(m.Header.Get("Content-Transfer-Encoding")) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	s.mail.Header, s.mail.Text = m.Header, strings.ReplaceAll(string(text), "\r\n", "\n")
	if s.mail.Subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		return err
	}
	s.m.mails <- s.mail
	return nil
}

func (s *mailSession) Reset()        { s.mail = Received{} }
func (s *mailSession) Logout() error { return nil }
