package storetest

import (
	"reflect"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
)

// S2.4: a block keeps a friendship, and has the other's request ignored, not
// one's own.
func TestBlocksAndWhatElseThereIs(t *testing.T) {
	inEachCircle(t, func(t *testing.T, c *circle) {
		u := c.k.people("ann", "bob", "eve")
		set := func(user, other chat.User, blocked bool) string {
			events, err := c.SetBlocked(c.k.ctx, user.ID, other.ID, blocked)
			wants(t, err, "")
			return told(events, u...)
		}
		c.befriend(u[0], u[1])
		if got := set(u[0], u[1], true); got != "[ann block.added]" {
			t.Error(got)
		}
		if r := c.relation(u[0], u[1]); !r.Friend || !r.Blocked || c.relation(u[1], u[0]).Blocked {
			t.Errorf("%+v", r)
		}
		if f := c.friends(u[0]); len(f) != 1 || !f[0].Blocked {
			t.Errorf("%+v", f)
		}
		r, _ := c.ask(u[2], u[0], "")
		if got := set(u[0], u[2], true); got != "[ann block.added ann friend.ignored]" {
			t.Error(got)
		}
		if got, err := c.Requests(c.k.ctx, u[0].ID, false, "", 1); err != nil || got[0].ID != r.ID || got[0].State != chat.RequestIgnored {
			t.Errorf("%+v, %v", got, err)
		}
		own, _ := c.ask(u[1], u[2], "")
		if got := set(u[1], u[2], true); got != "[bob block.added]" {
			t.Error(got)
		}
		if got, err := c.Requests(c.k.ctx, u[2].ID, false, "", 1); err != nil || got[0].ID != own.ID || got[0].State != chat.RequestPending {
			t.Errorf("%+v, %v", got, err)
		}
		var blocked []chat.UserID
		for after := chat.UserID(""); ; {
			page, err := c.Blocks(c.k.ctx, u[0].ID, after, 1)
			wants(t, err, "")
			if len(page) == 0 {
				break
			}
			if after = page[0].ID; page[0].Since.IsZero() || page[0].Username == "" {
				t.Errorf("%+v", page)
			}
			blocked = append(blocked, after)
		}
		if !reflect.DeepEqual(blocked, []chat.UserID{min(u[1].ID, u[2].ID), max(u[1].ID, u[2].ID)}) {
			t.Errorf("ann blocks %v", blocked)
		}
		if got, err := c.AllBlockers(c.k.ctx, u[2].ID); err != nil || len(got) != 2 {
			t.Errorf("eve is blocked by %v, %v", got, err)
		}
		if got, err := c.Blockers(c.k.ctx, u[2].ID, []chat.UserID{u[0].ID, u[2].ID, "nobody"}); err != nil || len(got) != 1 || got[0] != u[0].ID {
			t.Errorf("eve is blocked by %v, %v", got, err)
		}
		if got := set(u[0], u[2], false) + set(u[0], u[2], false); got != "[ann block.removed][]" {
			t.Error(got)
		}
		_, err := c.SetBlocked(c.k.ctx, u[0].ID, "nobody", true)
		wants(t, err, chat.NotFound)
	})
}

// S2.4: those who block somebody are not found by them, nor listed.
func TestWhoBlocksIsNotFound(t *testing.T) {
	inEachCircle(t, func(t *testing.T, c *circle) {
		u := c.k.people("ann", "anna", "eve")
		_, err := c.SetBlocked(c.k.ctx, u[0].ID, u[2].ID, true)
		wants(t, err, "")
		for _, find := range []chat.UserQuery{{Prefix: "ann", Limit: 10}, {Limit: 10}} {
			for reader, n := range map[chat.UserID]int{u[2].ID: 1, u[1].ID: 2, "": 2} {
				find.Reader = reader
				found, _, err := c.k.w.Search(c.k.ctx, find)
				wants(t, err, "")
				for _, f := range found {
					if f.ID == u[0].ID {
						n--
					}
					if f.ID == u[1].ID {
						n--
					}
				}
				if n != 0 {
					t.Errorf("%q finds %+v", reader, found)
				}
			}
		}
	})
}
