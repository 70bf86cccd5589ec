package storetest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/store"
)

// circle is some people on two nodes with one database.
type circle struct {
	*store.People               // of the first node
	other         *store.People // of the second
	k             *talk
	t             *testing.T
}

// inEachCircle runs a test in a new circle of each dialect.
func inEachCircle(t *testing.T, test func(t *testing.T, c *circle)) {
	t.Helper()
	inEachTalk(t, func(t *testing.T, k *talk) {
		test(t, &circle{store.NewPeople(k.db), store.NewPeople(k.db2), k, t})
	})
}

// node returns one of the two nodes, in turns.
func (c *circle) node(i int) *store.People { return []*store.People{c.People, c.other}[i%2] }

// ask has somebody ask another, which must work.
func (c *circle) ask(from, to chat.User, message string) (chat.FriendRequest, []chat.Event) {
	c.t.Helper()
	r, events, err := c.Ask(c.k.ctx, chat.Asking{From: from.ID, To: to.ID, Message: message, Label: noting(from, to)})
	wants(c.t, err, "")
	return r, events
}

// handle has somebody handle a request, which must work.
func (c *circle) handle(u chat.User, r chat.FriendRequest, as chat.RequestState) (chat.FriendRequest, []chat.Event) {
	c.t.Helper()
	r, events, err := c.other.Handle(c.k.ctx, u.ID, r.ID, as, chat.Label{Remark: "from " + string(u.Username)})
	wants(c.t, err, "")
	return r, events
}

// befriend makes two people friends.
func (c *circle) befriend(a, b chat.User) {
	c.t.Helper()
	r, _ := c.ask(a, b, "")
	c.handle(b, r, chat.RequestAccepted)
}

// noting is what one person notes about another when they ask.
func noting(from, to chat.User) chat.Label {
	return chat.Label{Remark: from.Username + " on " + to.Username, Tags: []string{"a", "é😀"}, Moments: chat.Moments{HideMine: true}}
}

// relation reads what somebody is to a person.
func (c *circle) relation(of, to chat.User) chat.Relation {
	c.t.Helper()
	r, err := c.other.Relation(c.k.ctx, of.ID, to.ID)
	wants(c.t, err, "")
	return r
}

// friends shows somebody's whole list, by pages of one.
func (c *circle) friends(of chat.User) (out []chat.Friend) {
	c.t.Helper()
	after := chat.UserID("")
	for {
		page, err := c.Friends(c.k.ctx, of.ID, after, 1)
		wants(c.t, err, "")
		if len(page) == 0 {
			return out
		}
		out = append(out, page...)
		after = page[len(page)-1].ID
	}
}

// told shows who is told what, in order.
func told(events []chat.Event, who ...chat.User) string {
	var out []string
	for _, e := range events {
		for _, u := range who {
			if u.ID == e.To {
				out = append(out, u.Username+" "+string(e.Name))
			}
		}
	}
	return fmt.Sprint(out)
}

// S2.2, S4.9: a request that is accepted makes friends of two, with what each
// notes about the other, and a conversation.
func TestBecomingFriends(t *testing.T) {
	inEachCircle(t, func(t *testing.T, c *circle) {
		u := c.k.people("ann", "bob")
		r, events := c.ask(u[0], u[1], "it's me 😀")
		if r.ID == "" || r.From != u[0].Person() || r.To != u[1].Person() || r.Message != "it's me 😀" || r.State != chat.RequestPending || r.CreatedAt.IsZero() || !r.HandledAt.IsZero() {
			t.Errorf("%+v", r)
		}
		if got := told(events, u...); got != "[bob friend.requested ann friend.requested]" || !reflect.DeepEqual(*events[0].Data.Request, r) {
			t.Errorf("%s, %+v", got, events)
		}
		if f := c.friends(u[0]); len(f) != 0 || c.relation(u[0], u[1]).Friend {
			t.Errorf("friends before: %+v", f)
		}
		done, events := c.handle(u[1], r, chat.RequestAccepted)
		if done.ID != r.ID || done.State != chat.RequestAccepted || done.HandledAt.Before(r.CreatedAt) {
			t.Errorf("%+v", done)
		}
		if got := told(events, u...); got != "[ann friend.accepted bob friend.accepted]" {
			t.Error(got)
		}
		for i, e := range events {
			me, peer := u[i], u[1-i]
			relation := c.relation(me, peer)
			if *e.Data.User != peer.Person() || !reflect.DeepEqual(*e.Data.Request, done) || !reflect.DeepEqual(*e.Data.Relation, relation) || !relation.Friend {
				t.Errorf("%s is told %+v, and has %+v", me.Username, e.Data, relation)
			}
			f := c.friends(me)
			if len(f) != 1 || f[0].ID != peer.ID || f[0].Username != peer.Username || !reflect.DeepEqual(f[0].Relation, relation) || !f[0].Since.Equal(done.HandledAt) {
				t.Errorf("%s has %+v", me.Username, f)
			}
			o, err := c.k.Overview(c.k.ctx, me.ID, chat.DirectID(u[0].ID, u[1].ID))
			if err != nil || o.Peer.ID != peer.ID || o.Gate != chat.GateFriends {
				t.Errorf("the conversation of %s: %+v, %v", me.Username, o, err)
			}
		}
		if got := c.relation(u[0], u[1]); !reflect.DeepEqual(got.Label, noting(u[0], u[1])) {
			t.Errorf("ann notes %+v", got)
		}
		if got := c.relation(u[1], u[0]); got.Remark != "from bob" || len(got.Tags) != 0 || got.Moments != (chat.Moments{}) {
			t.Errorf("bob notes %+v", got)
		}
	})
}

