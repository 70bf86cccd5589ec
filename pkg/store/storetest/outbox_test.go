package storetest

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// batches shows the node and number of each leftover.
func batches(left []chat.Leftover) string {
	var out []string
	for _, l := range left {
		out = append(out, fmt.Sprint(l.Node, l.N))
	}
	return fmt.Sprint(out)
}

func TestTheOutboxNamesWhatToDeliver(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		u := k.people("ann", "bob")
		c := k.direct(u[0], u[1])
		k.append(says(u[0], c.ID, "a", "x"), says(u[0], chat.Lobby, "b", "x"), says(u[1], c.ID, "c", "x"))
		k.append(says(u[0], c.ID, "a", "x")) // nothing new: nothing to deliver
		last := k.append(says(u[0], c.ID, "a", "x"), says(u[0], c.ID, "d", "x"))[1]
		left, err := k.other.Leftovers(k.ctx, "one", 0, 10)
		wants(t, err, "")
		if batches(left) != "[one1 one3]" || !left[1].At.Equal(last.At) {
			t.Fatalf("%+v", left)
		}
		want := map[chat.Range]int{{Conversation: c.ID, From: 1, To: 1}: 1, {Conversation: c.ID, From: 2, To: 2}: 1, {Conversation: chat.Lobby, From: 1, To: 1}: 1}
		if got := each(left[0].Ranges); !reflect.DeepEqual(got, want) {
			t.Errorf("have %v, want %v", got, want)
		}
		if got := left[1].Ranges; !reflect.DeepEqual(got, []chat.Range{{Conversation: c.ID, From: 3, To: 3}}) {
			t.Errorf("%+v", got)
		}
	})
}

func TestLeftoversUntilTheyAreDelivered(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		ann := k.w.signUp("ann")
		for n := range int64(12) { // past where numbers sort otherwise than texts
			for _, node := range []string{"one", "two"} {
				wants(t, k.Append(k.ctx, node, n+1, []*chat.Pending{says(ann, chat.Lobby, chat.NewID(), "x")}), "")
			}
		}
		have := func(after int64, limit int) string {
			left, err := k.Leftovers(k.ctx, "one", after, limit)
			wants(t, err, "")
			return batches(left)
		}
		if got := have(0, 3) + have(3, 2) + have(8, 100) + have(12, 5); got != "[one1 one2 one3][one4 one5][one9 one10 one11 one12][]" {
			t.Error(got)
		}
		wants(t, k.other.Delivered(k.ctx, "one", 2, 11), "")
		wants(t, k.other.Delivered(k.ctx, "one", 2, 11), "")
		wants(t, k.Delivered(k.ctx, "nobody", 1, 100), "")
		if got := have(0, 100); got != "[one1 one12]" {
			t.Error(got)
		}
		nodes, err := k.LeftoverNodes(k.ctx)
		if err != nil || !reflect.DeepEqual(nodes, map[string]int64{"one": 12, "two": 12}) {
			t.Error(nodes, err)
		}
		wants(t, k.Delivered(k.ctx, "two", 1, 12), "")
		wants(t, k.Delivered(k.ctx, "one", 12, 12), "")
		if nodes, err = k.LeftoverNodes(k.ctx); err != nil || !reflect.DeepEqual(nodes, map[string]int64{"one": 1}) {
			t.Error(nodes, err)
		}
	})
}

func TestOldLeftovers(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		ann := k.w.signUp("ann")
		leave := func(node string, n int64) time.Time {
			p := says(ann, chat.Lobby, chat.NewID(), "x")
			wants(t, k.Append(k.ctx, node, n, []*chat.Pending{p}), "")
			return p.At
		}
		leave("b", 1)
		leave("a", 10)
		leave("a", 9)
		leave("alive", 1)
		at := leave("c", 1)
		have := func(before time.Time, limit int, alive ...string) string {
			left, err := k.other.OldLeftovers(k.ctx, alive, before, limit)
			wants(t, err, "")
			return batches(left)
		}
		later := at.Add(time.Microsecond)
		if got := have(later, 10, "alive", "nobody"); got != "[a9 a10 b1 c1]" {
			t.Error("others:", got)
		}
		if got := have(later, 3, "alive"); got != "[a9 a10 b1]" {
			t.Error("some:", got)
		}
		if got := have(at, 10, "alive"); got != "[a9 a10 b1]" { // the last is not older
			t.Error("older:", got)
		}
		if got := have(at.In(time.FixedZone("Shanghai", 8*3600)), 10, "alive"); got != "[a9 a10 b1]" {
			t.Error("elsewhere:", got)
		}
		if got := have(later, 10); got != "[a9 a10 alive1 b1 c1]" {
			t.Error("nobody is alive:", got)
		}
	})
}

func TestLoadedReadyToBeDelivered(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		u := k.people("ann", "bob", "cid")
		both, self := k.direct(u[0], u[1]), k.direct(u[2], u[2])
		k.append(
			says(u[0], both.ID, "1", "to bob"), says(u[1], both.ID, "2", "to ann"), says(u[2], self.ID, "3", "to myself"),
			says(u[2], chat.Lobby, "4", "to all"), says(chat.User{ID: "gone"}, chat.Lobby, "5", "from nobody"), says(u[0], chat.Lobby, "6", "not asked for"),
		)
		batch, err := k.other.Load(k.ctx, []chat.Range{
			{Conversation: chat.Lobby, From: 1, To: 2}, {Conversation: both.ID, From: 1, To: 9}, {Conversation: self.ID, From: 1, To: 1}, {Conversation: "nowhere", From: 1, To: 9},
		})
		wants(t, err, "")
		have := map[string]chat.Delivery{}
		for _, d := range batch {
			have[d.ClientID] = d
		}
		want := map[string]chat.Delivery{
			"1": {Message: chat.Message{From: u[0].Person(), To: chat.Target{User: u[1].ID}}, Recipients: both.Recipients()},
			"2": {Message: chat.Message{From: u[1].Person(), To: chat.Target{User: u[0].ID}}, Recipients: both.Recipients()},
			"3": {Message: chat.Message{From: u[2].Person(), To: chat.Target{User: u[2].ID}}, Recipients: []chat.UserID{u[2].ID}},
			"4": {Message: chat.Message{From: u[2].Person(), To: chat.Target{Room: chat.Lobby}}, Log: true},
			"5": {Message: chat.Message{From: chat.Person{ID: "gone"}, To: chat.Target{Room: chat.Lobby}}, Log: true},
		}
		if len(batch) != len(want) {
			t.Fatalf("%d messages: %+v", len(batch), batch)
		}
		for id, w := range want {
			h := have[id]
			if h.From != w.From || h.To != w.To || h.Log != w.Log || !reflect.DeepEqual(h.Recipients, w.Recipients) {
				t.Errorf("%s: have %+v\nwant %+v", id, h, w)
			}
		}
		if none, err := k.Load(k.ctx, nil); err != nil || len(none) != 0 {
			t.Error(none, err)
		}
	})
}

// What ranges of one conversation name comes in its order, however they lie.
func TestLoadedInOrder(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		k.chatter(k.w.signUp("ann"), chat.Lobby, 12)
		batch, err := k.Load(k.ctx, []chat.Range{{Conversation: chat.Lobby, From: 11, To: 12}, {Conversation: chat.Lobby, From: 2, To: 4}, {Conversation: chat.Lobby, From: 4, To: 5}})
		wants(t, err, "")
		var list []chat.Message
		for _, d := range batch {
			list = append(list, d.Message)
		}
		if got := seqs(list); got != "[2 3 4 5 11 12]" {
			t.Error(got)
		}
	})
}
