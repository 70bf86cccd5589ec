// Package room makes rooms, and says who is in them.
package room

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tieline/tieline/pkg/chat"
)

// The bounds of what a room says of itself, in characters.
const (
	MaxName = 64
	MaxInfo = 2000
)

// Directory keeps rooms. Its methods check under the room's lock whether
// somebody may do what they ask for, and return what is to be told.
type Directory interface {
	Create(ctx context.Context, room chat.Room, nameKey string) (chat.Room, []chat.Event, error)
	Room(ctx context.Context, id chat.ConversationID) (chat.Room, error)
	Find(ctx context.Context, query string, number int64, cursor string, limit int) (page []chat.Room, next string, err error)
	Update(ctx context.Context, by chat.UserID, id chat.ConversationID, c chat.RoomChange) (chat.Room, []chat.Event, error)
	Delete(ctx context.Context, by chat.UserID, id chat.ConversationID) ([]chat.Event, error)
	Membership(ctx context.Context, u chat.UserID, id chat.ConversationID) (chat.Membership, error)
	Members
}

// Members is the part of a Directory about who is in a room.
type Members interface {
	Crowds(ctx context.Context, ids []chat.ConversationID) (map[chat.ConversationID][]chat.UserID, error)
	Lobby(ctx context.Context) (chat.Room, error)
	Members(ctx context.Context, id chat.ConversationID, after chat.UserID, limit int) ([]chat.Member, error)
	Join(ctx context.Context, u chat.UserID, id chat.ConversationID) (chat.Room, []chat.Event, error)
	Add(ctx context.Context, by, u chat.UserID, id chat.ConversationID) ([]chat.Event, error)
	Remove(ctx context.Context, by, u chat.UserID, id chat.ConversationID) ([]chat.Event, error)
	SetMember(ctx context.Context, by, u chat.UserID, id chat.ConversationID, role *chat.Role, until *time.Time) (chat.Membership, []chat.Event, error)
}

// People knows who is a VIP.
type People interface {
	User(ctx context.Context, id chat.UserID) (chat.User, error)
}

// Teller takes committed events to their people.
type Teller interface{ Tell(events []chat.Event) }

// Nodes are told of rooms that have changed, so that what they remember of them
// is read again. What goes by a commit does not wait for it.
type Nodes interface {
	TellRooms(ctx context.Context, rooms []chat.ConversationID) error
}

// Options are the rules of making rooms.
type Options struct {
	VIPOnly bool // only VIPs, and administrators, may make one
	Log     *slog.Logger
}

// Rooms makes rooms and changes who is in them. It may be used by many
// goroutines.
type Rooms struct {
	dir    Directory
	people People
	teller Teller
	nodes  Nodes
	o      Options
}

// New makes a Rooms.
func New(dir Directory, people People, teller Teller, nodes Nodes, o Options) *Rooms {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Rooms{dir, people, teller, nodes, o}
}

// Plan is what somebody says of a room that they make.
type Plan struct {
	Name, Info string
	Visibility chat.Visibility // empty: chat.Public
}

// Create makes a room with its owner in it. Invalid; VIPRequired.
func (r *Rooms) Create(ctx context.Context, owner chat.UserID, p Plan) (chat.Room, error) {
	if p.Visibility == "" {
		p.Visibility = chat.Public
	}
	name, err := checkAll(&p.Name, &p.Info, &p.Visibility)
	if err != nil {
		return chat.Room{}, err
	}
	if r.o.VIPOnly {
		u, err := r.people.User(ctx, owner)
		if err != nil {
			return chat.Room{}, err
		}
		if !u.Admin && !u.VIPUntil.After(time.Now()) {
			return chat.Room{}, chat.E("room.create", chat.VIPRequired, nil)
		}
	}
	room := chat.Room{ID: chat.ConversationID(chat.NewID()), Name: name, Info: p.Info, Visibility: p.Visibility, Owner: owner}
	room, events, err := r.dir.Create(ctx, room, nameKey(name))
	return room, r.tell(ctx, room.ID, events, err)
}