// S2.2: who may ask whom, and what asking again does.
func TestAsking(t *testing.T) {
	inEachCircle(t, func(t *testing.T, c *circle) {
		u := c.k.people("ann", "bob", "eve")
		ask := func(from, to chat.User) error {
			_, _, err := c.Ask(c.k.ctx, chat.Asking{From: from.ID, To: to.ID})
			return err
		}
		wants(t, ask(u[0], chat.User{ID: "nobody"}), chat.NotFound)
		first, _ := c.ask(u[0], u[1], "one")
		again, events := c.ask(u[0], u[1], "two")
		if again.ID != first.ID || again.Message != "two" || again.State != chat.RequestPending || len(events) != 0 {
			t.Errorf("again: %+v, %v", again, events)
		}
		c.handle(u[1], first, chat.RequestRejected)
		second, events := c.ask(u[0], u[1], "three")
		if second.ID == first.ID || len(events) != 2 {
			t.Errorf("after a rejection: %+v, %v", second, events)
		}
		c.handle(u[1], second, chat.RequestIgnored)
		third, events := c.ask(u[0], u[1], "four")
		if third.ID != second.ID || third.State != chat.RequestIgnored || len(events) != 0 {
			t.Errorf("while ignored: %+v, %v", third, events)
		}
		back, events := c.ask(u[1], u[0], "you?") // and yet
		if back.ID != second.ID || back.State != chat.RequestAccepted || told(events, u...) != "[ann friend.accepted bob friend.accepted]" {
			t.Errorf("somebody who asked: %+v, %v", back, events)
		}
		if ann, bob := c.relation(u[0], u[1]), c.relation(u[1], u[0]); !ann.Friend || !reflect.DeepEqual(ann.Label, noting(u[0], u[1])) || !reflect.DeepEqual(bob.Label, noting(u[1], u[0])) {
			t.Errorf("%+v, %+v", ann, bob)
		}
		wants(t, ask(u[0], u[1]), chat.Conflict)
		wants(t, ask(u[1], u[0]), chat.Conflict)
		_, err := c.SetBlocked(c.k.ctx, u[2].ID, u[0].ID, true)
		wants(t, err, "")
		wants(t, ask(u[0], u[2]), chat.Blocked)
		wants(t, ask(u[2], u[0]), chat.Conflict)
	})
}

// S2.2: only who was asked handles a request, and once.
func TestHandlingRequests(t *testing.T) {
	inEachCircle(t, func(t *testing.T, c *circle) {
		u := c.k.people("ann", "bob", "eve")
		r, _ := c.ask(u[0], u[1], "")
		for _, who := range []chat.User{u[0], u[2], {ID: "nobody"}} {
			_, _, err := c.Handle(c.k.ctx, who.ID, r.ID, chat.RequestAccepted, chat.Label{})
			wants(t, err, chat.NotFound)
		}
		_, _, err := c.Handle(c.k.ctx, u[1].ID, "nothing", chat.RequestAccepted, chat.Label{})
		wants(t, err, chat.NotFound)
		if _, events := c.handle(u[1], r, chat.RequestRejected); told(events, u...) != "[bob friend.rejected ann friend.rejected]" {
			t.Error(events)
		}
		for _, as := range []chat.RequestState{chat.RequestAccepted, chat.RequestRejected, chat.RequestIgnored} {
			_, events, err := c.Handle(c.k.ctx, u[1].ID, r.ID, as, chat.Label{})
			if wants(t, err, chat.Conflict); len(events) > 0 {
				t.Error(events)
			}
		}
		r, _ = c.ask(u[0], u[1], "")
		if done, events := c.handle(u[1], r, chat.RequestIgnored); told(events, u...) != "[bob friend.ignored]" || done.State != chat.RequestIgnored {
			t.Error(done, events)
		}
		r, _ = c.ask(u[0], u[2], "")
		_, err = c.SetBlocked(c.k.ctx, u[0].ID, u[2].ID, true)
		wants(t, err, "")
		_, _, err = c.Handle(c.k.ctx, u[2].ID, r.ID, chat.RequestAccepted, chat.Label{})
		wants(t, err, chat.Blocked)
	})
}

