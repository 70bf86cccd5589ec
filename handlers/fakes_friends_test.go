package handlers

import (
	"context"
	"fmt"

	"github.com/tieline/tieline/pkg/chat"
)

// asked is a request of alice's to bob; labelled is what alice notes about him.
var (
	asked = chat.FriendRequest{
		ID: "r-1", From: alice.Person(), To: bob.Person(), Message: "hi", State: chat.RequestPending, CreatedAt: born,
	}
	labelled = chat.Relation{
		Friend: true, Starred: true, Label: chat.Label{Remark: "Bobby", Tags: []string{"work"}, Moments: chat.Moments{HideMine: true}},
	}
)

// labelledJSON is labelled as its owner sees it.
const labelledJSON = `"relation":{"friend":true,"blocked":false,"remark":"Bobby","tags":["work"],"starred":true,
	"moments":{"hide_mine":true,"hide_theirs":false}}`

// fakePeople knows a request and notes what is done; err refuses everything.
type fakePeople struct {
	relation chat.Relation
	blockers []chat.UserID
	err      error
	done     []string
}

func (f *fakePeople) note(format string, args ...any) error {
	f.done = append(f.done, fmt.Sprintf(format, args...))
	return f.err
}

func (f *fakePeople) Ask(_ context.Context, a chat.Asking) (chat.FriendRequest, error) {
	return asked, f.note("%+v", a)
}

func (f *fakePeople) Requests(_ context.Context, user chat.UserID, outgoing bool, cursor string, limit int) ([]chat.FriendRequest, string, error) {
	ignored := asked
	ignored.State, ignored.HandledAt = chat.RequestIgnored, born
	return []chat.FriendRequest{ignored}, "r-0", f.note("requests of %s outgoing=%t %q %d", user, outgoing, cursor, limit)
}

func (f *fakePeople) Handle(_ context.Context, user chat.UserID, id string, as chat.RequestState, l chat.Label) (chat.FriendRequest, error) {
	r := asked
	r.State, r.HandledAt = as, born
	return r, f.note("%s: %s of %s %+v", user, as, id, l)
}

func (f *fakePeople) Friends(_ context.Context, user chat.UserID, cursor string, limit int) ([]chat.Friend, string, error) {
	return []chat.Friend{{User: bob, Relation: labelled, Since: born}}, "u-bob", f.note("friends of %s %q %d", user, cursor, limit)
}

func (f *fakePeople) ChangeFriend(_ context.Context, user, friend chat.UserID, change chat.RelationChange) (chat.Friend, error) {
	r := labelled
	change.Apply(&r)
	return chat.Friend{User: bob, Relation: r, Since: born}, f.note("%s: changes %s", user, friend)
}

func (f *fakePeople) RemoveFriend(_ context.Context, user, friend chat.UserID) error {
	return f.note("%s: removes %s", user, friend)
}

func (f *fakePeople) Blocks(_ context.Context, user chat.UserID, cursor string, limit int) ([]chat.Block, string, error) {
	return []chat.Block{{User: bob, Since: born}}, "", f.note("blocks of %s %q %d", user, cursor, limit)
}

func (f *fakePeople) SetBlocked(_ context.Context, user, other chat.UserID, blocked bool) error {
	return f.note("%s: blocks %s %t", user, other, blocked)
}

func (f *fakePeople) Relation(context.Context, chat.UserID, chat.UserID) (chat.Relation, error) {
	return f.relation, f.err
}

func (f *fakePeople) Blockers(context.Context, chat.UserID, []chat.UserID) ([]chat.UserID, error) {
	return f.blockers, f.err
}

func (f *fakePeople) AllBlockers(context.Context, chat.UserID) ([]chat.UserID, error) {
	return f.blockers, f.err
}
