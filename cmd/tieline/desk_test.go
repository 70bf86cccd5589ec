package main_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// Admin is User for somebody whom the command line makes an administrator.
func (s *story) Admin(name string) *User {
	s.t.Helper()
	u := &User{name: name, password: "the password of " + name}
	u.device = u.place(s, "web", chat.Web)
	s.keepSecret(u.password)
	s.Tieline(u.password+"\n", "user", "add", name, "--admin")
	u.SignsIn()
	u.ID = u.grant.User.ID
	s.users = append(s.users, u)
	return u
}

// asks does something over HTTP on one node, as this device.
func (d *device) asks(n *node, method, path, body string) answer {
	d.s.t.Helper()
	return n.Asks(method, "/api/v1"+path, d.grant.AccessToken, body)
}

// deeds is the whole audit log, the oldest first: actor, action and target.
func (d *device) deeds(n *node) (all []string) {
	d.s.t.Helper()
	cursor := ""
	for {
		var page struct {
			Items []struct{ Actor, Action, Target string }
			Next  string
		}
		d.asks(n, "GET", "/admin/audit?limit=2&cursor="+cursor, "").into(d.s, &page)
		for _, i := range page.Items {
			all = append(all, i.Actor+" "+i.Action+" "+i.Target)
		}
		if cursor = page.Next; cursor == "" {
			slices.Reverse(all)
			return all
		}
	}
}

// S2.6, S2.7: a complaint reaches the administrators, who act on it on another
// node; every change is in the log, whether it worked or not, and whoever made it.
func TestWhatAdministratorsDoIsWrittenDown(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	n1, n2 := s.Node("n1"), s.Node("n2")
	root, alice, bob := s.Admin("root"), s.User("alice"), s.User("bob")
	bob.On("n1")
	said := bob.Says(alice, "buy now!")

	var r struct{ ID string }
	about := fmt.Sprintf(`{"target":{"conversation":%q,"seq":%d},"reason":"spam","detail":"every day"}`, said.Conversation, said.Seq)
	if a := alice.asks(n1, "POST", "/reports", about); a.Status != 201 {
		t.Fatalf("%d %s", a.Status, a.Body)
	} else {
		a.into(s, &r)
	}
	root.asks(n1, "POST", "/reports", about).is(s, 404, chat.NotFound) // what others say to each other is not theirs to know
	alice.asks(n1, "POST", "/reports", `{"target":{},"reason":"spam"}`).is(s, 422, chat.Invalid)
	alice.asks(n1, "POST", "/admin/reports/"+r.ID+"/resolve", "").is(s, 403, chat.Forbidden)

	var list struct {
		Items []struct {
			ID, Text string
			From     wire.PersonBody
		}
	}
	root.asks(n2, "GET", "/admin/reports", "").into(s, &list)
	if len(list.Items) != 1 || list.Items[0].ID != r.ID || list.Items[0].Text != "buy now!" || list.Items[0].From.ID != alice.ID {
		t.Fatalf("the administrators see %+v", list)
	}
	root.asks(n2, "POST", "/admin/users/"+string(bob.ID)+"/disable", "")
	bob.Within(time.Second).IsKicked(chat.Disabled).ClosedWith(wire.CloseDisabled)
	bob.Tries("n2").IsTold(chat.AccountDisabled).ClosedWith(wire.CloseDisabled)
	root.asks(n2, "POST", "/admin/users/nobody/kick", "").is(s, 404, chat.NotFound)
	root.asks(n1, "POST", "/admin/reports/"+r.ID+"/resolve", `{"note":"disabled"}`)
	root.asks(n2, "POST", "/admin/reports/"+r.ID+"/resolve", "").is(s, 409, chat.Conflict)
	s.Tieline("", "user", "enable", "bob")
	s.keepSecret(strings.Fields(s.Tieline("", "code", "create", "--kind", "invite"))...)

	who := string(root.ID)
	want := []string{
		"operator user.add root", who + " user.disable " + string(bob.ID), who + " user.kick nobody",
		who + " report.resolve " + r.ID, who + " report.resolve " + r.ID, "operator user.enable " + string(bob.ID), "operator code.create invite",
	}
	if got := root.deeds(n1); !slices.Equal(got, want) {
		t.Errorf("the log has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	alice.IsRefused(chat.Forbidden, "", func(ctx context.Context, a *client.API) error { return a.Do(ctx, "GET", "/admin/audit", nil, nil) })
}

// S2.6: what an administrator announces on one node, everybody hears on every
// node, now or when they come back; nobody else may.
func TestAnAnnouncementReachesEverybody(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	root, alice, bob, carol := s.Admin("root"), s.User("alice"), s.User("bob"), s.User("carol")
	root.On("n1")
	alice.On("n1")
	bob.On("n2")
	carol.On("n2").Leaves()
	var ack wire.AckFrame
	if root.asks(s.Node("n2"), "POST", "/admin/broadcast", `{"text":"maintenance at noon"}`).into(s, &ack); ack.Conversation != chat.Lobby || ack.Seq != 1 || !ack.Live {
		t.Errorf("the answer is %+v", ack)
	}
	alice.asks(s.Node("n1"), "POST", "/admin/broadcast", `{"text":"free money"}`).is(s, 403, chat.Forbidden)
	root.asks(s.Node("n1"), "POST", "/admin/broadcast", `{"text":" "}`).is(s, 422, chat.Invalid)
	for _, u := range []*User{root, alice, bob, carol.Returns("n1").user} {
		u.HearsAnnounced("maintenance at noon")
		u.HearsNothing()
	}
	dave := s.User("dave") // was not there yet
	dave.On("n1").HearsNothing()
	dave.FindsInHistory(chat.Lobby, "maintenance at noon")
}
