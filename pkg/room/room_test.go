package room

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// house is everything that a Rooms needs, with one private room "r" of ann's.
type house struct {
	Directory
	user   chat.User
	made   chat.Room
	key    string
	told   int
	rooms  []chat.ConversationID
	nodes  error
	change chat.RoomChange
}

func (h *house) Create(_ context.Context, r chat.Room, key string) (chat.Room, []chat.Event, error) {
	h.made, h.key = r, key
	return r, []chat.Event{{}}, nil
}

func (h *house) Room(_ context.Context, id chat.ConversationID) (chat.Room, error) {
	if id != "r" {
		return chat.Room{}, chat.E("test", chat.NotFound, nil)
	}
	return chat.Room{ID: "r", Visibility: chat.Private}, nil
}

func (h *house) Membership(_ context.Context, u chat.UserID, _ chat.ConversationID) (chat.Membership, error) {
	if u != "ann" {
		return chat.Membership{}, chat.E("test", chat.NotFound, nil)
	}
	return chat.Membership{User: u}, nil
}

func (h *house) Update(_ context.Context, _ chat.UserID, _ chat.ConversationID, c chat.RoomChange) (chat.Room, []chat.Event, error) {
	h.change = c
	return chat.Room{}, nil, nil
}

func (h *house) Lobby(context.Context) (chat.Room, error) {
	return chat.Room{ID: chat.Lobby, Members: 7}, nil
}
func (h *house) User(context.Context, chat.UserID) (chat.User, error) { return h.user, nil }
func (h *house) Tell(events []chat.Event)                             { h.told += len(events) }
func (h *house) TellRooms(_ context.Context, rooms []chat.ConversationID) error {
	h.rooms = rooms
	return h.nodes
}

func in(h *house, vipOnly bool) *Rooms {
	return New(h, h, h, h, Options{VIPOnly: vipOnly, Log: slog.New(slog.DiscardHandler)})
}

func TestWhoMayMakeARoom(t *testing.T) {
	soon := time.Now().Add(time.Hour)
	for _, c := range []struct {
		vipOnly bool
		user    chat.User
		want    chat.Kind
	}{
		{false, chat.User{}, ""},
		{true, chat.User{}, chat.VIPRequired},
		{true, chat.User{VIPUntil: time.Now().Add(-time.Hour)}, chat.VIPRequired},
		{true, chat.User{VIPUntil: soon}, ""},
		{true, chat.User{Admin: true}, ""},
	} {
		h := &house{user: c.user}
		room, err := in(h, c.vipOnly).Create(t.Context(), "ann", Plan{Name: "  Tea \u00c4 "})
		if chat.KindOf(err) != c.want {
			t.Errorf("%+v: %v", c, err)
		}
		if err == nil && (room.Name != "Tea \u00c4" || h.key != "tea \u00e4" || room.Visibility != chat.Public || room.Owner != "ann" || room.ID == "" || h.told != 1 || len(h.rooms) != 1) {
			t.Errorf("%+v, %+v", room, h)
		}
	}
}

func TestWhatARoomMaySayOfItself(t *testing.T) {
	for plan, want := range map[Plan]string{
		{Name: ""}:                           "[name required]",
		{Name: " \t"}:                        "[name required]",
		{Name: "a\nb"}:                       "[name format]",
		{Name: "a\u202eb"}:                   "[name format]",
		{Name: "\xff"}:                       "[name format]",
		{Name: strings.Repeat("\u6f22", 65)}: "[name too_long]",
		{Name: "x", Info: strings.Repeat("x", 2001)}:                        "[info too_long]",
		{Name: "x", Info: "a\x00"}:                                          "[info format]",
		{Name: "x", Visibility: "secret"}:                                   "[visibility unknown]",
		{Name: "", Info: "\x00", Visibility: "x"}:                           "[name required info format visibility unknown]",
		{Name: strings.Repeat("\u6f22", 64), Info: "two\nlines \U0001F600"}: "[]",
	} {
		_, err := in(&house{}, false).Create(t.Context(), "ann", plan)
		var e *chat.Error
		var got []string
		if errors.As(err, &e) {
			for _, f := range e.Fields {
				got = append(got, f.Field+" "+f.Code)
			}
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%q: %v, want %s", plan, got, want)
		}
	}
}

// What is not said stays, and a private room is nothing to those outside.
func TestRoomsAreChangedInParts(t *testing.T) {
	h := &house{nodes: errors.New("Redis is away")}
	info := "green"
	if _, err := in(h, false).Update(t.Context(), "ann", "r", chat.RoomChange{Info: &info}); err != nil || h.change.Name != nil || *h.change.Info != info {
		t.Errorf("%+v, %v", h.change, err)
	}
	if _, err := in(h, false).Room(t.Context(), "ann", "r"); err != nil {
		t.Error(err)
	}
	if _, err := in(h, false).Room(t.Context(), "bob", "r"); chat.KindOf(err) != chat.NotFound {
		t.Error(err)
	}
}

// The lobby is a room that everybody is in, and nobody changes.
func TestTheLobbyIsNobodys(t *testing.T) {
	r, ctx := in(&house{}, false), t.Context()
	if room, err := r.Join(ctx, "ann", chat.Lobby); err != nil || room.Members != 7 {
		t.Errorf("%+v, %v", room, err)
	}
	name, role := "mine", chat.RoleOwner
	_, update := r.Update(ctx, "ann", chat.Lobby, chat.RoomChange{Name: &name})
	_, set := r.SetMember(ctx, "ann", "bob", chat.Lobby, &role, nil)
	for _, err := range []error{update, set, r.Delete(ctx, "ann", chat.Lobby), r.Leave(ctx, "ann", chat.Lobby), r.Add(ctx, "ann", "bob", chat.Lobby), r.Remove(ctx, "ann", "bob", chat.Lobby)} {
		if chat.KindOf(err) != chat.Forbidden {
			t.Error(err)
		}
	}
}
