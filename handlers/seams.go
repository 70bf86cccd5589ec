package handlers

import (
	"context"
	"time"

	"github.com/tieline/tieline/pkg/account"
	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/device"
	"github.com/tieline/tieline/pkg/messaging"
	"github.com/tieline/tieline/pkg/room"
	"github.com/tieline/tieline/realtime"
)

// Accounts signs people up and in, and reads their tokens; *account.Accounts.
type Accounts interface {
	Register(context.Context, account.Registration) (account.Grant, error)
	Login(context.Context, account.Login) (account.Grant, error)
	Refresh(ctx context.Context, token string) (account.Grant, error)
	Logout(context.Context, chat.Identity) error
	ChangePassword(ctx context.Context, who chat.Identity, old, new string) error
	Authenticate(ctx context.Context, accessToken string) (chat.Identity, error)
	Ticket(context.Context, chat.Identity) (ticket string, ttl time.Duration, err error)
	User(context.Context, chat.UserID) (chat.User, error)
	Users(context.Context, []chat.UserID) (map[chat.UserID]chat.User, error)
	Search(ctx context.Context, reader chat.UserID, query, cursor string, limit int) (users []chat.User, next string, err error)
	// Admin returns nil for administrators, else chat.Forbidden.
	Admin(context.Context, chat.Identity) error
	SetDisabled(ctx context.Context, user chat.UserID, disabled bool) error
	Kick(context.Context, chat.UserID) error
}

// Owners is how people look after their own accounts; *account.Accounts.
type Owners interface {
	EmailCode(ctx context.Context, email string, purpose chat.CodePurpose, language string) error
	ResetPassword(ctx context.Context, email, code, password string) error
	ChangeProfile(ctx context.Context, user chat.UserID, c account.ProfileChange, language string) (chat.User, error)
	// SetAvatar takes a picture in whatever form it was uploaded.
	SetAvatar(ctx context.Context, user chat.UserID, upload []byte) (chat.User, error)
	Remove(ctx context.Context, user chat.UserID, password string) error
}

// Codes makes and redeems one-time codes; *account.Accounts.
type Codes interface {
	// RedeemVIP uses a code up, once, however many ask at the same time.
	RedeemVIP(ctx context.Context, user chat.UserID, code string) (chat.User, error)
	CreateCodes(context.Context, account.CodeOrder) ([]string, error)
	FindCodes(ctx context.Context, kind chat.CodeKind, cursor string, limit int) (codes []chat.Code, next string, err error)
}

// Avatars are the pictures that stand for people; *media.Avatars.
type Avatars interface {
	// Open returns the one with this name; NotFound.
	Open(ctx context.Context, name string) (picture []byte, mediaType string, err error)
}

// Devices lists a person's devices and ends their sessions; *device.Devices.
type Devices interface {
	List(context.Context, chat.Identity) ([]device.Info, error)
	End(context.Context, chat.UserID, chat.DeviceID, chat.Reason) error
	EndOthers(context.Context, chat.Identity, chat.Reason) error
}

// People keeps what people are to each other; *people.People.
type People interface {
	Ask(context.Context, chat.Asking) (chat.FriendRequest, error)
	Requests(ctx context.Context, user chat.UserID, outgoing bool, cursor string, limit int) (list []chat.FriendRequest, next string, err error)
	Handle(ctx context.Context, user chat.UserID, id string, as chat.RequestState, label chat.Label) (chat.FriendRequest, error)
	Friends(ctx context.Context, user chat.UserID, cursor string, limit int) (list []chat.Friend, next string, err error)
	ChangeFriend(ctx context.Context, user, friend chat.UserID, change chat.RelationChange) (chat.Friend, error)
	RemoveFriend(ctx context.Context, user, friend chat.UserID) error
	Blocks(ctx context.Context, user chat.UserID, cursor string, limit int) (list []chat.Block, next string, err error)
	SetBlocked(ctx context.Context, user, other chat.UserID, blocked bool) error
	Relation(ctx context.Context, user, other chat.UserID) (chat.Relation, error)
	// Blockers returns who of some users blocks one; AllBlockers who of all.
	Blockers(ctx context.Context, of chat.UserID, among []chat.UserID) ([]chat.UserID, error)
	AllBlockers(ctx context.Context, of chat.UserID) ([]chat.UserID, error)
}

