package storetest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/store"
)

// house is a talk with a room in it, of ann's.
type house struct {
	*talk
	rooms *store.Rooms
	u     []chat.User // ann, bob, eve
	room  chat.Room
}

func inEachHouse(t *testing.T, v chat.Visibility, most int, test func(t *testing.T, h *house)) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		h := &house{talk: k, rooms: store.NewRooms(k.db, most), u: k.people("ann", "bob", "eve")}
		var err error
		h.room, _, err = h.rooms.Create(k.ctx, chat.Room{ID: chat.ConversationID(chat.NewID()), Name: "Tea", Visibility: v, Owner: h.u[0].ID}, "tea")
		wants(t, err, "")
		test(t, h)
	})
}

// batch numbers a batch.
func (h *house) batch() int64 {
	h.n++
	return h.n
}

func (h *house) join(u chat.User) {
	h.t.Helper()
	if _, _, err := h.rooms.Join(h.ctx, u.ID, h.room.ID); err != nil {
		h.t.Fatal(err)
	}
}

// roles shows who is in the room, and as what.
func (h *house) roles() string {
	h.t.Helper()
	members, err := h.rooms.Members(h.ctx, h.room.ID, "", 100)
	if err != nil {
		h.t.Fatal(err)
	}
	out := map[string]chat.Role{}
	for _, m := range members {
		out[m.Username] = m.Role
	}
	return fmt.Sprint(out)
}

// S4.3, S4.4: who is in a room may write there, from the next message on or no
// longer, and those in it are who gets it.
func TestARoomIsForItsMembers(t *testing.T) {
	inEachHouse(t, chat.Public, 10, func(t *testing.T, h *house) {
		said := func(u chat.User, text string) *chat.Pending {
			p := says(u, h.room.ID, chat.NewID(), text)
			p.To.Room = h.room.ID
			wants(t, h.Append(h.ctx, "one", h.batch(), []*chat.Pending{p}), "")
			return p
		}
		wants(t, said(h.u[1], "before").Err, chat.NotAMember)
		h.join(h.u[1])
		h.join(h.u[1])
		if p := said(h.u[1], "in"); p.Err != nil || p.Seq != 1 || len(p.Recipients) != 2 || !slices.Contains(p.Recipients, h.u[0].ID) {
			t.Fatalf("%+v", p)
		}
		until := time.Now().Add(time.Hour)
		_, _, err := h.rooms.SetMember(h.ctx, h.u[0].ID, h.u[1].ID, h.room.ID, nil, &until)
		wants(t, err, "")
		wants(t, said(h.u[1], "muted").Err, chat.Muted)
		none := time.Time{}
		_, _, err = h.rooms.SetMember(h.ctx, h.u[0].ID, h.u[1].ID, h.room.ID, nil, &none)
		wants(t, err, "")
		wants(t, said(h.u[1], "again").Err, "")
		_, err = h.rooms.Remove(h.ctx, h.u[0].ID, h.u[1].ID, h.room.ID)
		wants(t, err, "")
		wants(t, said(h.u[1], "out").Err, chat.NotAMember)
		if p := said(h.u[0], "alone"); p.Seq != 3 || len(p.Recipients) != 1 {
			t.Errorf("%+v", p)
		}
		left, err := h.Load(h.ctx, []chat.Range{{Conversation: h.room.ID, From: 1, To: 9}})
		if err != nil || len(left) != 3 || !slices.Equal(left[0].Recipients, []chat.UserID{h.u[0].ID}) || left[0].Log {
			t.Errorf("delivered again: %+v, %v", left, err)
		}
	})
}

