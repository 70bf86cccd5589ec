package store

import (
	"context"
	"slices"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/uptrace/bun"
)

// crowdTx is a room in a transaction that changes it: locked, with all who are
// in it, and what they are to be told.
type crowdTx struct {
	room    roomRow
	members []memberRow // the longest there first
	most    int
	events  []chat.Event
}

// change changes a locked room, and returns what is to be told of it. NotFound.
func (s *Rooms) change(ctx context.Context, op string, id chat.ConversationID, do func(ctx context.Context, tx bun.Tx, in *crowdTx) error) ([]chat.Event, error) {
	var events []chat.Event
	err := s.db.change(ctx, op, func(ctx context.Context, tx bun.Tx) (err error) {
		events, err = changeRoom(ctx, tx, id, func(in *crowdTx) error {
			in.most = s.most
			return do(ctx, tx, in)
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return events, nil
}

// changeRoom is change within a transaction. What do has tellAll or tell say is
// told with the room as it is in the end.
func changeRoom(ctx context.Context, tx bun.Tx, id chat.ConversationID, do func(in *crowdTx) error) ([]chat.Event, error) {
	in := &crowdTx{}
	// The version moves first: that locks the head, in both dialects.
	if _, err := tx.NewUpdate().Table("conversations").Set("version = version + 1").Where("id = ?", id).Exec(ctx); err != nil {
		return nil, err
	}
	if err := tx.NewSelect().Model(&in.room).Where("id = ?", id).Scan(ctx); err != nil {
		return nil, err
	}
	err := tx.NewSelect().Model(&in.members).Where("conversation_id = ?", id).Order("joined_at ASC", "user_id ASC").Scan(ctx)
	if err != nil {
		return nil, err
	}
	if err := do(in); err != nil {
		return nil, err
	}
	room := in.room.room()
	for i := range in.events {
		in.events[i].Data.Room = &room
	}
	return in.events, putEvents(ctx, tx, in.events)
}

// leaveRooms takes somebody out of all rooms but the lobby, as leaving each of
// them does, in the order in which whoever writes to them locks them.
func leaveRooms(ctx context.Context, tx bun.Tx, user chat.UserID) (events []chat.Event, err error) {
	var ids []chat.ConversationID
	err = tx.NewSelect().TableExpr("members AS mb").ColumnExpr("mb.conversation_id").Join("JOIN rooms AS r ON r.id = mb.conversation_id").
		Where("mb.user_id = ?", user).OrderExpr("mb.conversation_id ASC").Scan(ctx, &ids)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		told, err := changeRoom(ctx, tx, id, func(in *crowdTx) error { return in.remove(ctx, tx, user) })
		if err != nil {
			return nil, err
		}
		events = append(events, told...)
	}
	return events, nil
}

// member returns somebody's place; NotAMember in a public room, and NotFound in
// a private one, of which they may not know.
func (in *crowdTx) member(u chat.UserID) (chat.Membership, error) {
	if i := in.find(u); i >= 0 {
		return in.members[i].membership(), nil
	}
	if in.room.Visibility == chat.Private {
		return chat.Membership{}, chat.E("store.member", chat.NotFound, nil)
	}
	return chat.Membership{}, chat.E("store.member", chat.NotAMember, nil)
}

func (in *crowdTx) find(u chat.UserID) int {
	return slices.IndexFunc(in.members, func(m memberRow) bool { return m.UserID == u })
}

// tell has one member told, tellAll every member.
func (in *crowdTx) tell(u chat.UserID, name chat.EventName, about chat.EventData) {
	in.events = append(in.events, chat.NewEvent(u, name, about))
}

func (in *crowdTx) tellAll(name chat.EventName, about chat.EventData) {
	for _, m := range in.members {
		in.tell(m.UserID, name, about)
	}
}

// add puts somebody into the room who is not in it, and has read what was said
// before.
func (in *crowdTx) add(ctx context.Context, tx bun.Tx, u chat.UserID) error {
	if len(in.members) >= in.most {
		return &chat.Error{Kind: chat.Conflict, Op: "store.join", Safe: "The room is full."}
	}
	people, err := cards(ctx, tx, u)
	if err != nil {
		return err
	}
	card, there := people[u]
	if !there {
		return chat.E("store.join", chat.NotFound, nil)
	}
	var said int64
	if err := tx.NewSelect().Table("conversations").Column("last_seq").Where("id = ?", in.room.ID).Scan(ctx, &said); err != nil {
		return err
	}
	row := memberRow{UserID: u, ConversationID: in.room.ID, ReadSeq: said, JoinedAt: now(), Role: chat.RoleMember}
	if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
		return err
	}
	in.members = append(in.members, row)
	in.tellAll(chat.RoomJoined, chat.EventData{User: &card})
	return in.count(ctx, tx)
}

// remove takes somebody out of the room who is in it. An owner's place goes to
// the admin, else member, who is longest there; a room without anybody ends.
func (in *crowdTx) remove(ctx context.Context, tx bun.Tx, u chat.UserID) error {
	people, err := cards(ctx, tx, u)
	if err != nil {
		return err
	}
	card := people[u]
	in.tellAll(chat.RoomLeft, chat.EventData{User: &card})
	i := in.find(u)
	was := in.members[i]
	in.members = slices.Delete(in.members, i, i+1)
	if len(in.members) == 0 {
		return in.end(ctx, tx)
	}
	if _, err := tx.NewDelete().Table("members").Where("user_id = ?", u).Where("conversation_id = ?", in.room.ID).Exec(ctx); err != nil {
		return err
	}
	if was.Role == chat.RoleOwner {
		if err := in.crown(ctx, tx, in.heir()); err != nil {
			return err
		}
	}
	return in.count(ctx, tx)
}

// heir is who becomes the owner when the owner is gone.
func (in *crowdTx) heir() chat.UserID {
	for _, m := range in.members {
		if m.Role == chat.RoleAdmin {
			return m.UserID
		}
	}
	return in.members[0].UserID
}

// crown makes a member the owner; whoever was is an admin.
func (in *crowdTx) crown(ctx context.Context, tx bun.Tx, u chat.UserID) error {
	for i := range in.members {
		m := &in.members[i]
		role := m.Role
		switch {
		case m.UserID == u:
			role = chat.RoleOwner
		case role == chat.RoleOwner:
			role = chat.RoleAdmin
		}
		if role == m.Role {
			continue
		}
		m.Role = role
		if err := in.save(ctx, tx, m); err != nil {
			return err
		}
	}
	in.room.OwnerID = u
	_, err := tx.NewUpdate().Table("rooms").Set("owner_id = ?", u).Where("id = ?", in.room.ID).Exec(ctx)
	return err
}

// save keeps what a member may do.
func (in *crowdTx) save(ctx context.Context, tx bun.Tx, m *memberRow) error {
	_, err := tx.NewUpdate().Model(m).Column("role", "muted_until").WherePK().Exec(ctx)
	return err
}

func (in *crowdTx) count(ctx context.Context, tx bun.Tx) error {
	in.room.Members = len(in.members)
	_, err := tx.NewUpdate().Table("rooms").Set("members = ?", in.room.Members).Where("id = ?", in.room.ID).Exec(ctx)
	return err
}

// end deletes the room and everybody's place in it. What was said there belongs
// to nobody any more.
func (in *crowdTx) end(ctx context.Context, tx bun.Tx) error {
	for table, column := range map[string]string{"members": "conversation_id", "rooms": "id", "conversations": "id"} {
		if _, err := tx.NewDelete().Table(table).Where("? = ?", bun.Ident(column), in.room.ID).Exec(ctx); err != nil {
			return err
		}
	}
	in.members, in.room.Members = nil, 0
	return nil
}

// Join puts somebody into a public room; NotFound for a private one. Being in it
// already is no error.
func (s *Rooms) Join(ctx context.Context, u chat.UserID, id chat.ConversationID) (chat.Room, []chat.Event, error) {
	var room chat.Room
	events, err := s.change(ctx, "store.join", id, func(ctx context.Context, tx bun.Tx, in *crowdTx) error {
		room = in.room.room()
		if in.find(u) >= 0 {
			return nil
		}
		if in.room.Visibility == chat.Private {
			return chat.E("store.join", chat.NotFound, nil)
		}
		err := in.add(ctx, tx, u)
		room = in.room.room()
		return err
	})
	return room, events, err
}

// Add has a member put somebody else into the room: any member of a public one,
// owners and admins of a private one.
func (s *Rooms) Add(ctx context.Context, by, u chat.UserID, id chat.ConversationID) ([]chat.Event, error) {
	return s.change(ctx, "store.add_member", id, func(ctx context.Context, tx bun.Tx, in *crowdTx) error {
		me, err := in.member(by)
		if err != nil {
			return err
		}
		if in.find(u) >= 0 {
			return nil
		}
		if in.room.Visibility == chat.Private && me.Role == chat.RoleMember {
			return chat.E("store.add_member", chat.Forbidden, nil)
		}
		blocked, err := tx.NewSelect().Model((*blockRow)(nil)).Where("user_id = ?", u).Where("blocked_id = ?", by).Exists(ctx)
		if err != nil {
			return err
		}
		if blocked {
			return chat.E("store.add_member", chat.Blocked, nil)
		}
		return in.add(ctx, tx, u)
	})
}

// Remove has somebody take another, or themselves, out of a room. NotAMember or
// NotFound for who is not in it, Forbidden.
func (s *Rooms) Remove(ctx context.Context, by, u chat.UserID, id chat.ConversationID) ([]chat.Event, error) {
	return s.change(ctx, "store.remove_member", id, func(ctx context.Context, tx bun.Tx, in *crowdTx) error {
		me, err := in.member(by)
		if err != nil {
			return err
		}
		i := in.find(u)
		if i < 0 {
			return chat.E("store.remove_member", chat.NotFound, nil)
		}
		other := in.members[i].membership()
		if err := me.May(&other); err != nil {
			return err
		}
		return in.remove(ctx, tx, u)
	})
}

// SetMember gives a member another role, or mutes them until a time; nil leaves
// either as it is. Only the owner gives roles, and gives their own away with it.
func (s *Rooms) SetMember(ctx context.Context, by, u chat.UserID, id chat.ConversationID, role *chat.Role, until *time.Time) (chat.Membership, []chat.Event, error) {
	var out chat.Membership
	events, err := s.change(ctx, "store.set_member", id, func(ctx context.Context, tx bun.Tx, in *crowdTx) error {
		me, err := in.member(by)
		if err != nil {
			return err
		}
		i := in.find(u)
		if i < 0 {
			return chat.E("store.set_member", chat.NotFound, nil)
		}
		m := &in.members[i]
		other := m.membership()
		if err := me.May(&other); err != nil || role != nil && me.Role != chat.RoleOwner || until != nil && (u == by || m.Role != chat.RoleMember) {
			return chat.E("store.set_member", chat.Forbidden, nil)
		}
		if until != nil {
			m.MutedUntil = micro(*until)
		}
		if err := in.save(ctx, tx, m); err != nil {
			return err
		}
		if role != nil {
			if err := in.give(ctx, tx, m, *role); err != nil {
				return err
			}
		}
		out = m.membership()
		people, err := cards(ctx, tx, u)
		card := people[u]
		in.tellAll(chat.RoomUpdated, chat.EventData{User: &card, Member: &out})
		return err
	})
	return out, events, err
}

// give sets a member's role. The owner's passes from one to the other.
func (in *crowdTx) give(ctx context.Context, tx bun.Tx, m *memberRow, role chat.Role) error {
	switch {
	case role == chat.RoleOwner:
		return in.crown(ctx, tx, m.UserID)
	case m.Role == chat.RoleOwner:
		return chat.E("store.set_member", chat.Forbidden, nil) // a room has one: give it to somebody
	}
	m.Role = role
	if role == chat.RoleAdmin {
		m.MutedUntil = time.Time{}
	}
	return in.save(ctx, tx, m)
}

// Members returns a page of a room's members, ascending by user id.
func (s *Rooms) Members(ctx context.Context, id chat.ConversationID, after chat.UserID, limit int) ([]chat.Member, error) {
	var members []memberRow
	var users []userRow
	err := s.db.query(ctx, "store.members", func(ctx context.Context, q bun.IDB) error {
		err := q.NewSelect().Model(&members).Where("conversation_id = ?", id).Where("user_id > ?", after).Order("user_id ASC").Limit(int64(limit)).Scan(ctx)
		if err != nil || len(members) == 0 {
			return err
		}
		ids := make([]chat.UserID, len(members))
		for i, m := range members {
			ids[i] = m.UserID
		}
		return q.NewSelect().Model(&users).Where("id IN (?)", bun.List(ids)).Scan(ctx)
	})
	if err != nil {
		return nil, err
	}
	byID := make(map[chat.UserID]*userRow, len(users))
	for i := range users {
		byID[users[i].ID] = &users[i]
	}
	out := make([]chat.Member, 0, len(members))
	for i := range members {
		if u := byID[members[i].UserID]; u != nil {
			out = append(out, chat.Member{User: u.account().User, Membership: members[i].membership()})
		}
	}
	return out, nil
}

// Membership returns somebody's place in a room; NotFound.
func (s *Rooms) Membership(ctx context.Context, u chat.UserID, id chat.ConversationID) (chat.Membership, error) {
	var row memberRow
	err := s.db.query(ctx, "store.membership", func(ctx context.Context, q bun.IDB) error {
		return q.NewSelect().Model(&row).Where("user_id = ?", u).Where("conversation_id = ?", id).Scan(ctx)
	})
	return row.membership(), err
}

// Crowds returns who is in rooms now.
func (s *Rooms) Crowds(ctx context.Context, ids []chat.ConversationID) (map[chat.ConversationID][]chat.UserID, error) {
	out := make(map[chat.ConversationID][]chat.UserID, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	var rows []memberRow
	err := s.db.query(ctx, "store.crowds", func(ctx context.Context, q bun.IDB) error {
		return q.NewSelect().Model(&rows).Column("conversation_id", "user_id").Where("conversation_id IN (?)", bun.List(ids)).Scan(ctx)
	})
	for _, r := range rows {
		out[r.ConversationID] = append(out[r.ConversationID], r.UserID)
	}
	return out, err
}

// Lobby returns the room that everybody is in, as a room: it is nobody's.
func (s *Rooms) Lobby(ctx context.Context) (chat.Room, error) {
	var head conversationRow
	var members int64
	err := s.db.query(ctx, "store.lobby", func(ctx context.Context, q bun.IDB) (err error) {
		if err = q.NewSelect().Model(&head).Where("id = ?", chat.Lobby).Scan(ctx); err == nil {
			members, err = q.NewSelect().Table("members").Where("conversation_id = ?", chat.Lobby).Count(ctx)
		}
		return err
	})
	return chat.Room{
		ID: head.ID, Number: "1", Name: head.Name, Visibility: chat.Public, Members: int(members), CreatedAt: head.CreatedAt.UTC(),
	}, err
}
