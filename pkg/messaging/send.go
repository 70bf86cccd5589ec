package messaging

import (
	"context"
	"time"
	"unicode/utf8"

	"github.com/tieline/tieline/pkg/chat"
)

// Outgoing is a send: who says what to whom. Device and Session are where it
// was said; Session is empty for a send over HTTP.
type Outgoing struct {
	From     chat.Person
	Device   chat.DeviceID
	Session  chat.SessionID
	ClientID string
	To       chat.Target
	Draft    chat.Draft
}

// Sent is the answer to a send: the message is committed. Live is false when
// its delivery waits for Redis.
type Sent struct {
	Conversation chat.ConversationID
	Seq          int64
	At           time.Time
	Live         bool
}

// send is a message on its way, and who waits for the answer. Done is called
// once, from the delivering goroutine, and must not block.
type send struct {
	chat.Pending
	done func(Sent, error)
}

// Bounds of what waits in memory.
const (
	maxWaiting  = 8192            // sends; then senders wait
	maxBatch    = 500             // messages of one transaction
	maxBytes    = 1 << 20         // text of one transaction
	admitWithin = 2 * time.Second // how long a sender waits to be let in
)

// Send commits a message, starts its delivery, and answers. The same ClientID
// of the same sender gets the same answer for good; with another message it is
// a chat.Conflict.
func (m *Messenger) Send(ctx context.Context, o Outgoing) (Sent, error) {
	s, err := m.prepare(ctx, o)
	return m.await(ctx, s, err)
}

// await submits what was prepared, if it could be, and waits for the answer.
func (m *Messenger) await(ctx context.Context, s *send, err error) (Sent, error) {
	type answer struct {
		sent Sent
		err  error
	}
	got := make(chan answer, 1)
	m.submit(ctx, s, err, func(s Sent, err error) { got <- answer{s, err} })
	select {
	case a := <-got:
		return a.sent, a.err
	case <-ctx.Done():
		return Sent{}, chat.E("messaging.send", chat.Unavailable, ctx.Err())
	}
}

// Announce has somebody who may (it does not ask) say something to everybody: a
// message of kind chat.System in the lobby, which the sender's own devices are
// shown like all others. It is Send in everything else. Invalid for a text that
// says nothing or is too long.
func (m *Messenger) Announce(ctx context.Context, from chat.Person, clientID, text string) (Sent, error) {
	if err := chat.CheckText("text", text, chat.MaxText); err != nil {
		return Sent{}, err
	}
	o := Outgoing{From: from, ClientID: clientID, To: chat.Target{Room: chat.Lobby}, Draft: chat.Draft{Kind: chat.System, Text: text}}
	s, err := m.address(ctx, o)
	if err == nil {
		s.Origin, s.Session = "", false // nobody has it by the answer
	}
	return m.await(ctx, s, err)
}

// Submit is Send without waiting for the commit: done is called once, possibly
// before Submit returns, and must not block. Messages submitted one after the
// other by one goroutine keep that order.
func (m *Messenger) Submit(ctx context.Context, o Outgoing, done func(Sent, error)) {
	s, err := m.prepare(ctx, o)
	m.submit(ctx, s, err, done)
}

func (m *Messenger) submit(ctx context.Context, s *send, err error, done func(Sent, error)) {
	if err == nil {
		s.done = done
		err = m.admit(ctx, s)
	}
	if err != nil {
		m.o.Observe.Refused(chat.KindOf(err), 1)
		done(Sent{}, err)
	}
}

func (m *Messenger) prepare(ctx context.Context, o Outgoing) (*send, error) {
	if o.ClientID == "" {
		return nil, chat.InvalidField("id", "required", "")
	}
	if utf8.RuneCountInString(o.ClientID) > chat.MaxClientID {
		return nil, chat.OutOfBounds("id", "too_long", chat.MaxClientID)
	}
	if err := o.Draft.Check(); err != nil {
		return nil, err
	}
	return m.address(ctx, o)
}

// address completes a send whose draft is in order.
func (m *Messenger) address(ctx context.Context, o Outgoing) (*send, error) {
	c, err := m.resolve(ctx, o.From.ID, o.To)
	if err != nil {
		return nil, err
	}
	s := &send{Pending: chat.Pending{Digest: o.Draft.Digest(c.ID)}}
	s.Message = chat.Message{Draft: o.Draft, Conversation: c.ID, ClientID: o.ClientID, From: o.From}
	s.FriendsOnly = m.o.FriendsOnly
	if c.Direct {
		s.To.User = c.Peer(o.From.ID)
	} else {
		s.To.Room = c.ID
	}
	s.Recipients, s.Log = c.Recipients(), c.Log()
	if s.Origin, s.Session = string(o.Session), true; s.Origin == "" {
		s.Origin, s.Session = DeviceOrigin(o.Device), false
	}
	return s, nil
}

// DeviceOrigin is the origin of a message that a device sent over HTTP: none of
// its sockets is pushed it, whichever session they are.
func DeviceOrigin(d chat.DeviceID) string { return "device " + string(d) }

// admit queues a send for the next commit. When too many wait, the sender does.
func (m *Messenger) admit(ctx context.Context, s *send) error {
	select {
	case m.in <- s:
		m.refuseLate()
		return nil
	default:
	}
	t := time.NewTimer(admitWithin)
	defer t.Stop()
	select {
	case m.in <- s:
		m.refuseLate()
		return nil
	case <-t.C:
	case <-ctx.Done():
	}
	return notNow("too many messages at once")
}

func notNow(why string) error {
	return &chat.Error{Kind: chat.Unavailable, Op: "messaging.admit", Safe: why, Retry: time.Second}
}

// refuseLate answers what nobody will commit, once Run has ended. Both Run and
// every sender look for such, each after what the other might have missed.
func (m *Messenger) refuseLate() {
	select {
	case <-m.ended:
	default:
		return
	}
	for {
		select {
		case s := <-m.in:
			m.refuse([]*send{s}, notNow("this node is going away"))
		default:
			return
		}
	}
}
