package handlers

import (
	"context"
	"fmt"
	"time"

	"github.com/tieline/tieline/pkg/account"
	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/device"
	"github.com/tieline/tieline/pkg/messaging"
	"github.com/tieline/tieline/pkg/trace"
	"github.com/tieline/tieline/realtime"
)

// The world of these tests: alice, an administrator, signed in on her phone, and
// bob. A token is the name of who it speaks for.
var (
	born = time.Date(2026, 11, 21, 8, 30, 0, 5_000_000, time.UTC)

	alice = chat.User{
		ID: "u-alice", Username: "alice", Nickname: "Alice", Sex: "female", Bio: "hi", AvatarURL: "/a.png",
		Email: "alice@example.com", Phone: "123", Theme: "dark", Locale: "en", VIPUntil: born, Admin: true, CreatedAt: born,
	}
	bob = chat.User{ID: "u-bob", Username: "bob", Email: "bob@example.com", Phone: "456", CreatedAt: born}

	asAlice = chat.Identity{User: alice.ID, Device: "phone", Login: 3}
)

// fakeAccounts knows alice and bob. What a test sets is called instead.
type fakeAccounts struct {
	register func(account.Registration) (account.Grant, error)
	login    func(account.Login) (account.Grant, error)
	refresh  func(string) (account.Grant, error)
	search   func(reader chat.UserID, query, cursor string, limit int) ([]chat.User, string, error)
	password func(who chat.Identity, old, new string) error

	authErr   error // of Authenticate
	userErr   error // of User
	loggedOut []chat.Identity
	acts      []string // what an administrator did to bob
}

func (f *fakeAccounts) Register(_ context.Context, r account.Registration) (account.Grant, error) {
	return f.register(r)
}

func (f *fakeAccounts) Login(_ context.Context, l account.Login) (account.Grant, error) {
	return f.login(l)
}

func (f *fakeAccounts) Refresh(_ context.Context, token string) (account.Grant, error) {
	return f.refresh(token)
}

func (f *fakeAccounts) Logout(_ context.Context, who chat.Identity) error {
	f.loggedOut = append(f.loggedOut, who)
	return nil
}

func (f *fakeAccounts) ChangePassword(_ context.Context, who chat.Identity, old, new string) error {
	return f.password(who, old, new)
}

func (f *fakeAccounts) Authenticate(_ context.Context, token string) (chat.Identity, error) {
	switch {
	case f.authErr != nil:
		return chat.Identity{}, f.authErr
	case token == "alice":
		return asAlice, nil
	case token == "bob":
		return chat.Identity{User: bob.ID, Device: "laptop", Login: 1, Admin: true}, nil // an old token may say so
	}
	return chat.Identity{}, chat.E("account.authenticate", chat.TokenInvalid, nil)
}

func (f *fakeAccounts) Ticket(context.Context, chat.Identity) (string, time.Duration, error) {
	return "secret-ticket", 30 * time.Second, nil
}

func (f *fakeAccounts) Users(ctx context.Context, ids []chat.UserID) (map[chat.UserID]chat.User, error) {
	out := map[chat.UserID]chat.User{}
	for _, id := range ids {
		if u, err := f.User(ctx, id); err == nil {
			out[id] = u
		}
	}
	return out, nil
}

func (f *fakeAccounts) User(_ context.Context, id chat.UserID) (chat.User, error) {
	switch {
	case f.userErr != nil:
		return chat.User{}, f.userErr
	case id == alice.ID:
		return alice, nil
	case id == bob.ID:
		return bob, nil
	}
	return chat.User{}, chat.E("account.user", chat.NotFound, nil)
}

func (f *fakeAccounts) Search(_ context.Context, reader chat.UserID, query, cursor string, limit int) ([]chat.User, string, error) {
	return f.search(reader, query, cursor, limit)
}

func (f *fakeAccounts) Admin(_ context.Context, who chat.Identity) error {
	if who.User != alice.ID {
		return chat.E("account.admin", chat.Forbidden, nil)
	}
	return nil
}

func (f *fakeAccounts) SetDisabled(_ context.Context, id chat.UserID, disabled bool) error {
	return f.act(id, fmt.Sprintf("disabled %t", disabled))
}

func (f *fakeAccounts) Kick(_ context.Context, id chat.UserID) error { return f.act(id, "kicked") }

// act notes what an administrator did to bob.
func (f *fakeAccounts) act(id chat.UserID, what string) error {
	if id != bob.ID {
		return chat.E("account.act", chat.NotFound, nil)
	}
	f.acts = append(f.acts, what)
	return nil
}

// fakeDevices remembers what was ended.
type fakeDevices struct {
	list  []device.Info
	ended []string
}

func (f *fakeDevices) List(context.Context, chat.Identity) ([]device.Info, error) { return f.list, nil }

func (f *fakeDevices) End(_ context.Context, u chat.UserID, d chat.DeviceID, why chat.Reason) error {
	if d == "nowhere" {
		return chat.E("device.end", chat.NotFound, nil)
	}
	f.ended = append(f.ended, string(u)+" "+string(d)+" "+string(why))
	return nil
}

