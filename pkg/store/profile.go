package store

import (
	"context"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/uptrace/bun"
)

// ChangeProfile changes what a locked user says of themselves; change may be
// called more than once, each time with the account as it is. EmailTaken,
// PhoneTaken; NotFound.
func (s *Accounts) ChangeProfile(ctx context.Context, user chat.UserID, change func(*chat.Account)) (chat.ProfileChanged, error) {
	const op = "store.change_profile"
	var out chat.ProfileChanged
	err := s.db.change(ctx, op, func(ctx context.Context, tx bun.Tx) error {
		out = chat.ProfileChanged{}
		row, err := s.lockUser(ctx, tx, user)
		if err != nil {
			return err
		}
		if !row.DeletedAt.IsZero() {
			return chat.E(op, chat.NotFound, nil)
		}
		out.Before = row.account()
		out.After = out.Before
		change(&out.After)
		if out.After == out.Before {
			return nil
		}
		seq := row.LoginSeq
		row = newUserRow(&out.After)
		row.LoginSeq = seq
		_, err = tx.NewUpdate().Model(&row).WherePK().
			Column("nickname", "nickname_key", "sex", "bio", "avatar_url", "email", "email_key", "phone", "theme", "locale").Exec(ctx)
		if err != nil {
			return err
		}
		out.Events, err = putProfileEvents(ctx, tx, &out.Before.User, &out.After.User)
		return err
	})
	return out, taken(err)
}

// putProfileEvents tells somebody's own devices of a change of their profile and,
// of what others can see, their friends.
func putProfileEvents(ctx context.Context, tx bun.Tx, before, after *chat.User) ([]chat.Event, error) {
	to := []chat.UserID{after.ID}
	if before.Person() != after.Person() || before.Sex != after.Sex || before.Bio != after.Bio {
		friends, err := friendsOf(ctx, tx, after.ID)
		if err != nil {
			return nil, err
		}
		to = append(to, friends...)
	}
	card := after.Person()
	events := make([]chat.Event, len(to))
	for i, u := range to {
		events[i] = chat.NewEvent(u, chat.ProfileUpdated, chat.EventData{User: &card})
	}
	return events, putEvents(ctx, tx, events)
}

// friendsOf returns whom somebody has as friends.
func friendsOf(ctx context.Context, tx bun.Tx, user chat.UserID) (friends []chat.UserID, err error) {
	err = tx.NewSelect().Table("friends").Column("friend_id").Where("user_id = ?", user).Order("friend_id").Scan(ctx, &friends)
	return friends, err
}
