package store

import (
	"context"
	"slices"

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