// Who may do what to whom.
func TestRolesInARoom(t *testing.T) {
	inEachHouse(t, chat.Public, 10, func(t *testing.T, h *house) {
		ann, bob, eve := h.u[0].ID, h.u[1].ID, h.u[2].ID
		h.join(h.u[1])
		h.join(h.u[2])
		set := func(by, u chat.UserID, role chat.Role) error {
			_, _, err := h.rooms.SetMember(h.ctx, by, u, h.room.ID, &role, nil)
			return err
		}
		wants(t, set(bob, eve, chat.RoleAdmin), chat.Forbidden)
		wants(t, set(bob, bob, chat.RoleAdmin), chat.Forbidden)
		wants(t, set(ann, ann, chat.RoleMember), chat.Forbidden) // a room has an owner
		wants(t, set(ann, bob, chat.RoleAdmin), "")
		wants(t, set(bob, eve, chat.RoleAdmin), chat.Forbidden) // only the owner gives roles
		_, err := h.rooms.Remove(h.ctx, bob, ann, h.room.ID)
		wants(t, err, chat.Forbidden)
		_, err = h.rooms.Remove(h.ctx, eve, bob, h.room.ID)
		wants(t, err, chat.Forbidden)
		_, err = h.rooms.Remove(h.ctx, bob, "nobody", h.room.ID)
		wants(t, err, chat.NotFound)
		name := "Coffee"
		_, _, err = h.rooms.Update(h.ctx, eve, h.room.ID, chat.RoomChange{Name: &name, NameKey: "coffee"})
		wants(t, err, chat.Forbidden)
		if room, told, err := h.rooms.Update(h.ctx, bob, h.room.ID, chat.RoomChange{Name: &name, NameKey: "coffee"}); err != nil || room.Name != name || names(told) != "[room.updated room.updated room.updated]" {
			t.Errorf("%+v, %v, %v", room, names(told), err)
		}
		wants(t, set(ann, eve, chat.RoleOwner), "")
		if got := h.roles(); got != "map[ann:admin bob:admin eve:owner]" {
			t.Error(got)
		}
		_, err = h.rooms.Delete(h.ctx, ann, h.room.ID)
		wants(t, err, chat.Forbidden)
		_, err = h.rooms.Delete(h.ctx, eve, h.room.ID)
		wants(t, err, "")
		_, err = h.rooms.Room(h.ctx, h.room.ID)
		wants(t, err, chat.NotFound)
	})
}

