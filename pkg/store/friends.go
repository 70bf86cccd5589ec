package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/uptrace/bun"
)

// friendRow is a friend as one person has them; the friend has a row, too.
type friendRow struct {
	bun.BaseModel `bun:"table:friends,alias:f"`
	labelRow

	UserID    chat.UserID `bun:"user_id,pk"`
	FriendID  chat.UserID `bun:"friend_id,pk"`
	Starred   bool        `bun:"starred"`
	CreatedAt time.Time   `bun:"created_at"`
}

func (r *friendRow) relation(blocked bool) chat.Relation {
	return chat.Relation{Friend: true, Blocked: blocked, Starred: r.Starred, Label: r.label()}
}

// befriend makes friends of the two people of an open request, who are locked;
// the label is what the one who was asked notes about the other. From then on
// they have a direct conversation.
func befriend(ctx context.Context, tx bun.Tx, asked *requestRow, label chat.Label, people map[chat.UserID]chat.Person) ([]chat.Event, error) {
	for _, u := range []chat.UserID{asked.FromID, asked.ToID} {
		if err := hasRoom(ctx, tx, u); err != nil {
			return nil, err
		}
	}
	if err := asked.settle(ctx, tx, chat.RequestAccepted); err != nil {
		return nil, err
	}
	rows := []friendRow{
		{labelRow: asked.labelRow, UserID: asked.FromID, FriendID: asked.ToID, CreatedAt: asked.HandledAt},
		{labelRow: newLabelRow(label), UserID: asked.ToID, FriendID: asked.FromID, CreatedAt: asked.HandledAt},
	}
	if _, err := tx.NewInsert().Model(&rows).Exec(ctx); err != nil {
		return nil, err
	}
	if err := openGate(ctx, tx, asked.FromID, asked.ToID); err != nil {
		return nil, err
	}
	request := asked.request(people)
	var events []chat.Event
	for i := range rows {
		other, relation := people[rows[i].FriendID], rows[i].relation(false)
		events = append(events, chat.NewEvent(rows[i].UserID, chat.FriendAccepted, chat.EventData{User: &other, Request: &request, Relation: &relation}))
	}
	return events, putEvents(ctx, tx, events)
}

// hasRoom refuses to make more than chat.MaxFriends friends of somebody whose row
// is locked.
func hasRoom(ctx context.Context, tx bun.Tx, user chat.UserID) error {
	n, err := tx.NewSelect().Table("friends").Where("user_id = ?", user).Count(ctx)
	if err == nil && n >= chat.MaxFriends {
		err = &chat.Error{Kind: chat.Conflict, Op: "store.befriend", Safe: "One of you has as many friends as anybody may have."}
	}
	return err
}

// openGate has the direct conversation of two people whose rows are locked say
// what they are to each other now, and makes it where there is none.
func openGate(ctx context.Context, tx bun.Tx, a, b chat.UserID) error {
	there, err := tx.NewSelect().Table("conversations").Where("id = ?", chat.DirectID(a, b)).Exists(ctx)
	switch {
	case err != nil:
		return err
	case there:
		return setGate(ctx, tx, a, b)
	}
	return insertDirect(ctx, tx, min(a, b), max(a, b))
}

// friend reads somebody's row about a friend; NotFriends.
func friend(ctx context.Context, q bun.IDB, user, other chat.UserID) (*friendRow, error) {
	row := new(friendRow)
	err := q.NewSelect().Model(row).Where("user_id = ?", user).Where("friend_id = ?", other).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		err = chat.E("store.friend", chat.NotFriends, nil)
	}
	return row, err
}

// Friends returns somebody's friends, ascending by id; after, unless empty, is the
// id of the last one of the page before.
func (s *People) Friends(ctx context.Context, user, after chat.UserID, limit int) ([]chat.Friend, error) {
	var out []chat.Friend
	err := s.db.query(ctx, "store.friends", func(ctx context.Context, q bun.IDB) error {
		var rows []friendRow
		err := q.NewSelect().Model(&rows).Where("user_id = ?", user).Where("friend_id > ?", after).Order("friend_id ASC").Limit(int64(limit)).Scan(ctx)
		if err != nil {
			return err
		}
		out, err = friends(ctx, q, user, rows)
		return err
	})
	return out, err
}