// Messenger sends messages and pages them; *messaging.Messenger.
type Messenger interface {
	Send(context.Context, messaging.Outgoing) (messaging.Sent, error)
	Announce(ctx context.Context, from chat.Person, clientID, text string) (messaging.Sent, error)
	History(context.Context, chat.UserID, chat.ConversationID, messaging.Page) ([]chat.Message, error)
	Conversations(ctx context.Context, user chat.UserID, cursor string, limit int) (list []chat.Overview, next string, err error)
	OpenDirect(ctx context.Context, user, peer chat.UserID) (chat.Overview, error)
	MarkRead(ctx context.Context, who chat.Identity, session chat.SessionID, in chat.ConversationID, seq int64) error
	Edit(ctx context.Context, by chat.UserID, in chat.ConversationID, seq int64, text string) (chat.Message, error)
	Recall(ctx context.Context, by chat.UserID, in chat.ConversationID, seq int64) error
	React(ctx context.Context, by chat.UserID, in chat.ConversationID, seq int64, r chat.Reaction) error
}

// Desk takes complaints and keeps the log of what administrators do;
// *moderation.Desk.
type Desk interface {
	Report(ctx context.Context, from chat.UserID, about chat.ReportTarget, reason, detail string) (chat.Report, error)
	Reports(ctx context.Context, open bool, cursor string, limit int) (list []chat.Report, next string, err error)
	Resolve(ctx context.Context, by chat.UserID, id string) error
	// Note writes down what is about to be done; with an error it must not be.
	Note(context.Context, chat.Deed) error
	Deeds(ctx context.Context, cursor string, limit int) (list []chat.Deed, next string, err error)
}

// Hooks shows the events that wait to be posted, or were given up; *hook.Poster.
type Hooks interface {
	Hooks(ctx context.Context, dead bool, cursor string, limit int) (list []chat.Hook, next string, err error)
	// Retry has one tried anew: NotFound.
	Retry(ctx context.Context, id string) error
}

// Rooms makes rooms and says who is in them; *room.Rooms.
type Rooms interface {
	Create(context.Context, chat.UserID, room.Plan) (chat.Room, error)
	Room(context.Context, chat.UserID, chat.ConversationID) (chat.Room, error)
	Find(ctx context.Context, query, cursor string, limit int) (rooms []chat.Room, next string, err error)
	Update(context.Context, chat.UserID, chat.ConversationID, chat.RoomChange) (chat.Room, error)
	Delete(context.Context, chat.UserID, chat.ConversationID) error
	Join(context.Context, chat.UserID, chat.ConversationID) (chat.Room, error)
	Leave(context.Context, chat.UserID, chat.ConversationID) error
	Members(ctx context.Context, reader chat.UserID, id chat.ConversationID, cursor string, limit int) (members []chat.Member, next string, err error)
	Crowds(context.Context, []chat.ConversationID) (map[chat.ConversationID][]chat.UserID, error)
	Add(ctx context.Context, by, user chat.UserID, id chat.ConversationID) error
	Remove(ctx context.Context, by, user chat.UserID, id chat.ConversationID) error
	SetMember(ctx context.Context, by, user chat.UserID, id chat.ConversationID, role *chat.Role, until *time.Time) (chat.Membership, error)
}

// Board keeps what people write on walls and on the board; *board.Board.
type Board interface {
	Post(ctx context.Context, from, wall chat.UserID, text string) (chat.Post, error)
	Wall(ctx context.Context, reader, wall chat.UserID, cursor string, limit int) (posts []chat.Post, next string, err error)
	Feed(ctx context.Context, reader chat.UserID, cursor string, limit int) (posts []chat.Post, next string, err error)
	Remove(ctx context.Context, by chat.UserID, id string, onBoard bool) error
}

// Presence knows who is online.
type Presence interface {
	// Of answers for as many as are asked about; who is not in the answer is
	// offline and was never seen.
	Of(context.Context, []chat.UserID) (map[chat.UserID]chat.Presence, error)
	// Online pages through everybody online but those who are hidden; total counts
	// all of them.
	Online(ctx context.Context, hidden []chat.UserID, cursor string, limit int) (ids []chat.UserID, next string, total int, err error)
}

// Node serves sockets and knows how it is; *realtime.Node.
type Node interface {
	// Serve returns when nothing uses the socket any more.
	Serve(context.Context, realtime.Socket, realtime.Hello)
	// Ready reports whether clients may be sent here, what is away ("redis",
	// "database"), and whether all is well.
	Ready(context.Context) (ready bool, degraded []string, strict bool)
	// Inquire gathers from all nodes what became of a message.
	Inquire(context.Context, chat.ConversationID, int64) (realtime.Inquiry, error)
}

// Limits says how often people may do what; *cluster.Limits.
type Limits interface {
	// Allow returns nil, or a RateLimited error that says when to try again.
	Allow(ctx context.Context, op chat.Operation, who string) error
}

// unlimited lets everybody do everything.
type unlimited struct{}

func (unlimited) Allow(context.Context, chat.Operation, string) error { return nil }
