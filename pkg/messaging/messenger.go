package messaging

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/trace"
	"golang.org/x/sync/errgroup"
)

// History is where messages are kept.
type History interface {
	Append(ctx context.Context, node string, n int64, batch []*chat.Pending) error
	History(ctx context.Context, c chat.Conversation, before, after int64, limit int) ([]chat.Message, error)
	Conversation(ctx context.Context, id chat.ConversationID) (chat.Conversation, error)
	// Crowd returns who is in a room now.
	Crowd(ctx context.Context, id chat.ConversationID) ([]chat.UserID, error)
	OpenDirect(ctx context.Context, a, b chat.UserID) (chat.Conversation, error)
	Overviews(ctx context.Context, u chat.UserID, cursor string, limit int) ([]chat.Overview, string, error)
	Overview(ctx context.Context, u chat.UserID, id chat.ConversationID) (chat.Overview, error)
	MarkRead(ctx context.Context, u chat.UserID, c chat.ConversationID, seq int64) (moved bool, err error)
	Amender
	Outbox
}

// Amender changes messages. Each call returns the message as it is then, and the
// events that tell of a change.
type Amender interface {
	Edit(ctx context.Context, by chat.UserID, id chat.ConversationID, seq int64, text string) (chat.Message, []chat.Event, error)
	Recall(ctx context.Context, by chat.UserID, id chat.ConversationID, seq int64) (chat.Message, []chat.Event, error)
	React(ctx context.Context, by chat.UserID, id chat.ConversationID, seq int64, r chat.Reaction) (chat.Message, []chat.Event, error)
}

// Teller takes committed events to their people.
type Teller interface{ Tell(events []chat.Event) }

// Outbox is what was committed and is not yet known to be delivered.
type Outbox interface {
	Leftovers(ctx context.Context, node string, after int64, limit int) ([]chat.Leftover, error)
	OldLeftovers(ctx context.Context, alive []string, before time.Time, limit int) ([]chat.Leftover, error)
	Load(ctx context.Context, ranges []chat.Range) ([]chat.Delivery, error)
	Delivered(ctx context.Context, node string, from, to int64) error
}

// Courier takes committed messages to those who should have them.
type Courier interface {
	// Deliver puts messages into queues and tells the nodes. Search says how far
	// back repeats are looked for: 0 for a first delivery. Who of those with a queue
	// has no open socket anywhere is returned, if anybody wants to know.
	Deliver(ctx context.Context, batch []chat.Delivery, search int) (absent []chat.UserID, err error)
	// Up reports whether it makes sense to try.
	Up() bool
	// Alive returns the runs of nodes that deliver for themselves; none before
	// this is known.
	Alive() []string
	// Read tells the other person, and the reader's other devices, how far a
	// conversation is read.
	Read(ctx context.Context, r chat.Reading) error
}

// Absences is told of those who were away when a message came for them. It keeps
// each once, however often it is told.
type Absences interface {
	Absent(context.Context, []chat.Absence) error
}

// Options tune a Messenger.
type Options struct {
	Boot    string // names this run of the node in the outbox
	Log     *slog.Logger
	Observe Observer
	Trace   *trace.Ring // nil: nothing is remembered
	// FriendsOnly says that only friends may write to, and signal, a person.
	FriendsOnly bool
	Absences    Absences // nil: nobody wants to know
	Teller      Teller   // nil: nobody is told of events
}

// Observer hears of what happens, for metrics; every method may be called from
// several goroutines.
type Observer interface {
	Sent(n int)                    // messages accepted for committing
	Refused(kind chat.Kind, n int) // sends refused
	Committed(n int, took time.Duration)
	Delivered(n int, took time.Duration)
	Postponed(n int) // committed, but left to the outbox
	Waiting(commit int)
}

// Messenger takes messages in and history out. Run must be running for sends to
// be answered.
type Messenger struct {
	h     History
	c     Courier
	o     Options
	rooms *roomCache

	absent  *absent
	in      chan *send   // waiting to be committed
	batches chan *commit // committed, waiting to be delivered
	nudge   chan struct{}
	again   atomic.Bool   // what is in the outbox still is to be delivered again
	ended   chan struct{} // closed when nobody commits any more
}

// New returns a Messenger.
func New(h History, c Courier, o Options) *Messenger {
	if o.Observe == nil {
		o.Observe = nobody{}
	}
	m := &Messenger{
		h: h, c: c, o: o, rooms: newRoomCache(),
		in: make(chan *send, maxWaiting), batches: make(chan *commit, 4), nudge: make(chan struct{}, 1),
		ended: make(chan struct{}),
	}
	m.absent = newAbsent(m)
	return m
}

// Run commits and delivers until ctx ends; then it finishes what was accepted,
// and what comes later is refused. It is for calling once.
func (m *Messenger) Run(ctx context.Context) error {
	var g errgroup.Group
	g.Go(func() error { m.commitAll(ctx); return nil })
	g.Go(func() error { m.deliverAll(ctx); return nil })
	g.Go(func() error { m.reap(ctx); return nil })
	g.Go(func() error { m.absent.run(ctx); return nil })
	err := g.Wait()
	close(m.ended)
	m.refuseLate()
	return err
}

// Nudge says that delivery may work again: what waits is tried at once.
func (m *Messenger) Nudge() {
	select {
	case m.nudge <- struct{}{}:
	default:
	}
}

// Redeliver says that what was delivered lately may be lost: it went to a Redis
// that others had given up already, and looked elsewhere for what they missed.
// What the outbox has still is delivered again.
func (m *Messenger) Redeliver() {
	m.again.Store(true)
	m.Nudge()
}

// nobody is the Observer of those who do not want one.
type nobody struct{}

func (nobody) Sent(int)                     {}
func (nobody) Refused(chat.Kind, int)       {}
func (nobody) Committed(int, time.Duration) {}
func (nobody) Delivered(int, time.Duration) {}
func (nobody) Postponed(int)                {}
func (nobody) Waiting(int)                  {}
