// Package mail takes mails to a mail server by SMTP.
//
// Whoever has a mail to send does not wait for the server: mails stand in a
// queue, from which a few workers take them, each mail within a deadline and a
// few times if need be. The queue is bounded; when it is full, because the
// server is slow or away, further mails are refused as unavailable. What a node
// holds when it dies is lost: a code is asked for again.
//
// Without a server mails are written to the log, codes included, for those who
// try Tieline out on their own machine. Nowhere else is a code logged.
package mail

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net/mail"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/phrase"
	"golang.org/x/sync/errgroup"
)

// Options tune a Mailer.
type Options struct {
	TLS   *tls.Config   // nil: servers are known by the system's authorities
	Count func(Outcome) // is told what became of each mail; nil: nobody is
	Pause time.Duration // before the first repetition, four times as long before each further one; 0: a second
	Log   *slog.Logger  // nil: slog.Default
}

// Outcome is what became of a mail.
type Outcome string

// The outcomes of mails.
const (
	Sent    Outcome = "sent"
	Failed  Outcome = "failed"  // given up, after some attempts or because the server would never take it
	Refused Outcome = "refused" // there was no room in the queue
)

// Bounds of sending.
const (
	maxWaiting  = 1000             // mails in the queue
	workers     = 4                // mails on their way at the same time
	attempts    = 4                // for each
	sendWithin  = 15 * time.Second // one attempt
	lastWithin  = 5 * time.Second  // what waits when the node ends has so long, all together
	pauseFactor = 4
)

// Mailer sends mails. Run must be running. It may be used by many goroutines.
type Mailer struct {
	server *server // nil: mails go to the log
	queue  chan chat.Mail
	o      Options
}

// New returns a Mailer for a server, as in TIELINE_SMTP_URL; without one (""),
// it writes mails to the log. The error says what is wrong with the URL, and
// nothing that is in it.
func New(url string, o Options) (*Mailer, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Count == nil {
		o.Count = func(Outcome) {}
	}
	if o.Pause <= 0 {
		o.Pause = time.Second
	}
	m := &Mailer{queue: make(chan chat.Mail, maxWaiting), o: o}
	if url == "" {
		return m, nil
	}
	var err error
	m.server, err = newServer(url, o.TLS)
	return m, err
}

// Send takes a mail to be sent soon, and does not wait. One to nobody takes the
// same way, so that nobody can tell by the time or the answer, and ends there.
// Invalid for what is no address, Unavailable when too many wait.
func (m *Mailer) Send(mail chat.Mail) error {
	if err := checkAddress(mail.To); err != nil {
		return err
	}
	select {
	case m.queue <- mail:
		return nil
	default:
		m.o.Count(Refused)
		return &chat.Error{Kind: chat.Unavailable, Op: "mail.send", Retry: m.o.Pause}
	}
}

// checkAddress refuses everything that could end a header or a command.
func checkAddress(to string) error {
	if to == "" {
		return nil
	}
	if a, err := mail.ParseAddress(to); err != nil || a.Address != to || a.Name != "" {
		return chat.InvalidField("email", "format", "")
	}
	return nil
}

// Run sends until ctx ends, and then, for a moment, what still waits.
func (m *Mailer) Run(ctx context.Context) error {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var g errgroup.Group
	for range workers {
		g.Go(func() error { m.work(ctx, late); return nil })
	}
	<-ctx.Done()
	last := time.AfterFunc(lastWithin, cancel)
	defer last.Stop()
	return g.Wait()
}

// work takes mails one after the other; ctx ends the waiting, late the sending.
func (m *Mailer) work(ctx, late context.Context) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case mail := <-m.queue:
			m.deliver(ctx, late, mail)
		}
	}
	for {
		select {
		case mail := <-m.queue:
			m.deliver(ctx, late, mail)
		default:
			return
		}
	}
}

// deliver sends one mail, again after a pause if the server cannot just now.
func (m *Mailer) deliver(ctx, late context.Context, mail chat.Mail) {
	if mail.To == "" {
		return
	}
	if m.server == nil {
		m.o.Log.Info("mail not sent, no mail server is set", "to", mail.To, "kind", mail.Kind, "code", mail.Code)
		m.o.Count(Sent)
		return
	}
	subject, text := phrase.Match(mail.Language).Mail(mail)
	pause := m.o.Pause
	for attempt := 1; ; attempt++ {
		err := m.server.send(late, mail.To, subject, text)
		if err == nil {
			m.o.Count(Sent)
			return
		}
		if attempt == attempts || isFinal(err) || ctx.Err() != nil {
			m.o.Count(Failed)
			m.o.Log.Error("mail given up", "kind", mail.Kind, "attempts", attempt, "error", err)
			return
		}
		m.o.Log.Warn("mail not sent yet", "kind", mail.Kind, "attempt", attempt, "error", err)
		wait(ctx, pause)
		pause *= pauseFactor
	}
}

// wait returns after a while, or when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
