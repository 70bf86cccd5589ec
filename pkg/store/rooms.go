package store

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/uptrace/bun"
)

// Rooms keeps rooms and who is in them. Every transaction that changes who is in
// a room, or what they may do there, locks the head of its conversation first
// and moves its version on: a message is committed before such a change or after
// it, never across it.
type Rooms struct {
	db   *DB
	most int
}

// NewRooms returns the repository of rooms of up to a number of members.
func NewRooms(db *DB, most int) *Rooms { return &Rooms{db, most} }

type roomRow struct {
	bun.BaseModel `bun:"table:rooms,alias:r"`

	ID         chat.ConversationID `bun:"id,pk"`
	Number     int64               `bun:"number"`
	Name       string              `bun:"name"`
	NameKey    string              `bun:"name_key"`
	Info       string              `bun:"info"`
	Visibility chat.Visibility     `bun:"visibility"`
	OwnerID    chat.UserID         `bun:"owner_id"`
	Members    int                 `bun:"members"`
	CreatedAt  time.Time           `bun:"created_at"`
}

func (r *roomRow) room() chat.Room {
	return chat.Room{
		ID: r.ID, Number: strconv.FormatInt(r.Number, 10), Name: r.Name, Info: r.Info, Visibility: r.Visibility, Owner: r.OwnerID,
		Members: r.Members, CreatedAt: r.CreatedAt.UTC(),
	}
}

// Room numbers have eight digits.
const (
	firstNumber = 10_000_000
	lastNumber  = 99_999_999
)

func newNumber() int64 {
	n, err := rand.Int(rand.Reader, big.NewInt(lastNumber-firstNumber+1))
	if err != nil {
		panic("store: crypto/rand never fails: " + err.Error())
	}
	return firstNumber + n.Int64()
}

// numberTries is how many numbers a new room may draw that are taken.
const numberTries = 20

// Create makes a room with its owner in it.
func (s *Rooms) Create(ctx context.Context, room chat.Room, nameKey string) (chat.Room, []chat.Event, error) {
	row := roomRow{
		ID: room.ID, Name: room.Name, NameKey: nameKey, Info: room.Info, Visibility: room.Visibility, OwnerID: room.Owner, Members: 1, CreatedAt: now(),
	}
	for try := 1; ; try++ {
		row.Number = newNumber()
		var events []chat.Event
		err := s.db.change(ctx, "store.create_room", func(ctx context.Context, tx bun.Tx) (err error) {
			events, err = s.create(ctx, tx, &row)
			return err
		})
		if duplicate(err) != "number" || try == numberTries {
			return row.room(), events, err
		}
	}
}

func (s *Rooms) create(ctx context.Context, tx bun.Tx, row *roomRow) ([]chat.Event, error) {
	at := row.CreatedAt
	head := conversationRow{ID: row.ID, Name: row.Name, LastAt: &at, CreatedAt: at}
	owner := memberRow{UserID: row.OwnerID, ConversationID: row.ID, JoinedAt: at, Role: chat.RoleOwner}
	for _, model := range []any{&head, row, &owner} {
		if _, err := tx.NewInsert().Model(model).Exec(ctx); err != nil {
			return nil, err
		}
	}
	room := row.room()
	events := []chat.Event{chat.NewEvent(row.OwnerID, chat.RoomJoined, chat.EventData{Room: &room})}
	return events, putEvents(ctx, tx, events)
}

// Room returns a room; NotFound.
func (s *Rooms) Room(ctx context.Context, id chat.ConversationID) (chat.Room, error) {
	var row roomRow
	err := s.db.query(ctx, "store.room", func(ctx context.Context, q bun.IDB) error {
		return q.NewSelect().Model(&row).Where("id = ?", id).Scan(ctx)
	})
	return row.room(), err
}

// Find returns a page of the public rooms and the cursor of the page that
// follows, "" on the last one: for a query those that have its number, then those
// whose name begins with it in its normal form, by name; else all by number.
// Invalid for a cursor that no page gave.
func (s *Rooms) Find(ctx context.Context, query string, number int64, cursor string, limit int) (page []chat.Room, next string, err error) {
	from, ok := readRoomSpot(cursor)
	if !ok {
		return nil, "", chat.InvalidField("cursor", "format", "")
	}
	var last roomSpot
	for _, of := range roomRanges(query, number, from) {
		var rows []roomRow
		err := s.db.query(ctx, "store.find_rooms", func(ctx context.Context, q bun.IDB) error {
			return of(q.NewSelect().Model(&rows).Where("visibility = ?", chat.Public)).Limit(int64(limit - len(page) + 1)).Scan(ctx)
		})
		if err != nil {
			return nil, "", err
		}
		for i := range rows {
			if len(page) == limit {
				return page, last.cursor(), nil
			}
			page = append(page, rows[i].room())
			last = roomSpot{rows[i].NameKey, rows[i].Number}
			if rows[i].Number == number {
				last.key = "" // found by its number: the names have not begun
			}
		}
	}
	return page, "", nil
}

