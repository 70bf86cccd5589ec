package store

import (
	"context"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/uptrace/bun"
)

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
