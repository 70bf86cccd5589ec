package storetest

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/store"
)

// names shows events in their order.
func names(events []chat.Event) string {
	var out []string
	for _, e := range events {
		out = append(out, string(e.Name))
	}
	return fmt.Sprint(out)
}

// An event is kept with the change that it tells of, until it is in its queue;
// and for those whose queue is lost, longer.
func TestEventsAreKeptWithTheirChange(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		w := &world{store.NewAccounts(db), t, t.Context()}
		people, events := store.NewPeople(db), store.NewEvents(db)
		ann, bob := w.signUp("ann"), w.signUp("bob")
		before := time.Now().Add(-time.Minute)
		block := func(blocked bool) []chat.Event {
			told, err := people.SetBlocked(w.ctx, ann.ID, bob.ID, blocked)
			wants(t, err, "")
			return told
		}
		pending := func(until time.Time) []chat.Event {
			left, err := events.Pending(w.ctx, until, 10)
			wants(t, err, "")
			return left
		}
		first := block(true)
		if again := block(true); len(first) != 1 || len(again) != 0 {
			t.Fatalf("%v, then %v", first, again)
		}
		second := block(false)
		later := time.Now().Add(time.Minute)
		if got := pending(later); names(got) != "[block.added block.removed]" || !reflect.DeepEqual(got[0].Data, first[0].Data) || got[0].To != ann.ID {
			t.Errorf("%+v", got)
		}
		if got := pending(before); len(got) != 0 {
			t.Errorf("of before: %+v", got)
		}
		wants(t, events.Delivered(w.ctx, []string{first[0].ID}), "")
		if got := pending(later); names(got) != "[block.removed]" || got[0].ID != second[0].ID {
			t.Errorf("%+v", got)
		}
		for most, want := range map[int]string{10: "[block.added block.removed]", 1: "[block.removed]"} {
			if got, err := events.EventsSince(w.ctx, ann.ID, before, most); err != nil || names(got) != want {
				t.Errorf("%d at most: %s, %v", most, names(got), err)
			}
		}
		if got, err := events.EventsSince(w.ctx, bob.ID, before, 10); err != nil || len(got) != 0 {
			t.Errorf("bob is told %v, %v", got, err)
		}
		_, err := events.Forget(w.ctx, before)
		wants(t, err, "")
		more, err := events.Forget(w.ctx, later)
		wants(t, err, "")
		if got, err := events.EventsSince(w.ctx, ann.ID, before, 10); err != nil || len(got) != 0 || more {
			t.Errorf("after forgetting %v, %v", got, err)
		}
	})
}

// A gate holds for the next message on, harms no other of the batch, and lets
// what was committed before it be repeated.
func TestAGateHoldsAtTheCommit(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		u := k.people("ann", "bob", "eve")
		c, d := k.direct(u[0], u[1]), k.direct(u[1], u[2])
		first := says(u[1], c.ID, "1", "hi")
		k.append(first)
		people := store.NewPeople(k.db)
		_, err := people.SetBlocked(k.ctx, u[0].ID, u[1].ID, true)
		wants(t, err, "")
		refused, again := says(u[1], c.ID, "2", "hi"), says(u[1], c.ID, "1", "hi")
		back, other := says(u[0], c.ID, "3", "the other way"), says(u[1], d.ID, "4", "hi")
		wants(t, k.Append(k.ctx, "one", 99, []*chat.Pending{refused, again, back, other}), "")
		wants(t, refused.Err, chat.Blocked)
		if again.Err != nil || !again.Repeated || again.Seq != first.Seq {
			t.Errorf("the repeat: %+v", again)
		}
		if back.Err != nil || back.Seq != 2 || other.Err != nil || other.Seq != 1 {
			t.Errorf("the others: %+v, %+v", back, other)
		}
		friendsOnly := says(u[1], d.ID, "5", "hi")
		friendsOnly.FriendsOnly = true
		wants(t, k.Append(k.ctx, "one", 100, []*chat.Pending{friendsOnly}), "")
		wants(t, friendsOnly.Err, chat.NotFriends)
		_, err = people.SetBlocked(k.ctx, u[0].ID, u[1].ID, false)
		wants(t, err, "")
		open := says(u[1], c.ID, "2", "hi")
		k.append(open)
		if open.Seq != 3 {
			t.Errorf("after the block: %+v", open)
		}
	})
}

// Who is blocked before the first word is refused at it.
func TestAGateIsThereBeforeTheConversation(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		u := k.people("ann", "bob")
		_, err := store.NewPeople(k.db).SetBlocked(k.ctx, u[1].ID, u[0].ID, true)
		wants(t, err, "")
		c := k.direct(u[0], u[1])
		if c.Shut(u[0].ID, false) != chat.Blocked || c.Shut(u[1].ID, false) != "" {
			t.Errorf("%+v", c)
		}
	})
}