// An owner who leaves is followed by the admin who is longest there, then by the
// member; who turns off the light ends the room.
func TestTheOwnerLeaves(t *testing.T) {
	inEachHouse(t, chat.Public, 10, func(t *testing.T, h *house) {
		h.join(h.u[1])
		h.join(h.u[2])
		admin := chat.RoleAdmin
		_, _, err := h.rooms.SetMember(h.ctx, h.u[0].ID, h.u[2].ID, h.room.ID, &admin, nil)
		wants(t, err, "")
		for _, want := range []string{"map[bob:member eve:owner]", "map[bob:owner]", "map[]"} {
			owner, err := h.rooms.Room(h.ctx, h.room.ID)
			wants(t, err, "")
			_, err = h.rooms.Remove(h.ctx, owner.Owner, owner.Owner, h.room.ID)
			wants(t, err, "")
			if got := h.roles(); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		_, err = h.rooms.Room(h.ctx, h.room.ID)
		wants(t, err, chat.NotFound)
		p := says(h.u[0], h.room.ID, "late", "anybody there?")
		wants(t, h.Append(h.ctx, "one", h.batch(), []*chat.Pending{p}), "")
		wants(t, p.Err, chat.NotAMember)
	})
}

func TestAPrivateRoomIsNobodyElses(t *testing.T) {
	inEachHouse(t, chat.Private, 10, func(t *testing.T, h *house) {
		_, _, err := h.rooms.Join(h.ctx, h.u[1].ID, h.room.ID)
		wants(t, err, chat.NotFound)
		_, err = h.rooms.Add(h.ctx, h.u[0].ID, h.u[1].ID, h.room.ID)
		wants(t, err, "")
		_, err = h.rooms.Add(h.ctx, h.u[1].ID, h.u[2].ID, h.room.ID) // a plain member
		wants(t, err, chat.Forbidden)
		_, err = store.NewPeople(h.db).SetBlocked(h.ctx, h.u[2].ID, h.u[0].ID, true)
		wants(t, err, "")
		_, err = h.rooms.Add(h.ctx, h.u[0].ID, h.u[2].ID, h.room.ID)
		wants(t, err, chat.Blocked)
		if page, _, err := h.rooms.Find(h.ctx, "tea", 0, "", 10); err != nil || len(page) != 0 {
			t.Errorf("found %v, %v", page, err)
		}
	})
}

// However many come at once, a room takes no more than it has places for, and
// counts them right.
func TestARoomFillsUp(t *testing.T) {
	inEachHouse(t, chat.Public, 5, func(t *testing.T, h *house) {
		var guests []chat.User
		for i := range 12 {
			guests = append(guests, h.w.signUp(fmt.Sprint("guest", i)))
		}
		var in sync.Map
		var joining sync.WaitGroup
		for _, g := range guests {
			joining.Go(func() {
				_, _, err := h.rooms.Join(h.ctx, g.ID, h.room.ID)
				if kind := chat.KindOf(err); kind != "" && kind != chat.Conflict {
					t.Error(err)
				}
				if err == nil {
					in.Store(g.ID, true)
				}
			})
		}
		joining.Wait()
		n := 0
		in.Range(func(any, any) bool { n++; return true })
		room, err := h.rooms.Room(h.ctx, h.room.ID)
		if all, err2 := h.Crowd(h.ctx, h.room.ID); err != nil || err2 != nil || n != 4 || room.Members != 5 || len(all) != 5 {
			t.Errorf("%d came in, the room says %d, there are %d; %v, %v", n, room.Members, len(all), err, err2)
		}
	})
}

// S3.4: rooms are found by the beginning of their name, or by their number, page
// by page.
func TestRoomsAreFound(t *testing.T) {
	inEachHouse(t, chat.Public, 5, func(t *testing.T, h *house) {
		for i := range 7 {
			name := fmt.Sprint("tea ", i/2)
			_, _, err := h.rooms.Create(h.ctx, chat.Room{ID: chat.ConversationID(chat.NewID()), Name: name, Visibility: chat.Public, Owner: h.u[0].ID}, name)
			wants(t, err, "")
		}
		all := func(query string, number int64) (found []string) {
			for cursor := ""; ; {
				page, next, err := h.rooms.Find(h.ctx, query, number, cursor, 2)
				wants(t, err, "")
				for _, r := range page {
					found = append(found, r.Name)
				}
				if cursor = next; next == "" {
					return found
				}
			}
		}
		if got := fmt.Sprint(all("tea", 0)); got != "[Tea tea 0 tea 0 tea 1 tea 1 tea 2 tea 2 tea 3]" {
			t.Error(got)
		}
		if got := all("", 0); len(got) != 8 {
			t.Error(got)
		}
		if got := fmt.Sprint(all("tea 3", 0), all("tea 4", 0), all("%", 0)); got != "[tea 3] [] []" {
			t.Error(got)
		}
		var number int64
		fmt.Sscan(h.room.Number, &number)
		if got := fmt.Sprint(all(h.room.Number, number)); got != "[Tea]" {
			t.Error(got)
		}
		_, _, err := h.rooms.Find(h.ctx, "", 0, "nonsense", 2)
		wants(t, err, chat.Invalid)
	})
}

// Everybody is in the lobby.
func TestTheLobbyIsARoom(t *testing.T) {
	inEachHouse(t, chat.Public, 5, func(t *testing.T, h *house) {
		if room, err := h.rooms.Lobby(h.ctx); err != nil || room.Members != 3 || room.Name == "" || room.CreatedAt.IsZero() || room.Owner != "" {
			t.Errorf("%+v, %v", room, err)
		}
	})
}

// Whoever removes their account leaves their rooms as anybody does, and their
// name is not told.
func TestRemovedAccountsLeaveTheirRooms(t *testing.T) {
	inEachHouse(t, chat.Public, 5, func(t *testing.T, h *house) {
		h.join(h.u[1])
		removal, err := h.w.Remove(h.ctx, h.u[0].ID, "hash of ann")
		wants(t, err, "")
		var told []chat.Event
		for _, e := range removal.Events {
			if e.Name == chat.RoomLeft && e.To == h.u[1].ID {
				told = append(told, e)
			}
		}
		if len(told) != 1 || told[0].Data.User.Username != "" || told[0].Data.Room.Owner != h.u[1].ID {
			t.Errorf("bob is told %+v", told)
		}
		if got := h.roles(); got != "map[bob:owner]" {
			t.Error(got)
		}
	})
}
