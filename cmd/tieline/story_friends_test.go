package main_test

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// The verbs for what people are to each other.

// AsksFriend asks somebody to be friends, noting a remark about them.
func (d *device) AsksFriend(u *User, message, remark string) (r wire.FriendRequestBody) {
	d.s.t.Helper()
	d.does(func(ctx context.Context, a *client.API) (err error) {
		r, err = a.AskFriend(ctx, u.ID, message, client.Label{Remark: remark})
		return err
	})
	return r
}

// AcceptsOn accepts a request by way of a node, noting a remark about who asked.
func (d *device) AcceptsOn(node string, r wire.FriendRequestBody, remark string) {
	d.s.t.Helper()
	d.doesOn(node, func(ctx context.Context, a *client.API) error {
		_, err := a.AcceptFriend(ctx, r.ID, client.Label{Remark: remark})
		return err
	})
}

// Befriends makes friends of two people.
func (d *device) Befriends(u *User) {
	d.s.t.Helper()
	u.AcceptsOn(d.s.running()[0].id, d.AsksFriend(u, "", ""), "")
}

// Unfriends ends a friendship, by way of a node.
func (d *device) Unfriends(node string, u *User) {
	d.s.t.Helper()
	d.doesOn(node, func(ctx context.Context, a *client.API) error { return a.RemoveFriend(ctx, u.ID) })
}

// Blocks blocks somebody, by way of a node; Unblocks takes it back.
func (d *device) Blocks(node string, u *User) {
	d.s.t.Helper()
	d.doesOn(node, func(ctx context.Context, a *client.API) error { return a.Block(ctx, u.ID) })
}

func (d *device) Unblocks(node string, u *User) {
	d.s.t.Helper()
	d.doesOn(node, func(ctx context.Context, a *client.API) error { return a.Unblock(ctx, u.ID) })
}

// doesOn is does, by way of one node.
func (d *device) doesOn(node string, call func(context.Context, *client.API) error) {
	d.s.t.Helper()
	ctx, cancel := d.deadline()
	defer cancel()
	if err := call(ctx, d.s.Node(node).api(d.grant.AccessToken)); err != nil {
		d.s.t.Fatalf("%s on %s: %v", d, node, err)
	}
}

// Card reads somebody's card by way of every node, which must show the same.
func (d *device) Card(u *User) (card client.Card) {
	d.s.t.Helper()
	for _, n := range d.s.running() {
		d.doesOn(n.id, func(ctx context.Context, a *client.API) (err error) {
			card, err = a.Card(ctx, u.ID)
			return err
		})
	}
	return card
}

// happened is what an event tells.
type happened struct {
	User     wire.PersonBody        `json:"user"`
	Request  wire.FriendRequestBody `json:"request"`
	Relation wire.RelationBody      `json:"relation"`
}

// HearsOf waits for the next event, which must have this name, and returns what
// it tells.
func (d *device) HearsOf(name chat.EventName) (h happened) {
	d.s.t.Helper()
	f, err := d.line.next(wire.Event, d.within)
	if err != nil || f.Name != string(name) {
		d.fail("hears of %q (%v), want %q", f.Name, err, name)
	}
	data, err := json.Marshal(f.Data)
	if err == nil {
		err = json.Unmarshal(data, &h)
	}
	if err != nil {
		d.fail("hears of %s with %v: %v", name, f.Data, err)
	}
	return h
}

// MayNotSignal signals somebody and expects to be refused with a code.
func (d *device) MayNotSignal(to addressee, code chat.Kind) {
	d.s.t.Helper()
	t := to.target()
	f, err := d.line.ask(wire.ClientFrame{Type: wire.Signal, ID: chat.NewID(), To: &t, Data: []byte(`"?"`)}, d.within)
	if err != nil || f.Type != wire.Error || f.Code != code {
		d.fail("signals: %s %s %v, want to be refused with %s", f.Type, f.Code, err, code)
	}
}

// Finds searches by way of every node until each finds a person, or does not;
// without a query everybody is listed.
func (d *device) Finds(query string, u *User, found bool) {
	d.s.t.Helper()
	for _, n := range d.s.running() {
		a := n.Asks("GET", "/api/v1/users?limit=200&query="+query, d.grant.AccessToken, "")
		var page client.Page[client.User]
		a.into(d.s, &page)
		if got := slices.ContainsFunc(page.Items, func(p client.User) bool { return p.ID == u.ID }); got != found {
			d.fail("finds %s by %q on %s: %v", u.name, query, n.id, got)
		}
	}
}
