package cluster

import (
	"fmt"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
)

// Delivering says who has no open socket anywhere: never had, closed it, or had
// it on a node that died.
func TestDeliveringSaysWhoIsAway(t *testing.T) {
	onEachRedis(t, func(t *testing.T, url string) {
		l := &ledger{}
		n1, n2 := join(t, url, l, "n1"), join(t, url, l, "n2")
		for i, u := range []chat.UserID{"alice", "bob"} {
			signIn(t, n1, u, "phone", int64(i)+1)
		}
		alices, bobs := session("alice", "phone", "n1"), session("bob", "phone", "n2")
		claim(t, n1, alices, 1)
		claim(t, n2, bobs, 2)
		seq := int64(0)
		away := func(of chat.UserID) string {
			t.Helper()
			seq++
			users, err := n1.Deliver(t.Context(), []chat.Delivery{message(of, seq, "x")}, 0)
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprint(users)
		}
		if got := away("carol"); got != "[]" {
			t.Errorf("nobody wants to know, and told is %s", got)
		}
		n1.o.Absences = true
		if got := away("carol") + away("bob"); got != "[carol][]" {
			t.Errorf("away are %s", got)
		}
		n1.over = []chat.NodeID{"n2", "n3"}
		if got := away("bob"); got != "[bob]" {
			t.Errorf("n2 died, and away are %s", got)
		}
		n1.over = nil
		if _, err := n2.Release(t.Context(), bobs, 0); err != nil {
			t.Fatal(err)
		}
		if got := away("bob"); got != "[bob]" {
			t.Errorf("bob left, and away are %s", got)
		}
	})
}
