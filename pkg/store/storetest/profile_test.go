package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/store"
)

// S0.4: an avatar is told to its user and their friends, and to nobody else, in
// the transaction that sets it.
func TestAnAvatarIsSet(t *testing.T) {
	inEachCircle(t, func(t *testing.T, c *circle) {
		ann, bob, cid := c.k.w.signUp("ann"), c.k.w.signUp("bob"), c.k.w.signUp("cid")
		c.befriend(ann, bob)
		c.befriend(bob, cid)
		before := ""
		for _, url := range []string{"/avatars/1", "/avatars/2"} {
			changed, err := c.k.w.ChangeProfile(c.k.ctx, ann.ID, func(a *chat.Account) { a.AvatarURL = url })
			wants(t, err, "")
			u, err := c.k.w.User(c.k.ctx, ann.ID)
			if err != nil || u != changed.After.User || u.AvatarURL != url || changed.Before.AvatarURL != before {
				t.Errorf("%+v, %+v, %v", u, changed, err)
			}
			before = url
			var to []string
			for _, e := range changed.Events {
				if e.Name != chat.ProfileUpdated || e.Data.User.ID != ann.ID || e.Data.User.AvatarURL != url {
					t.Errorf("%+v", e)
				}
				kept, err := store.NewEvents(c.k.db2).EventsSince(c.k.ctx, e.To, e.At.Add(-time.Second), 50)
				wants(t, err, "")
				if !slices.ContainsFunc(kept, func(k chat.Event) bool { return k.ID == e.ID && k.Data.User.AvatarURL == url }) {
					t.Errorf("%s would never hear of it: %+v", e.To, kept)
				}
				to = append(to, map[chat.UserID]string{ann.ID: "ann", bob.ID: "bob", cid.ID: "cid"}[e.To])
			}
			if slices.Sort(to); fmt.Sprint(to) != "[ann bob]" {
				t.Errorf("told to %s", to)
			}
		}
		gone, err := c.k.w.Remove(c.k.ctx, ann.ID, "hash of ann")
		if wants(t, err, ""); gone.AvatarURL != before {
			t.Errorf("with her goes %q, want %q", gone.AvatarURL, before)
		}
	})
}
