package storetest

import (
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/store"
)

// remove removes somebody's account, which must work.
func (c *circle) remove(u chat.User) chat.Removal {
	c.t.Helper()
	gone, err := c.k.w.Remove(c.k.ctx, u.ID, "hash of "+u.Username)
	wants(c.t, err, "")
	return gone
}

// An account that is removed leaves what was written, and nothing of its owner.
func TestARemovedAccountLeavesWhatWasWritten(t *testing.T) {
	inEachCircle(t, func(t *testing.T, c *circle) {
		u := c.k.people("ann", "bob", "cid", "dee", "eve")
		ann, bob, cid, dee, eve := u[0], u[1], u[2], u[3], u[4]
		c.befriend(ann, bob)
		c.ask(ann, cid, "it's me")
		_, err := c.SetBlocked(c.k.ctx, ann.ID, dee.ID, true)
		wants(t, err, "")
		_, err = c.SetBlocked(c.k.ctx, eve.ID, ann.ID, true)
		wants(t, err, "")
		direct := c.k.direct(ann, bob)
		p := says(ann, direct.ID, "1", "to bob")
		p.To.User = bob.ID
		c.k.append(p, says(ann, chat.Lobby, "2", "to all"))
		wants(t, c.k.w.AddCodes(c.k.ctx, []chat.Code{{Hash: hashOf("c"), Kind: chat.VIPCode, VIPDays: 1}}), "")
		_, err = c.k.w.RedeemVIP(c.k.ctx, ann.ID, hashOf("c"))
		wants(t, err, "")
		_, err = c.k.w.ChangeProfile(c.k.ctx, ann.ID, func(a *chat.Account) {
			a.Bio, a.Email, a.EmailKey, a.Phone, a.Theme, a.Locale, a.Sex = "bio", "ann@x", "ann@x", "12345", "dark", "en", "female"
		})
		wants(t, err, "")
		c.k.w.signIn(ann, "phone", chat.IOS, chat.Multi, 10)
		wants(t, c.k.w.SaveProgress(c.k.ctx, []chat.Progress{{User: ann.ID, Device: "phone", Offset: "1.2", Seen: time.Now()}}), "")

		gone := c.remove(ann)
		if got := ids(gone.Ended); got != "[first phone]" || gone.Ended[0].EndReason != chat.AccountRemoved {
			t.Errorf("signed out: %s", got)
		}
		if got := told(gone.Events, u...); got != "[bob friend.removed]" || *gone.Events[0].Data.User != (chat.Person{ID: ann.ID, Nickname: chat.DeletedNickname}) {
			t.Errorf("%s, %+v", got, gone.Events)
		}
		pairs := map[chat.Pair]bool{}
		for _, p := range gone.Pairs {
			pairs[p] = true
		}
		if want := map[chat.Pair]bool{{A: ann.ID, B: bob.ID}: true, {A: ann.ID, B: cid.ID}: true, {A: ann.ID, B: dee.ID}: true, {A: ann.ID, B: eve.ID}: true}; !reflect.DeepEqual(pairs, want) {
			t.Errorf("pairs %v", gone.Pairs)
		}

		users, err := c.k.w.Users(c.k.ctx, []chat.UserID{ann.ID})
		wants(t, err, "")
		left := users[0]
		if left.DeletedAt.IsZero() || left.CreatedAt.IsZero() {
			t.Errorf("%+v", left)
		}
		left.CreatedAt, left.DeletedAt = time.Time{}, time.Time{}
		if left != (chat.User{ID: ann.ID, Nickname: chat.DeletedNickname, Sex: "unknown"}) {
			t.Errorf("left: %+v", left)
		}
		wants(t, c.k.w.SaveProgress(c.k.ctx, []chat.Progress{{User: ann.ID, Device: "phone", Offset: "1.3", Seen: time.Now()}}), "") // too late
		for _, id := range []chat.DeviceID{"first", "phone"} {
			rec, err := c.k.w.Device(c.k.ctx, ann.ID, id)
			if err != nil || !rec.Deleted || rec.EndReason != chat.AccountRemoved || rec.Name != "" || rec.Received != "" {
				t.Errorf("%+v, %v", rec, err)
			}
		}
		codes, _, err := c.k.w.FindCodes(c.k.ctx, chat.VIPCode, "", 10)
		if err != nil || len(codes) != 1 || codes[0].UsedBy != ann.ID {
			t.Errorf("%+v, %v", codes, err)
		}
		c.nothingOf(ann, bob, cid, dee, eve)
		for _, id := range []chat.ConversationID{direct.ID, chat.Lobby} {
			said := c.k.all(id)
			if len(said) != 1 || said[0].From != (chat.Person{ID: ann.ID, Nickname: chat.DeletedNickname}) || said[0].Text == "" {
				t.Errorf("%+v", said)
			}
		}
		late := says(bob, direct.ID, "3", "are you there?")
		late.To.User = ann.ID
		wants(t, c.k.Append(c.k.ctx, "one", 99, []*chat.Pending{late}), "")
		wants(t, late.Err, chat.NotFound)
		mine, err := c.k.Overview(c.k.ctx, bob.ID, direct.ID)
		if err != nil || mine.Peer.Nickname != chat.DeletedNickname || mine.Gate != chat.GateGone {
			t.Errorf("%+v, %v", mine, err)
		}

		again := c.k.people("ann")[0] // the name is free
		if again.ID == ann.ID {
			t.Error("the same ann")
		}
		_, err = c.k.w.ChangeProfile(c.k.ctx, again.ID, func(a *chat.Account) { a.EmailKey, a.Phone = "ann@x", "12345" })
		wants(t, err, "")
	})
}