// roomRanges returns the parts of indexes that hold what is looked for beyond a
// spot, in their order.
func roomRanges(query string, number int64, from roomSpot) []func(*bun.SelectQuery) *bun.SelectQuery {
	if query == "" {
		return []func(*bun.SelectQuery) *bun.SelectQuery{func(sel *bun.SelectQuery) *bun.SelectQuery {
			return sel.Where("number > ?", from.number).Order("number ASC")
		}}
	}
	var all []func(*bun.SelectQuery) *bun.SelectQuery
	if from.number == 0 && number > 0 {
		all = append(all, func(sel *bun.SelectQuery) *bun.SelectQuery { return sel.Where("number = ?", number) })
	}
	if from.key != "" { // first those of the last one's name
		all = append(all, func(sel *bun.SelectQuery) *bun.SelectQuery {
			return sel.Where("name_key = ?", from.key).Where("number > ?", from.number).Order("number ASC")
		})
	}
	return append(all, func(sel *bun.SelectQuery) *bun.SelectQuery {
		return begins(sel, "name_key", query, from.key).Where("number <> ?", number).Order("name_key ASC", "number ASC")
	})
}

// roomSpot is the room that a page ended with.
type roomSpot struct {
	key    string
	number int64
}

func (s roomSpot) cursor() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(s.number, 10) + " " + s.key))
}

// readRoomSpot reads a cursor; the beginning for "".
func readRoomSpot(cursor string) (roomSpot, bool) {
	if cursor == "" {
		return roomSpot{}, true
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	number, key, ok := strings.Cut(string(b), " ")
	n, bad := strconv.ParseInt(number, 10, 64)
	return roomSpot{key, n}, err == nil && bad == nil && ok && n > 0 && utf8.ValidString(key)
}

// Update changes what a room says of itself; by whom is checked under its lock.
// Fields that are nil stay.
func (s *Rooms) Update(ctx context.Context, by chat.UserID, id chat.ConversationID, c chat.RoomChange) (chat.Room, []chat.Event, error) {
	var room chat.Room
	events, err := s.change(ctx, "store.update_room", id, func(ctx context.Context, tx bun.Tx, in *crowdTx) error {
		me, err := in.member(by)
		if err != nil {
			return err
		}
		if me.Role == chat.RoleMember {
			return chat.E("store.update_room", chat.Forbidden, nil)
		}
		if c.Name != nil {
			in.room.Name, in.room.NameKey = *c.Name, c.NameKey
			if _, err := tx.NewUpdate().Table("conversations").Set("name = ?", *c.Name).Where("id = ?", id).Exec(ctx); err != nil {
				return err
			}
		}
		if c.Info != nil {
			in.room.Info = *c.Info
		}
		if c.Visibility != nil {
			in.room.Visibility = *c.Visibility
		}
		_, err = tx.NewUpdate().Table("rooms").Where("id = ?", id).Set("name = ?", in.room.Name).Set("name_key = ?", in.room.NameKey).Set("info = ?", in.room.Info).
			Set("visibility = ?", in.room.Visibility).Exec(ctx)
		room = in.room.room()
		in.tellAll(chat.RoomUpdated, chat.EventData{})
		return err
	})
	return room, events, err
}

// Delete ends a room: its owner may.
func (s *Rooms) Delete(ctx context.Context, by chat.UserID, id chat.ConversationID) ([]chat.Event, error) {
	return s.change(ctx, "store.delete_room", id, func(ctx context.Context, tx bun.Tx, in *crowdTx) error {
		me, err := in.member(by)
		if err != nil {
			return err
		}
		if me.Role != chat.RoleOwner {
			return chat.E("store.delete_room", chat.Forbidden, nil)
		}
		in.tellAll(chat.RoomLeft, chat.EventData{})
		return in.end(ctx, tx)
	})
}
