package messaging

import (
	"context"
	"fmt"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
)

func TestPagesAreBounded(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		for _, c := range []struct {
			page Page
			want string // after..before, limit
			kind chat.Kind
		}{
			{Page{}, "0..0, 50", ""},
			{Page{Limit: 7}, "0..0, 7", ""},
			{Page{Limit: 200}, "0..0, 200", ""},
			{Page{Limit: 201}, "0..0, 200", ""},
			{Page{Before: 9, After: 3}, "3..9, 50", ""},
			{Page{Before: -1}, "", chat.Invalid},
			{Page{After: -1}, "", chat.Invalid},
			{Page{Limit: -1}, "", chat.Invalid},
		} {
			list, err := n.History(context.Background(), "ann", chat.Lobby, c.page)
			if chat.KindOf(err) != c.kind || err == nil && list[0].Text != c.want {
				t.Errorf("%+v: %+v, %v", c.page, list, err)
			}
		}
		for asked, want := range map[int]int{-1: 50, 0: 50, 1: 1, 1000: 200} {
			if _, next, err := n.Conversations(context.Background(), "ann", "cursor", asked); err != nil || next != fmt.Sprint("ann cursor ", want) {
				t.Errorf("%d conversations: %s, %v", asked, next, err)
			}
		}
	})
}

// What one is not part of does not exist, whichever way one asks for it.
func TestOthersConversationsAreNotFound(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		ctx := context.Background()
		o, err := n.OpenDirect(ctx, "bob", "cid")
		if err != nil || o.Peer.ID != "cid" {
			t.Fatal(o, err)
		}
		for _, id := range []chat.ConversationID{o.ID, "nowhere", ""} {
			_, err := n.History(ctx, "ann", id, Page{})
			_, _, err2 := n.Reachable(ctx, "ann", chat.Target{Conversation: id})
			err3 := n.MarkRead(ctx, chat.Identity{User: "ann"}, "s", id, 1)
			for i, err := range []error{err, err2, err3} {
				if chat.KindOf(err) != chat.NotFound {
					t.Errorf("%q, %d: %v", id, i, err)
				}
			}
		}
		if _, err := n.History(ctx, "bob", o.ID, Page{}); err != nil {
			t.Error(err)
		}
		for _, peer := range []chat.UserID{"nobody", "gone"} {
			if _, err := n.OpenDirect(ctx, "ann", peer); chat.KindOf(err) != chat.NotFound {
				t.Errorf("%s: %v", peer, err)
			}
		}
		if len(n.c.read) != 0 {
			t.Errorf("%+v", n.c.read)
		}
	})
}

func TestWhoHearsOfReading(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		ctx := context.Background()
		direct, err := n.OpenDirect(ctx, "ann", "bob")
		if err != nil {
			t.Fatal(err)
		}
		self, err := n.OpenDirect(ctx, "ann", "ann")
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			of   chat.ConversationID
			seq  int64
			kind chat.Kind
			tell string
		}{
			{direct.ID, 7, "", "[ann bob]"},
			{self.ID, 7, "", "[ann]"},
			{chat.Lobby, 7, "", "[ann]"},
			{direct.ID, 100, "", ""}, // moved nothing
			{direct.ID, 0, chat.Invalid, ""},
			{direct.ID, -1, chat.Invalid, ""},
		} {
			n.c.read = nil
			err := n.MarkRead(ctx, chat.Identity{User: "ann", Device: "d1"}, "s1", c.of, c.seq)
			if chat.KindOf(err) != c.kind || len(n.c.read) == 0 != (c.tell == "") {
				t.Errorf("%+v: %v, %+v", c, err, n.c.read)
				continue
			}
			if c.tell == "" {
				continue
			}
			if r := n.c.read[0]; r.Conversation != c.of || r.Reader != "ann" || r.Session != "s1" || r.Seq != c.seq || fmt.Sprint(r.Tell) != c.tell {
				t.Errorf("%+v: told %+v", c, r)
			}
		}
		n.c.setUp(false) // what nobody can be told is kept all the same
		if err := n.MarkRead(ctx, chat.Identity{User: "ann"}, "s1", direct.ID, 8); err != nil {
			t.Error(err)
		}
		n.a.goAway(true)
		if err := n.MarkRead(ctx, chat.Identity{User: "ann"}, "s1", direct.ID, 9); chat.KindOf(err) != chat.Unavailable {
			t.Error(err)
		}
	})
}

func TestWhoIsReachable(t *testing.T) {
	alone(t, func(t *testing.T, n *node) {
		n.a.rooms["r1"], n.a.rooms["r2"] = chat.Conversation{ID: "r1"}, chat.Conversation{ID: "r2"}
		n.a.crowds = map[chat.ConversationID][]chat.UserID{"r1": {"ann", "bob"}, "r2": {"bob"}}
		for _, c := range []struct {
			to   chat.Target
			want string
		}{
			{chat.Target{User: "bob"}, "[bob] <nil>"},
			{chat.Target{User: "ann"}, "[ann] <nil>"},
			{chat.Target{Conversation: chat.DirectID("ann", "bob")}, "[bob] <nil>"},
			{chat.Target{Room: chat.Lobby}, "[] <nil>"},
			{chat.Target{User: "nobody"}, "[] archive: not_found"},
			{chat.Target{Room: "r1"}, "[ann bob] <nil>"},
			{chat.Target{Room: "r2"}, "[] messaging.reachable: not_a_member"},
		} {
			_, users, err := n.Reachable(context.Background(), "ann", c.to)
			if got := fmt.Sprint(users, err); got != c.want {
				t.Errorf("%+v: %s, want %s", c.to, got, c.want)
			}
		}
	})
}

// Conversations are remembered, but not for ever more of them.
func TestTheRoomCacheIsBounded(t *testing.T) {
	r := newRoomCache()
	for i := range maxRoomCache + 10 {
		r.put(chat.Conversation{ID: chat.ConversationID(fmt.Sprint(i)), LastSeq: 7}, nil, 0)
	}
	if len(r.m) > maxRoomCache {
		t.Error(len(r.m))
	}
	if c, ok, _ := r.get(chat.ConversationID(fmt.Sprint(maxRoomCache + 9))); !ok || c.LastSeq != 0 {
		t.Errorf("%+v, %v", c, ok)
	}
}