// nothingOf says that nobody has anything to do with somebody any more.
func (c *circle) nothingOf(gone chat.User, others ...chat.User) {
	c.t.Helper()
	for _, o := range others {
		if f := c.friends(o); len(f) != 0 {
			c.t.Errorf("%s has friends: %+v", o.Username, f)
		}
		if r := c.relation(o, gone); !reflect.DeepEqual(r, chat.Relation{}) {
			c.t.Errorf("to %s: %+v", o.Username, r)
		}
		list, err := c.Blocks(c.k.ctx, o.ID, "", 10)
		if err != nil || len(list) != 0 {
			c.t.Errorf("%s blocks %+v, %v", o.Username, list, err)
		}
		for _, outgoing := range []bool{false, true} {
			asked, err := c.Requests(c.k.ctx, o.ID, outgoing, "", 10)
			if err != nil || len(asked) != 0 {
				c.t.Errorf("%s has requests: %+v, %v", o.Username, asked, err)
			}
		}
	}
	ofGone, err := store.NewEvents(c.k.db).EventsSince(c.k.ctx, gone.ID, time.Now().Add(-time.Hour), 100)
	if err != nil || len(ofGone) != 0 {
		c.t.Errorf("events: %+v, %v", ofGone, err)
	}
	for name, err := range map[string]error{
		"user":    failed(c.k.w.User(c.k.ctx, gone.ID)),
		"removed": failed(c.k.w.Remove(c.k.ctx, gone.ID, "")),
		"changed": failed(c.k.w.ChangeProfile(c.k.ctx, gone.ID, func(*chat.Account) {})),
		"direct":  failed(c.k.OpenDirect(c.k.ctx, others[1].ID, gone.ID)),
	} {
		if chat.KindOf(err) != chat.NotFound {
			c.t.Errorf("%s: %v", name, err)
		}
	}
	for _, find := range []chat.UserQuery{{Prefix: gone.Username}, {Prefix: "!"}, {Prefix: chat.DeletedNickname}, {Email: "ann@x"}, {Phone: "12345"}, {}} {
		find.Limit = 100
		page, _, err := c.k.w.Search(c.k.ctx, find)
		wants(c.t, err, "")
		for _, u := range page {
			if u.ID == gone.ID {
				c.t.Errorf("found by %+v", find)
			}
		}
	}
}

func failed[T any](_ T, err error) error { return err }

// Whatever happens at the same moment, it is over for good: nobody is signed in,
// nobody is a friend, and no conversation is open.
func TestRemovingWhileEverythingElseHappens(t *testing.T) {
	inEachCircle(t, func(t *testing.T, c *circle) {
		u := c.k.people("ann", "bob", "cid")
		ann, bob := u[0], u[1]
		r, _ := c.ask(ann, bob, "")
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				_, err := c.k.w.SignIn(c.k.ctx, chat.SignIn{
					Device: device(ann.ID, fmt.Sprint("d", i), chat.Web), Refresh: refresh("x"), Policy: chat.Multi, MaxDevices: 10, Verified: "hash of ann",
				})
				if k := chat.KindOf(err); k != "" && k != chat.Unauthorized {
					t.Error(err)
				}
			})
			wg.Go(func() {
				_, err := c.node(i).SetBlocked(c.k.ctx, u[i%2+1].ID, ann.ID, i > 1)
				if k := chat.KindOf(err); k != "" && k != chat.NotFound {
					t.Error(err)
				}
			})
		}
		wg.Go(func() {
			_, _, err := c.Handle(c.k.ctx, bob.ID, r.ID, chat.RequestAccepted, chat.Label{})
			if k := chat.KindOf(err); k != "" && k != chat.NotFound && k != chat.Blocked && k != chat.Conflict {
				t.Error(err)
			}
		})
		wg.Go(func() {
			_, err := c.k.other.OpenDirect(c.k.ctx, u[2].ID, ann.ID)
			if k := chat.KindOf(err); k != "" && k != chat.NotFound {
				t.Error(err)
			}
		})
		removed := make([]error, 3)
		for i := range removed {
			wg.Go(func() { _, removed[i] = c.k.w.Remove(c.k.ctx, ann.ID, "hash of ann") })
		}
		wg.Wait()
		won := 0
		for _, err := range removed {
			if err == nil {
				won++
			} else {
				wants(t, err, chat.NotFound)
			}
		}
		if won != 1 {
			t.Errorf("removed %d times", won)
		}
		if open := c.k.w.open(ann); open != "[]" {
			t.Errorf("signed in: %s", open)
		}
		for _, o := range u[1:] {
			if r := c.relation(o, ann); !reflect.DeepEqual(r, chat.Relation{}) || len(c.friends(o)) != 0 {
				t.Errorf("to %s: %+v", o.Username, r)
			}
			d, err := c.k.Conversation(c.k.ctx, chat.DirectID(o.ID, ann.ID))
			if chat.KindOf(err) != chat.NotFound && (err != nil || d.Gate != chat.GateGone) {
				t.Errorf("with %s: %+v, %v", o.Username, d, err)
			}
		}
	})
}