// Room returns a room that a person may know of: a public one, or one they are
// in; NotFound.
func (r *Rooms) Room(ctx context.Context, u chat.UserID, id chat.ConversationID) (chat.Room, error) {
	if id == chat.Lobby {
		return r.dir.Lobby(ctx)
	}
	room, err := r.dir.Room(ctx, id)
	if err != nil || room.Visibility == chat.Public {
		return room, err
	}
	_, err = r.dir.Membership(ctx, u, id)
	return room, err
}

// notLobby refuses what cannot be done to the lobby.
func notLobby(id chat.ConversationID) error {
	if id == chat.Lobby {
		return &chat.Error{Kind: chat.Forbidden, Op: "room.lobby", Safe: "Everybody is in the lobby, and it is nobody's."}
	}
	return nil
}

// Update changes what a room says of itself. Invalid, NotFound, NotAMember,
// Forbidden for plain members.
func (r *Rooms) Update(ctx context.Context, by chat.UserID, id chat.ConversationID, c chat.RoomChange) (chat.Room, error) {
	name, err := checkAll(c.Name, c.Info, c.Visibility)
	if err == nil {
		err = notLobby(id)
	}
	if err != nil {
		return chat.Room{}, err
	}
	if c.Name != nil {
		c.Name, c.NameKey = &name, nameKey(name)
	}
	room, events, err := r.dir.Update(ctx, by, id, c)
	return room, r.tell(ctx, id, events, err)
}

// Delete ends a room. NotFound, NotAMember, Forbidden for all but its owner.
func (r *Rooms) Delete(ctx context.Context, by chat.UserID, id chat.ConversationID) error {
	if err := notLobby(id); err != nil {
		return err
	}
	events, err := r.dir.Delete(ctx, by, id)
	return r.tell(ctx, id, events, err)
}

// Find returns a page of the public rooms whose name begins with the query, or
// whose number it is; of all for an empty one.
func (r *Rooms) Find(ctx context.Context, query, cursor string, limit int) (page []chat.Room, next string, err error) {
	query = strings.TrimSpace(query)
	number, err := strconv.ParseInt(query, 10, 64)
	if err != nil {
		number = 0 // which no room has
	}
	return r.dir.Find(ctx, nameKey(query), number, cursor, limit)
}

// tell tells of a change that was made; err is what became of it.
func (r *Rooms) tell(ctx context.Context, id chat.ConversationID, events []chat.Event, err error) error {
	if err != nil {
		return err
	}
	r.teller.Tell(events)
	if err := r.nodes.TellRooms(ctx, []chat.ConversationID{id}); err != nil {
		r.o.Log.Debug("nodes were not told of a room", "error", err) // they read again by themselves
	}
	return nil
}

// checkAll checks what a room says of itself; what is nil is not said. It returns
// the name without spaces around it.
func checkAll(name, info *string, v *chat.Visibility) (string, error) {
	var fields []chat.FieldError
	add := func(e *chat.Error) { fields = append(fields, e.Fields...) }
	trimmed := ""
	if name != nil {
		switch trimmed = strings.TrimSpace(*name); {
		case trimmed == "":
			add(chat.InvalidField("name", "required", ""))
		case !chat.Printable(trimmed):
			add(chat.InvalidField("name", "format", ""))
		case utf8.RuneCountInString(trimmed) > MaxName:
			add(chat.OutOfBounds("name", "too_long", MaxName))
		}
	}
	if info != nil {
		switch {
		case !chat.Printable(lines.Replace(*info)):
			add(chat.InvalidField("info", "format", ""))
		case utf8.RuneCountInString(*info) > MaxInfo:
			add(chat.OutOfBounds("info", "too_long", MaxInfo))
		}
	}
	if v != nil && *v != chat.Public && *v != chat.Private {
		add(chat.InvalidField("visibility", "unknown", ""))
	}
	if len(fields) > 0 {
		return "", &chat.Error{Kind: chat.Invalid, Op: "room.check", Fields: fields}
	}
	return trimmed, nil
}

// lines joins the lines of a text, so that it can be held to what one line may be.
var lines = strings.NewReplacer("\n", "", "\r", "", "\t", "")

// nameKey is the form in which names are looked for.
func nameKey(name string) string { return strings.ToLower(name) }
