package store

import (
	"context"
	"slices"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/uptrace/bun"
)

// Remove removes an account. What the person wrote stays, with the id of
// somebody of whom nothing is known any more; the codes they used up stay used
// up. Conflict when the password's hash is not the one expected any more;
// NotFound.
//
// It locks the user's row and no other user's. Whoever makes two people
// something to each other locks both, so all of that is either seen here, or
// finds that the account is gone.
func (s *Accounts) Remove(ctx context.Context, user chat.UserID, expected string) (chat.Removal, error) {
	const op = "store.remove"
	var out chat.Removal
	err := s.db.change(ctx, op, func(ctx context.Context, tx bun.Tx) error {
		out = chat.Removal{}
		row, err := s.lockUser(ctx, tx, user)
		switch {
		case err != nil:
			return err
		case !row.DeletedAt.IsZero():
			return chat.E(op, chat.NotFound, nil)
		case row.PasswordHash != expected:
			return chat.E(op, chat.Conflict, nil)
		}
		at := now()
		if out.Ended, err = removeDevices(ctx, tx, user, at); err != nil {
			return err
		}
		others, friends, err := removeRelations(ctx, tx, user)
		if err != nil {
			return err
		}
		out.AvatarURL = row.AvatarURL
		if err := blankUser(ctx, tx, &row, at); err != nil {
			return err
		}
		left, err := leaveRooms(ctx, tx, user)
		if err != nil {
			return err
		}
		peers, err := removeFromConversations(ctx, tx, user)
		if err != nil {
			return err
		}
		for _, other := range unique(append(others, peers...)) {
			if other != user {
				out.Pairs = append(out.Pairs, chat.Pair{A: user, B: other})
			}
		}
		gone := row.account()
		card := gone.Person()
		for _, f := range friends {
			out.Events = append(out.Events, chat.NewEvent(f, chat.FriendRemoved, chat.EventData{User: &card}))
		}
		if err := putEvents(ctx, tx, out.Events); err != nil {
			return err
		}
		out.Events = append(out.Events, left...) // which are there already
		return nil
	})
	return out, err
}

// removeDevices signs a user out everywhere, and forgets what their devices are
// called and have received. That there were devices is remembered for those who
// come back with their tokens.
func removeDevices(ctx context.Context, tx bun.Tx, user chat.UserID, at time.Time) ([]chat.Device, error) {
	open, err := openDevices(ctx, tx, user)
	if err != nil {
		return nil, err
	}
	ended, err := endRows(ctx, tx, open, chat.AccountRemoved, at)
	if err != nil {
		return nil, err
	}
	_, err = tx.NewUpdate().Table("devices").Set("name = ''").Set("received = ''").Where("user_id = ?", user).Exec(ctx)
	return ended, err
}

// removeRelations takes a user out of everybody's friends, blocks and requests,
// and returns who all of them were.
func removeRelations(ctx context.Context, tx bun.Tx, user chat.UserID) (others, friends []chat.UserID, err error) {
	if friends, err = friendsOf(ctx, tx, user); err != nil {
		return nil, nil, err
	}
	others = append(others, friends...)
	for some := range slices.Chunk(friends, 1000) {
		if _, err := tx.NewDelete().Table("friends").Where("user_id IN (?)", bun.List(some)).Where("friend_id = ?", user).Exec(ctx); err != nil {
			return nil, nil, err
		}
	}
	for _, r := range []struct{ table, user, other string }{
		{"friends", "user_id", "friend_id"}, {"blocks", "user_id", "blocked_id"}, {"blocks", "blocked_id", "user_id"},
	} {
		var found []chat.UserID
		if err := tx.NewSelect().Table(r.table).Column(r.other).Where("? = ?", bun.Ident(r.user), user).Scan(ctx, &found); err != nil {
			return nil, nil, err
		}
		others = append(others, found...)
		if _, err := tx.NewDelete().Table(r.table).Where("? = ?", bun.Ident(r.user), user).Exec(ctx); err != nil {
			return nil, nil, err
		}
	}
	asked, err := removeRequests(ctx, tx, user)
	return append(others, asked...), friends, err
}

// removeRequests deletes what a user asked or was asked, and returns the others.
// It does so by the primary key: of somebody with many requests, the database
// would rather read all there are than use another.
func removeRequests(ctx context.Context, tx bun.Tx, user chat.UserID) (others []chat.UserID, err error) {
	var ids []string
	for _, side := range []string{"from_id", "to_id"} {
		var rows []requestRow
		if err := tx.NewSelect().Model(&rows).Column("id", "from_id", "to_id").Where("? = ?", bun.Ident(side), user).Scan(ctx); err != nil {
			return nil, err
		}
		for i := range rows {
			ids, others = append(ids, rows[i].ID), append(others, rows[i].FromID, rows[i].ToID)
		}
	}
	for some := range slices.Chunk(ids, 1000) {
		if _, err := tx.NewDelete().Table("friend_requests").Where("id IN (?)", bun.List(some)).Exec(ctx); err != nil {
			return nil, err
		}
	}
	return others, nil
}

// removeFromConversations shuts a user's direct conversations, in the order of
// their ids as whoever writes to them locks them, takes the user out of all, and
// forgets what they were to be told, and others of them. It returns the other
// people.
func removeFromConversations(ctx context.Context, tx bun.Tx, user chat.UserID) (peers []chat.UserID, err error) {
	var rows []conversationRow
	err = tx.NewSelect().Model(&rows).Join("JOIN members AS mb ON mb.conversation_id = c.id").
		Where("mb.user_id = ?", user).Where("c.direct = ?", true).Order("c.id").Scan(ctx)
	if err != nil {
		return nil, err
	}
	for some := range slices.Chunk(rows, 500) {
		ids := make([]chat.ConversationID, len(some))
		for i := range some {
			c := some[i].conversation()
			ids[i], peers = c.ID, append(peers, c.Peer(user))
		}
		if _, err := tx.NewUpdate().Table("conversations").Set("gate = ?", chat.GateGone).Where("id IN (?)", bun.List(ids)).Exec(ctx); err != nil {
			return nil, err
		}
	}
	for _, table := range []string{"members", "events", "hooks"} {
		if _, err := tx.NewDelete().Table(table).Where("user_id = ?", user).Exec(ctx); err != nil {
			return nil, err
		}
	}
	return peers, nil
}

// blankUser leaves nothing of a user but that there was one. No name can be as
// its key is then, so the old one is free.
func blankUser(ctx context.Context, tx bun.Tx, row *userRow, at time.Time) error {
	*row = userRow{
		ID: row.ID, UsernameKey: "!" + string(row.ID), Nickname: chat.DeletedNickname, Sex: "unknown",
		LoginSeq: row.LoginSeq, CreatedAt: row.CreatedAt, DeletedAt: at,
	}
	_, err := tx.NewUpdate().Model(row).WherePK().Exec(ctx)
	return err
}