func TestRemovingNeedsThePasswordAsItIs(t *testing.T) {
	inEach(t, func(t *testing.T, w *world) {
		ann := w.signUp("ann")
		_, err := w.Remove(w.ctx, ann.ID, "another hash")
		wants(t, err, chat.Conflict)
		_, err = w.Remove(w.ctx, "nobody", "hash of ann")
		wants(t, err, chat.NotFound)
		_, err = w.User(w.ctx, ann.ID)
		wants(t, err, "")
	})
}

// S3.5, S4.2: a change of what others see is told to friends, one of what only
// oneself sees to one's own devices.
func TestChangesOfAProfileAreTold(t *testing.T) {
	inEachCircle(t, func(t *testing.T, c *circle) {
		u := c.k.people("ann", "bob", "cid")
		c.befriend(u[0], u[1])
		change := func(set func(*chat.Account)) chat.ProfileChanged {
			t.Helper()
			out, err := c.k.w.ChangeProfile(c.k.ctx, u[0].ID, set)
			wants(t, err, "")
			now, err := c.k.w.Account(c.k.ctx, u[0].ID)
			if err != nil || now != out.After {
				t.Errorf("is %+v, answered %+v, %v", now, out.After, err)
			}
			return out
		}
		seen := change(func(a *chat.Account) { a.Nickname, a.NicknameKey = "Ann 😀", "ann 😀" })
		if got := told(seen.Events, u...); got != "[ann profile.updated bob profile.updated]" || seen.Events[1].Data.User.Nickname != "Ann 😀" || seen.Before.Nickname != "ann" {
			t.Errorf("%s: %+v", got, seen)
		}
		if got := told(change(func(a *chat.Account) { a.Bio = "x" }).Events, u...); got != "[ann profile.updated bob profile.updated]" {
			t.Error(got)
		}
		own := change(func(a *chat.Account) { a.Theme, a.EmailKey, a.Email, a.Phone = "dark", "ann@x", "Ann@x", "12345" })
		if got := told(own.Events, u...); got != "[ann profile.updated]" {
			t.Error(got)
		}
		if got := told(change(func(*chat.Account) {}).Events, u...); got != "[]" {
			t.Error(got)
		}
		_, err := c.k.w.ChangeProfile(c.k.ctx, u[1].ID, func(a *chat.Account) { a.EmailKey = "ann@x" })
		wants(t, err, chat.EmailTaken)
		_, err = c.k.w.ChangeProfile(c.k.ctx, u[1].ID, func(a *chat.Account) { a.Phone = "12345" })
		wants(t, err, chat.PhoneTaken)
		if left := change(func(a *chat.Account) { a.Email, a.EmailKey, a.Phone = "", "", "" }); left.After.Email != "" {
			t.Errorf("%+v", left.After)
		}
		for _, ev := range []struct {
			of   chat.User
			want int
		}{{u[0], 4}, {u[1], 2}, {u[2], 0}} {
			all, err := store.NewEvents(c.k.db).EventsSince(c.k.ctx, ev.of.ID, time.Now().Add(-time.Hour), 100)
			wants(t, err, "")
			n := 0
			for _, e := range all {
				if e.Name == chat.ProfileUpdated {
					n++
				}
			}
			if n != ev.want {
				t.Errorf("%s has %d events, want %d", ev.of.Username, n, ev.want)
			}
		}
	})
}
