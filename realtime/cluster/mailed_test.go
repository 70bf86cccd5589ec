package cluster

import (
	"strings"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// S4.1: a code is good for a time and a few tries, on every node, and works
// once; the next mail waits its time, whether or not there was a code in it.
func TestMailedCodes(t *testing.T) {
	onEachRedis(t, func(t *testing.T, url string) {
		l := &ledger{}
		n1, n2 := join(t, url, l, "n1"), join(t, url, l, "n2")
		code := chat.MailedCode{Purpose: chat.ForSignUp, Address: "ann-" + chat.NewID(), Hash: "right"}
		wrong, reset, none := code, code, code
		wrong.Hash, reset.Purpose, none.Address, none.Hash = "wrong", chat.ForReset, "bob-"+chat.NewID(), ""
		put := func(c *Cluster, code chat.MailedCode, kind chat.Kind) {
			t.Helper()
			err := c.PutMailedCode(t.Context(), code, time.Minute, 30*time.Second, 3)
			if chat.KindOf(err) != kind {
				t.Fatalf("put: %v, want %q", err, kind)
			}
			if e, ok := err.(*chat.Error); ok && (e.Retry <= 0 || e.Retry > 30*time.Second) {
				t.Errorf("come back in %v", e.Retry)
			}
		}
		is := func(c *Cluster, code chat.MailedCode, want bool) {
			t.Helper()
			if right, err := c.CheckMailedCode(t.Context(), code); err != nil || right != want {
				t.Errorf("%+v is %t, %v", code, right, err)
			}
		}
		is(n1, code, false)
		put(n1, code, "")
		put(n2, code, chat.RateLimited)
		put(n2, reset, "") // for another purpose
		for range 2 {
			is(n2, code, true)
		}
		is(n1, wrong, false)
		is(n2, wrong, false)
		is(n1, code, true)
		is(n1, wrong, false) // the last try
		is(n2, code, false)
		is(n2, reset, true)
		for range 2 {
			if err := n1.UseMailedCode(t.Context(), reset); err != nil {
				t.Error(err)
			}
		}
		is(n2, reset, false)
		put(n1, none, "")
		put(n2, none, chat.RateLimited)
		is(n1, none, false)
		if err := n1.ForgetMailedCode(t.Context(), code); err != nil {
			t.Fatal(err)
		}
		code.Hash = "newer"
		put(n2, code, "")
		if err := n1.UseMailedCode(t.Context(), wrong); err != nil {
			t.Error(err)
		}
		is(n1, code, true)
	})
}

// What is kept goes by itself.
func TestMailedCodesExpire(t *testing.T) {
	onEachRedis(t, func(t *testing.T, url string) {
		c := join(t, url, &ledger{}, "n1")
		code := chat.MailedCode{Purpose: chat.ForSignUp, Address: chat.NewID(), Hash: "right"}
		if err := c.PutMailedCode(t.Context(), code, 50*time.Millisecond, 50*time.Millisecond, 3); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the code is too old", func() bool {
			right, err := c.CheckMailedCode(t.Context(), code)
			return err == nil && !right
		})
		eventually(t, "the next mail may go out", func() bool {
			return c.PutMailedCode(t.Context(), code, time.Minute, time.Minute, 3) == nil
		})
	})
}

// Running the script again, as after a lost reply, changes nothing.
func TestPuttingACodeTwiceIsOnce(t *testing.T) {
	onEachRedis(t, func(t *testing.T, url string) {
		c := join(t, url, &ledger{}, "n1")
		code := chat.MailedCode{Purpose: chat.ForSignUp, Address: chat.NewID(), Hash: "right"}
		for range 2 {
			wait, err := c.runPlain(t.Context(), &call{script: putCode, keys: []string{keyMail(&code, "sent"), keyMail(&code, "code")}, args: []any{"once", code.Hash, 60000, 60000, 3}})
			if err != nil || wait != 0 {
				t.Errorf("%d, %v", wait, err)
			}
		}
	})
}

// Failures count, on all nodes together, for one name; successes and looking do
// not. After the burst one is let pass each half minute.
func TestFailuresAreLimitedByName(t *testing.T) {
	onEachRedis(t, func(t *testing.T, url string) {
		l, counted := &ledger{}, 0
		rates := map[chat.Operation]int{chat.Logins: 5}
		count := func(op chat.Operation) {
			if counted++; op != chat.Failures {
				t.Error("refused:", op)
			}
		}
		nodes := []*Limits{NewLimits(join(t, url, l, "n1"), rates, count), NewLimits(join(t, url, l, "n2"), rates, count)}
		name := strings.ToLower(chat.NewID())
		for i := range 3 * failuresBurst {
			if err := nodes[i%2].MayFail(t.Context(), name); err != nil {
				t.Fatalf("nobody has failed: %v", err)
			}
		}
		for i := range failuresBurst {
			if err := nodes[i%2].MayFail(t.Context(), name); err != nil {
				t.Fatalf("after %d failures: %v", i, err)
			}
			nodes[i%2].Failed(t.Context(), name)
		}
		for _, n := range nodes {
			err := n.MayFail(t.Context(), name)
			if e, ok := err.(*chat.Error); !ok || e.Kind != chat.RateLimited || e.Retry <= 0 || e.Retry > failuresEvery {
				t.Errorf("after too many failures: %+v", err)
			}
			if err := n.MayFail(t.Context(), name+"x"); err != nil {
				t.Errorf("somebody else: %v", err)
			}
		}
		if counted != 2 {
			t.Errorf("%d refusals were counted", counted)
		}
		off := NewLimits(nodes[0].c, map[chat.Operation]int{}, nil)
		if err := off.MayFail(t.Context(), name); err != nil {
			t.Errorf("no limit: %v", err)
		}
		if err := NewLimits(&Cluster{}, rates, nil).MayFail(t.Context(), name); err != nil {
			t.Errorf("without Redis: %v", err)
		}
	})
}
