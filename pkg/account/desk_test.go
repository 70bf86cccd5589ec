package account_test

import (
	"context"
	"sync"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// mailedCodes are codes in memory, as Redis keeps them, but for their ages.
type mailedCodes struct {
	codes sync.Map // of kept, by purpose and address
}

type kept struct {
	hash string
	left int
}

func spot(c chat.MailedCode) string { return string(c.Purpose) + " " + c.Address }

func (m *mailedCodes) PutMailedCode(_ context.Context, c chat.MailedCode, ttl, pause time.Duration, tries int) error {
	if ttl != 5*time.Minute || pause != time.Minute {
		return chat.E("fake", chat.Internal, nil)
	}
	if _, sent := m.codes.LoadOrStore(spot(c), kept{c.Hash, tries}); sent {
		return &chat.Error{Kind: chat.RateLimited, Retry: pause}
	}
	return nil
}

func (m *mailedCodes) CheckMailedCode(_ context.Context, c chat.MailedCode) (bool, error) {
	v, _ := m.codes.Load(spot(c))
	k, _ := v.(kept)
	switch {
	case k.hash == "" || k.left == 0:
		return false, nil
	case k.hash == c.Hash:
		return true, nil
	}
	k.left--
	m.codes.Store(spot(c), k)
	return false, nil
}

func (m *mailedCodes) UseMailedCode(_ context.Context, c chat.MailedCode) error {
	if v, _ := m.codes.Load(spot(c)); v.(kept).hash == c.Hash {
		m.codes.Store(spot(c), kept{})
	}
	return nil
}

func (m *mailedCodes) ForgetMailedCode(_ context.Context, c chat.MailedCode) error {
	m.codes.Delete(spot(c))
	return nil
}

// desk is where mails, failed log-ins and events end in these tests.
type desk struct {
	mu     sync.Mutex
	mails  []chat.Mail
	full   bool
	wrong  int            // how many wrong passwords for a name are let pass; 0: any number
	tried  map[string]int // how many there were
	events []chat.Event
}

func (d *desk) Send(m chat.Mail) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.full {
		return chat.E("fake", chat.Unavailable, nil)
	}
	d.mails = append(d.mails, m)
	return nil
}

// mail returns and forgets the one mail that was sent.
func (p *place) mail() chat.Mail {
	p.t.Helper()
	p.desk.mu.Lock()
	defer p.desk.mu.Unlock()
	if len(p.mails) != 1 {
		p.t.Fatalf("the mails are %+v, want one", p.mails)
	}
	m := p.mails[0]
	p.mails = nil
	return m
}

func (d *desk) MayFail(_ context.Context, name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.wrong > 0 && d.tried[name] >= d.wrong {
		return &chat.Error{Kind: chat.RateLimited, Retry: time.Second}
	}
	return nil
}

func (d *desk) Failed(_ context.Context, name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tried[name]++
}

func (d *desk) Tell(events []chat.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.events = append(d.events, events...)
}
