package notify

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// office is both sides of a Notifier: the database and Redis.
type office struct {
	mu        sync.Mutex
	pending   []chat.Event
	delivered []string // with the depth of the search
	away      bool
	pruned    time.Time
}

func (o *office) Pending(_ context.Context, before time.Time, limit int) ([]chat.Event, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var left []chat.Event
	for _, e := range o.pending {
		if e.At.Before(before) && len(left) < limit {
			left = append(left, e)
		}
	}
	return left, nil
}

func (o *office) Delivered(_ context.Context, ids []string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pending = slices.DeleteFunc(o.pending, func(e chat.Event) bool { return slices.Contains(ids, e.ID) })
	return nil
}

func (o *office) Forget(_ context.Context, before time.Time) (bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pruned = before
	return false, nil
}

func (o *office) DeliverEvents(_ context.Context, events []chat.Event, search int) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range events {
		o.delivered = append(o.delivered, fmt.Sprint(e.ID, "/", min(search, 1)))
	}
	return nil
}

func (o *office) Up() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.away
}

func (o *office) set(away bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.away = away
}

// commits puts an event into the database, as a use-case does.
func (o *office) commits(id string) []chat.Event {
	o.mu.Lock()
	defer o.mu.Unlock()
	e := chat.Event{ID: id, At: time.Now()}
	o.pending = append(o.pending, e)
	return []chat.Event{e}
}

// state shows what was delivered, and what is still marked.
func (o *office) state() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var marked []string
	for _, e := range o.pending {
		marked = append(marked, e.ID)
	}
	return strings.Join(o.delivered, " ") + " | " + strings.Join(marked, " ")
}

// at runs a test with a running Notifier, in a time of its own.
func at(t *testing.T, test func(n *Notifier, o *office, after func(d time.Duration, want string))) {
	synctest.Test(t, func(t *testing.T) {
		o := &office{}
		n := New(o, o, Options{Keep: time.Hour, Log: slog.New(slog.DiscardHandler)})
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { n.Run(ctx) })
		test(n, o, func(d time.Duration, want string) {
			t.Helper()
			<-time.After(d) // of the test's own time
			synctest.Wait()
			if got := o.state(); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		})
		cancel()
		running.Wait()
	})
}

func TestAnEventIsDeliveredAtOnceAndMarkedAWhile(t *testing.T) {
	at(t, func(n *Notifier, o *office, after func(time.Duration, string)) {
		n.Tell(o.commits("a"))
		after(0, "a/0 | a")
		after(forgetAfter-time.Second, "a/0 | a")
		after(3*time.Second, "a/0 | ")
		after(time.Minute, "a/0 | ")
	})
}

// What another node left, or nobody was told of, is found in the database.
func TestWhatWasLeftIsDelivered(t *testing.T) {
	at(t, func(n *Notifier, o *office, after func(time.Duration, string)) {
		o.commits("a")
		after(leftAfter-time.Second, " | a")
		after(2*leftEvery, "a/1 | ")
	})
}

func TestEventsWaitForRedis(t *testing.T) {
	at(t, func(n *Notifier, o *office, after func(time.Duration, string)) {
		o.set(true)
		n.Tell(o.commits("a"))
		after(time.Minute, " | a")
		o.set(false)
		after(leftEvery, "a/1 | ")
	})
}

// What went to a Redis that others had given up is delivered again, and no more
// than that.
func TestRedeliver(t *testing.T) {
	at(t, func(n *Notifier, o *office, after func(time.Duration, string)) {
		n.Tell(o.commits("old"))
		after(time.Minute, "old/0 | ")
		n.Tell(o.commits("new"))
		after(time.Millisecond, "old/0 new/0 | new")
		n.Redeliver()
		after(2*forgetEvery, "old/0 new/0 new/1 | new")
		after(time.Minute, "old/0 new/0 new/1 | ")
	})
}

func TestOldEventsAreForgotten(t *testing.T) {
	at(t, func(n *Notifier, o *office, after func(time.Duration, string)) {
		after(pruneEvery+time.Second, " | ")
		if age := time.Since(o.pruned); age < time.Hour || age > time.Hour+time.Minute {
			t.Errorf("what is older than %v", age)
		}
	})
}

// Ended, a Notifier leaves no mark on what it has delivered.
func TestTheMarksGoWithTheNode(t *testing.T) {
	var o *office
	at(t, func(n *Notifier, of *office, after func(time.Duration, string)) {
		o = of
		n.Tell(o.commits("a"))
		after(0, "a/0 | a")
	})
	if got := o.state(); got != "a/0 | " {
		t.Errorf("%q", got)
	}
}