func (f *fakeDevices) EndOthers(_ context.Context, who chat.Identity, why chat.Reason) error {
	f.ended = append(f.ended, string(who.User)+" all but "+string(who.Device)+" "+string(why))
	return nil
}

// fakeMessenger does what a test sets.
type fakeMessenger struct {
	announce func(from chat.Person, clientID, text string) (messaging.Sent, error)
	send     func(messaging.Outgoing) (messaging.Sent, error)
	history  func(chat.UserID, chat.ConversationID, messaging.Page) ([]chat.Message, error)
	overview func(cursor string, limit int) ([]chat.Overview, string, error)
	open     func(user, peer chat.UserID) (chat.Overview, error)
	read     func(chat.Identity, chat.SessionID, chat.ConversationID, int64) error
	amended  []string
}

func (f *fakeMessenger) Edit(_ context.Context, by chat.UserID, in chat.ConversationID, seq int64, text string) (chat.Message, error) {
	f.amended = append(f.amended, fmt.Sprint(by, " edits ", in, " ", seq, " ", text))
	return chat.Message{Conversation: in, Seq: seq, From: alice.Person(), To: chat.Target{User: bob.ID}, At: born, EditedAt: born,
		Draft: chat.Draft{Kind: chat.Text, Text: text}, Reactions: map[string]int{"\U0001F44D": 2}}, nil
}

func (f *fakeMessenger) Recall(_ context.Context, by chat.UserID, in chat.ConversationID, seq int64) error {
	f.amended = append(f.amended, fmt.Sprint(by, " recalls ", in, " ", seq))
	return nil
}

func (f *fakeMessenger) React(_ context.Context, by chat.UserID, in chat.ConversationID, seq int64, r chat.Reaction) error {
	f.amended = append(f.amended, fmt.Sprint(by, " reacts ", in, " ", seq, " ", r.Emoji, r.On))
	return nil
}

func (f *fakeMessenger) Send(_ context.Context, o messaging.Outgoing) (messaging.Sent, error) {
	return f.send(o)
}

func (f *fakeMessenger) Announce(_ context.Context, from chat.Person, clientID, text string) (messaging.Sent, error) {
	return f.announce(from, clientID, text)
}

func (f *fakeMessenger) History(_ context.Context, u chat.UserID, c chat.ConversationID, p messaging.Page) ([]chat.Message, error) {
	return f.history(u, c, p)
}

func (f *fakeMessenger) Conversations(_ context.Context, _ chat.UserID, cursor string, limit int) ([]chat.Overview, string, error) {
	return f.overview(cursor, limit)
}

func (f *fakeMessenger) OpenDirect(_ context.Context, user, peer chat.UserID) (chat.Overview, error) {
	return f.open(user, peer)
}

func (f *fakeMessenger) MarkRead(_ context.Context, who chat.Identity, s chat.SessionID, c chat.ConversationID, seq int64) error {
	return f.read(who, s, c, seq)
}

// fakePresence has a few people online, or does not know.
type fakePresence struct {
	of     map[chat.UserID]chat.Presence
	online func(hidden []chat.UserID, cursor string, limit int) ([]chat.UserID, string, int, error)
	err    error
}

func (f *fakePresence) Of(context.Context, []chat.UserID) (map[chat.UserID]chat.Presence, error) {
	return f.of, f.err
}

func (f *fakePresence) Online(_ context.Context, hidden []chat.UserID, cursor string, limit int) ([]chat.UserID, string, int, error) {
	return f.online(hidden, cursor, limit)
}

// fakeNode serves sockets as a test says.
type fakeNode struct {
	serve    func(context.Context, realtime.Socket, realtime.Hello)
	ready    bool
	degraded []string
	strict   bool
	orders   []string
}

func (f *fakeNode) setDraining(_ context.Context, id chat.NodeID, on bool) error {
	if id != "n-1" {
		return chat.E("fake", chat.NotFound, nil)
	}
	f.orders = append(f.orders, fmt.Sprint("draining ", on))
	return nil
}

func (f *fakeNode) Serve(ctx context.Context, s realtime.Socket, h realtime.Hello) {
	f.serve(ctx, s, h)
}

func (f *fakeNode) Ready(context.Context) (bool, []string, bool) {
	return f.ready, f.degraded, f.strict
}

func (f *fakeNode) Inquire(_ context.Context, id chat.ConversationID, seq int64) (realtime.Inquiry, error) {
	if seq != 7 {
		return realtime.Inquiry{}, chat.E("fake", chat.NotFound, nil)
	}
	return realtime.Inquiry{
		Conversation: id, Seq: seq, Sender: "u-alice", CommittedAt: time.UnixMilli(1),
		Recipients: []realtime.Arrival{{User: "u-bob", State: realtime.InQueue, Behind: []chat.DeviceID{"d-2", "d-1"}}},
		Events:     []trace.Event{{At: time.UnixMilli(2), Stage: trace.Queued, Node: "n1", User: "u-bob", Detail: "12"}},
	}, nil
}
