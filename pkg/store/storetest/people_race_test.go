package storetest

import (
	"fmt"
	"reflect"
	"sync"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
)

// Both ask each other at the same moment, on two nodes, many times: they are
// friends, with one row each way, and one request has been accepted.
func TestBothAskAtOnce(t *testing.T) {
	inEachCircle(t, func(t *testing.T, c *circle) {
		const pairs = 10
		var wg sync.WaitGroup
		var all [][]chat.User
		for i := range pairs {
			u := c.k.people(fmt.Sprint("a", i), fmt.Sprint("b", i))
			all = append(all, u)
			for j := range 4 {
				wg.Go(func() {
					_, _, err := c.node(j/2).Ask(c.k.ctx, chat.Asking{From: u[j%2].ID, To: u[(j+1)%2].ID, Label: noting(u[j%2], u[(j+1)%2])})
					if kind := chat.KindOf(err); kind != "" && kind != chat.Conflict {
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
		for _, u := range all {
			for i, me := range u {
				f := c.friends(me)
				if len(f) != 1 || f[0].ID != u[1-i].ID || !reflect.DeepEqual(f[0].Label, noting(me, u[1-i])) {
					t.Errorf("%s has %+v", me.Username, f)
				}
			}
			sent, err := c.Requests(c.k.ctx, u[0].ID, true, "", 10)
			wants(t, err, "")
			back, err := c.Requests(c.k.ctx, u[1].ID, true, "", 10)
			wants(t, err, "")
			if both := append(sent, back...); len(both) != 1 || both[0].State != chat.RequestAccepted {
				t.Errorf("%+v", both)
			}
			if got := c.k.now(chat.DirectID(u[0].ID, u[1].ID)); got.Gate != chat.GateFriends {
				t.Errorf("%+v", got)
			}
		}
	})
}

// S2.2: twenty clicks on one request, on two nodes: the first counts.
func TestARequestIsHandledOnce(t *testing.T) {
	inEachCircle(t, func(t *testing.T, c *circle) {
		u := c.k.people("ann", "bob")
		r, _ := c.ask(u[0], u[1], "")
		states := []chat.RequestState{chat.RequestAccepted, chat.RequestRejected, chat.RequestIgnored}
		var mu sync.Mutex
		var won []chat.RequestState
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				done, events, err := c.node(i).Handle(c.k.ctx, u[1].ID, r.ID, states[i%3], chat.Label{})
				if chat.KindOf(err) == chat.Conflict && len(events) == 0 {
					return
				}
				mu.Lock()
				defer mu.Unlock()
				if won = append(won, done.State); err != nil || done.State != states[i%3] {
					t.Error(done, err)
				}
			})
		}
		wg.Wait()
		if len(won) != 1 {
			t.Fatalf("%v", won)
		}
		got, err := c.Requests(c.k.ctx, u[0].ID, true, "", 10)
		wants(t, err, "")
		friends := len(c.friends(u[0])) + len(c.friends(u[1]))
		if len(got) != 1 || got[0].State != won[0] || friends != map[chat.RequestState]int{chat.RequestAccepted: 2}[won[0]] {
			t.Errorf("%s won: %+v, %d friends", won[0], got, friends)
		}
	})
}

// Whatever happens between two people at once, their gate ends as it is between
// them.
func TestTheGateTellsTheTruth(t *testing.T) {
	inEachCircle(t, func(t *testing.T, c *circle) {
		u := c.k.people("ann", "bob")
		var wg sync.WaitGroup
		for i := range 8 {
			me, peer, node := u[i%2].ID, u[(i+1)%2].ID, c.node(i/2)
			wg.Go(func() {
				for range 4 {
					_, _, err := node.Ask(c.k.ctx, chat.Asking{From: me, To: peer})
					_, err2 := node.SetBlocked(c.k.ctx, me, peer, i < 6)
					_, err3 := node.RemoveFriend(c.k.ctx, peer, me)
					_, err4 := node.SetBlocked(c.k.ctx, me, peer, i >= 6)
					for _, err := range []error{err, err2, err3, err4} {
						switch chat.KindOf(err) {
						case "", chat.Conflict, chat.Blocked, chat.NotFriends:
						default:
							t.Error(err)
						}
					}
				}
			})
		}
		wg.Wait()
		d := c.k.direct(u[0], u[1])
		ann, bob := c.relation(u[0], u[1]), c.relation(u[1], u[0])
		for _, s := range []struct {
			who  chat.User
			shut chat.Kind
			by   chat.Relation
		}{{u[0], d.Shut(u[0].ID, false), bob}, {u[1], d.Shut(u[1].ID, false), ann}} {
			if (s.shut == chat.Blocked) != s.by.Blocked {
				t.Errorf("%s is shut out: %q, and %+v", s.who.Username, s.shut, s.by)
			}
		}
		if ann.Friend != bob.Friend || ann.Friend != (d.Gate&chat.GateFriends != 0) {
			t.Errorf("%+v, %+v, %+v", ann, bob, d)
		}
	})
}
