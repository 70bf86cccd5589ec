package main_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// herdWithin bounds what each of a herd does; a slow machine needs minutes to say
// what it is to miss.
const herdWithin = 9 * time.Minute

// Everybody is cut off at once and comes back at once, with messages missed:
// nothing is lost, and the database is hardly asked.
func TestHerd(t *testing.T) {
	t.Parallel()
	herd(t, 300, 100)
}

// herd has people drop out, miss so many messages each, and come back together.
func herd(t *testing.T, people, missed int) {
	s := newStory(t, nodes(3), ownDatabase(), setting("TIELINE_LOG_LEVEL", "warn"))
	c := s.Crowd("herd", people)
	speakers := s.Crowd("speaker", 8)
	urls := s.urls()
	start := time.Now()
	c.each(people, func(i int, m *member) { m.arrive(t, urls[i%len(urls)]) })
	t.Logf("%d sockets opened within %v", people, since(start))
	start = time.Now()
	c.each(people, func(_ int, m *member) { m.raw.Close() })
	var speaking sync.WaitGroup
	for i, m := range speakers.members {
		speaking.Go(func() { m.address(t, urls[i%len(urls)], c.share(i, len(speakers.members)), missed) })
	}
	speaking.Wait()
	t.Logf("%d messages kept within %v", people*missed, since(start))
	eventually(t, soon, "what was kept is delivered", func() bool { return s.waiting() == 0 })

	c.pauses = nil
	before, start := s.questions(), time.Now()
	c.each(people, func(i int, m *member) { m.arrive(t, urls[(i+1)%len(urls)]) })
	took, asked := time.Since(start), s.questions()-before
	for _, m := range c.members {
		m.raw.Close()
		if m.missed.Count != missed || m.missed.Source != wire.SourceQueue || len(m.heard) != missed || m.overtaken > 0 {
			t.Errorf("%s missed %d messages and got %d frames from the %s: %d different ones, %d out of order",
				m.name, missed, m.missed.Count, m.missed.Source, len(m.heard), m.overtaken)
		}
	}
	again, _ := c.repeated()
	t.Logf("%d came back within %v, half of them within %v, with %d messages; %d times told to come later, repeated %d, %d database statements",
		people, took.Round(time.Millisecond), c.middlePause(), people*missed, c.endings[ending{code: wire.CloseUnavailable}], again, asked)
	// Each node asks now and then whether the others left anything, however many sockets it has.
	if most := people/20 + 20*int(took.Seconds()+1); asked > most || again > 0 {
		t.Errorf("%d statements for %d resumes, want none of the resumes' own; %d messages were shown twice", asked, people, again)
	}
}

func since(start time.Time) time.Duration { return time.Since(start).Round(time.Millisecond) }

// arrive connects, as often as it is asked to come back later, and takes what
// was missed. Nobody reads the socket after that.
func (m *member) arrive(t *testing.T, url string) {
	ctx, cancel := context.WithTimeout(t.Context(), herdWithin)
	defer cancel()
	start := time.Now()
	for ctx.Err() == nil {
		raw, err := m.dial(ctx, url)
		if err == nil {
			m.raw = raw
			if err = m.takeMissed(ctx); err == nil {
				m.crowd.notePause(time.Since(start))
				return
			}
			raw.Close()
		}
		var closed *client.CloseError
		if errors.As(err, &closed) {
			m.crowd.noteEnd(ending{code: closed.Code})
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	t.Errorf("%s did not get in", m.name)
}

func (m *member) takeMissed(ctx context.Context) error {
	for {
		p, err := m.raw.Next(ctx)
		if err != nil {
			return err
		}
		switch p.Type {
		case wire.Message, wire.Synced, wire.Welcome:
		default:
			continue
		}
		var f frame
		if err := p.Into(&f); err != nil {
			return err
		}
		m.offset = f.Offset
		if p.Type == wire.Message {
			m.hear(&f)
		}
		if p.Type == wire.Synced {
			m.missed = f
			return nil
		}
	}
}

// share is every nth member, beginning with one.
func (c *crowd) share(first, n int) (some []*member) {
	for i := first; i < len(c.members); i += n {
		some = append(some, c.members[i])
	}
	return some
}

// address says so many things to each of some people, many at a time.
func (m *member) address(t *testing.T, url string, to []*member, times int) {
	ctx, cancel := context.WithTimeout(t.Context(), herdWithin)
	defer cancel()
	c, err := client.Dial(ctx, client.Options{URLs: []string{url}, AccessToken: m.token, Device: m.device})
	if err != nil {
		t.Errorf("%s: %v", m.name, err)
		return
	}
	defer c.Close()
	sent := make(chan *client.Sending, 512)
	var acks sync.WaitGroup
	acks.Go(func() {
		for one := range sent {
			if _, err := one.Wait(ctx); err != nil {
				t.Errorf("%s: %v", m.name, err)
			}
		}
	})
	for n := range times {
		for _, one := range to {
			s, err := c.Queue(ctx, chat.NewID(), chat.Target{User: one.user}, chat.Draft{Kind: chat.Text, Text: fmt.Sprint(n)})
			if err != nil {
				t.Errorf("%s: %v", m.name, err)
				break
			}
			sent <- s
		}
	}
	close(sent)
	acks.Wait()
}

// waiting is how many batches the outbox has: those that are not delivered, for
// want of Redis on a busy machine, and those of the last seconds.
func (s *story) waiting() (n int) {
	s.t.Helper()
	s.sqlCall(func(ctx context.Context, db *sql.DB) error {
		return db.QueryRowContext(ctx, "SELECT COUNT(*) FROM outbox").Scan(&n)
	})
	return n
}

// questions is how many statements the database has been asked.
func (s *story) questions() (n int) {
	s.t.Helper()
	s.sqlCall(func(ctx context.Context, db *sql.DB) error {
		var name string
		return db.QueryRowContext(ctx, "SHOW GLOBAL STATUS LIKE 'Questions'").Scan(&name, &n)
	})
	return n
}