// friends adds to somebody's rows who they are about.
func friends(ctx context.Context, q bun.IDB, user chat.UserID, rows []friendRow) ([]chat.Friend, error) {
	ids := make([]chat.UserID, len(rows))
	for i := range rows {
		ids[i] = rows[i].FriendID
	}
	users, err := usersOf(ctx, q, ids)
	if err != nil {
		return nil, err
	}
	blocked, err := blockedBy(ctx, q, user, ids)
	out := make([]chat.Friend, len(rows))
	for i := range rows {
		out[i] = chat.Friend{User: users[ids[i]], Relation: rows[i].relation(blocked[ids[i]]), Since: rows[i].CreatedAt.UTC()}
	}
	return out, err
}

// Relation returns what somebody is to a person, as that person has it.
func (s *People) Relation(ctx context.Context, user, other chat.UserID) (relation chat.Relation, err error) {
	err = s.db.query(ctx, "store.relation", func(ctx context.Context, q bun.IDB) error {
		blocked, err := blockedBy(ctx, q, user, []chat.UserID{other})
		if err != nil {
			return err
		}
		row, err := friend(ctx, q, user, other)
		if chat.KindOf(err) == chat.NotFriends {
			relation = chat.Relation{Blocked: blocked[other]}
			return nil
		}
		relation = row.relation(blocked[other])
		return err
	})
	return relation, err
}

// ChangeFriend changes what somebody notes about a friend, and returns the friend
// and the event for their other devices. NotFriends; NotFound for somebody who is
// not there.
func (s *People) ChangeFriend(ctx context.Context, user, other chat.UserID, change chat.RelationChange) (out chat.Friend, events []chat.Event, err error) {
	err = s.db.change(ctx, "store.change_friend", func(ctx context.Context, tx bun.Tx) error {
		if err := s.db.lockPair(ctx, tx, user, other); err != nil {
			return err
		}
		row, err := friend(ctx, tx, user, other)
		if err != nil {
			return err
		}
		relation := row.relation(false)
		change.Apply(&relation)
		row.labelRow, row.Starred = newLabelRow(relation.Label), relation.Starred
		if _, err := tx.NewUpdate().Model(row).Column("starred", "remark", "tags", "hide_mine", "hide_theirs").WherePK().Exec(ctx); err != nil {
			return err
		}
		all, err := friends(ctx, tx, user, []friendRow{*row})
		if err != nil {
			return err
		}
		out = all[0]
		about := out.Person()
		events = []chat.Event{chat.NewEvent(user, chat.FriendUpdated, chat.EventData{User: &about, Relation: &out.Relation})}
		return putEvents(ctx, tx, events)
	})
	return out, events, err
}

// RemoveFriend ends a friendship on both sides, and returns the events that tell
// both. NotFriends; NotFound for somebody who is not there.
func (s *People) RemoveFriend(ctx context.Context, user, other chat.UserID) (events []chat.Event, err error) {
	err = s.db.change(ctx, "store.remove_friend", func(ctx context.Context, tx bun.Tx) error {
		if err := s.db.lockPair(ctx, tx, user, other); err != nil {
			return err
		}
		if _, err := friend(ctx, tx, user, other); err != nil {
			return err
		}
		for _, row := range []friendRow{{UserID: user, FriendID: other}, {UserID: other, FriendID: user}} {
			if _, err := tx.NewDelete().Model(&row).WherePK().Exec(ctx); err != nil {
				return err
			}
		}
		if err := setGate(ctx, tx, user, other); err != nil {
			return err
		}
		people, err := cards(ctx, tx, user, other)
		if err != nil {
			return err
		}
		a, b := people[user], people[other]
		events = []chat.Event{
			chat.NewEvent(user, chat.FriendRemoved, chat.EventData{User: &b}),
			chat.NewEvent(other, chat.FriendRemoved, chat.EventData{User: &a}),
		}
		return putEvents(ctx, tx, events)
	})
	return events, err
}
