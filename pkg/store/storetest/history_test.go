package storetest

import (
	"fmt"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
)

func TestPagesOfAHistory(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		u := k.people("ann", "bob")
		c := k.direct(u[0], u[1])
		k.chatter(u[0], c.ID, 12)
		k.chatter(u[0], chat.Lobby, 20) // not of this conversation
		for _, q := range []struct {
			before, after int64
			limit         int
			want          string
		}{
			{0, 0, 3, "[10 11 12]"}, // the newest
			{0, 0, 100, "[1 2 3 4 5 6 7 8 9 10 11 12]"},
			{4, 0, 2, "[2 3]"}, // those next to the bound
			{4, 0, 100, "[1 2 3]"},
			{1, 0, 100, "[]"},
			{100, 0, 2, "[11 12]"},
			{0, 4, 2, "[5 6]"},
			{0, 9, 100, "[10 11 12]"},
			{0, 12, 100, "[]"},
			{9, 4, 100, "[5 6 7 8]"},
			{9, 4, 2, "[5 6]"},
			{5, 4, 100, "[]"},
			{4, 9, 100, "[]"},
		} {
			list, err := k.other.History(k.ctx, c, q.before, q.after, q.limit)
			wants(t, err, "")
			if got := seqs(list); got != q.want {
				t.Errorf("before %d, after %d, limit %d: have %s, want %s", q.before, q.after, q.limit, got, q.want)
			}
		}
	})
}

// Page after page, either way, is everything once.
func TestAllPagesOfAHistory(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		k.chatter(k.w.signUp("ann"), chat.Lobby, 23)
		c, want := k.lobby(), seqs(k.all(chat.Lobby))
		var up, down []chat.Message
		for after := int64(0); after < 23; after = up[len(up)-1].Seq {
			page, err := k.History(k.ctx, c, after+6, max(after, 0), 5)
			if err != nil || len(page) == 0 {
				t.Fatal(page, err)
			}
			up = append(up, page...)
		}
		for before := int64(0); before != 1; before = down[0].Seq {
			page, err := k.History(k.ctx, c, before, 0, 5)
			if err != nil || len(page) == 0 {
				t.Fatal(page, err)
			}
			down = append(page, down...)
		}
		if seqs(up) != want || seqs(down) != want {
			t.Errorf("up %s\ndown %s\nwant %s", seqs(up), seqs(down), want)
		}
	})
}

func TestPeople(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		u := k.people("ann", "bob")
		got, err := k.People(k.ctx, []chat.UserID{u[1].ID, "nobody", u[0].ID, u[1].ID})
		if err != nil || len(got) != 2 || got[u[0].ID] != u[0].Person() || got[u[1].ID] != u[1].Person() {
			t.Error(got, err)
		}
		if got, err := k.People(k.ctx, nil); err != nil || fmt.Sprint(got) != "map[]" {
			t.Error(got, err)
		}
	})
}