// Requests come newest first, by pages, those of one direction.
func TestListsOfRequests(t *testing.T) {
	inEachCircle(t, func(t *testing.T, c *circle) {
		u := c.k.people("ann", "bob", "eve", "joe")
		var want []string
		for _, from := range u[1:] {
			r, _ := c.ask(from, u[0], "of "+from.Username)
			want = append(want, r.ID)
		}
		slices.SortFunc(want, func(a, b string) int { return strings.Compare(b, a) }) // those of one millisecond, too
		c.ask(u[1], u[2], "")
		var got []string
		for before := ""; ; {
			page, err := c.Requests(c.k.ctx, u[0].ID, false, before, 2)
			wants(t, err, "")
			for _, r := range page {
				if got, before = append(got, r.ID), r.ID; r.To != u[0].Person() || r.Message != "of "+r.From.Username {
					t.Errorf("%+v", r)
				}
			}
			if len(page) < 2 {
				break
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("have %v, want %v", got, want)
		}
		for i, n := range []int{0, 2, 1, 1} {
			if out, err := c.Requests(c.k.ctx, u[i].ID, true, "", 10); err != nil || len(out) != n {
				t.Errorf("%s sent %+v, %v", u[i].Username, out, err)
			}
		}
	})
}

// S2.5: what is noted about a friend changes field by field, and is nobody else's.
func TestChangingWhatOneNotes(t *testing.T) {
	inEachCircle(t, func(t *testing.T, c *circle) {
		u := c.k.people("ann", "bob", "eve")
		c.befriend(u[0], u[1])
		yes, no, remark := true, false, "Bobby 😀"
		want := c.relation(u[0], u[1])
		for _, change := range []chat.RelationChange{{}, {Starred: &yes}, {Remark: &remark}, {HideMine: &no}, {HideTheirs: &yes}, {Tags: []string{"x", "y"}}, {Tags: []string{}}, {Starred: &no}} {
			f, events, err := c.ChangeFriend(c.k.ctx, u[0].ID, u[1].ID, change)
			wants(t, err, "")
			if change.Apply(&want); len(want.Tags) == 0 {
				want.Tags = []string{}
			}
			if f.ID != u[1].ID || !reflect.DeepEqual(f.Relation, want) || !reflect.DeepEqual(c.relation(u[0], u[1]), want) {
				t.Errorf("have %+v, want %+v", f.Relation, want)
			}
			if told(events, u...) != "[ann friend.updated]" || *events[0].Data.User != u[1].Person() || !reflect.DeepEqual(*events[0].Data.Relation, want) {
				t.Errorf("%+v", events)
			}
		}
		if got := c.relation(u[1], u[0]); got.Remark != "from bob" || got.Starred || got.Moments.HideTheirs {
			t.Errorf("bob notes %+v", got)
		}
		for _, who := range []chat.UserID{u[2].ID, u[0].ID} {
			_, _, err := c.ChangeFriend(c.k.ctx, u[0].ID, who, chat.RelationChange{Starred: &yes})
			wants(t, err, chat.NotFriends)
			_, err = c.RemoveFriend(c.k.ctx, u[0].ID, who)
			wants(t, err, chat.NotFriends)
		}
		_, _, err := c.ChangeFriend(c.k.ctx, u[0].ID, "nobody", chat.RelationChange{})
		wants(t, err, chat.NotFound)
	})
}

// S4.9: a friendship ends on both sides, and may begin anew.
func TestFriendsNoLonger(t *testing.T) {
	inEachCircle(t, func(t *testing.T, c *circle) {
		u := c.k.people("ann", "bob")
		d := c.k.direct(u[0], u[1])
		c.befriend(u[0], u[1])
		if got := c.k.now(d.ID); got.Gate != chat.GateFriends {
			t.Errorf("%+v", got)
		}
		events, err := c.RemoveFriend(c.k.ctx, u[1].ID, u[0].ID)
		wants(t, err, "")
		if told(events, u...) != "[bob friend.removed ann friend.removed]" || *events[0].Data.User != u[0].Person() || *events[1].Data.User != u[1].Person() {
			t.Errorf("%+v", events)
		}
		if a, b := c.friends(u[0]), c.friends(u[1]); len(a)+len(b) > 0 || c.k.now(d.ID).Gate != 0 {
			t.Errorf("%+v, %+v, %+v", a, b, c.k.now(d.ID))
		}
		_, err = c.RemoveFriend(c.k.ctx, u[0].ID, u[1].ID)
		wants(t, err, chat.NotFriends)
		c.befriend(u[1], u[0])
		if len(c.friends(u[0])) != 1 || c.k.now(d.ID).Gate != chat.GateFriends {
			t.Error("not friends again")
		}
	})
}
