package cluster

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/testserver"
)

// When Redis was away for longer than leases live, all of them are over, and each
// node has a moment to renew its own before the others take it for dead: they
// would show its people offline, and deliver what it is delivering itself.
func TestWhereNobodyCouldRenew(t *testing.T) {
	t.Parallel()
	c := join(t, testserver.Redis(t).URL(), &ledger{}, "n1")
	renew := func(last time.Duration, lease string) (died []NodeInfo) {
		t.Helper()
		if c.r.c.HDel(t.Context(), keyNodes, "n2"); lease != "" {
			c.r.c.HSet(t.Context(), keyNodes, "n2", lease)
		}
		c.mu.Lock()
		c.renewed = time.Now().Add(-last)
		c.mu.Unlock()
		died, err := c.renewLease(t.Context(), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return died
	}
	lives := func(want bool) {
		t.Helper()
		if got := slices.Contains(c.Alive(), "n2 boot"); got != want {
			t.Fatalf("alive are %q", c.Alive())
		}
	}
	lease := func(left time.Duration) string {
		return fmt.Sprintf(`%d|{"id":"n2","boot":"n2 boot"}`, time.Now().Add(left).UnixMilli())
	}
	renew(leaseEvery, lease(leaseTime))
	lives(true)
	if died := renew(leaseTime, lease(-time.Second)); len(died) > 0 {
		t.Errorf("%v died while nobody could renew", died)
	}
	lives(true)
	if died := renew(leaseEvery, lease(-time.Second)); len(died) != 1 || died[0].ID != "n2" {
		t.Errorf("died: %v", died)
	}
	lives(false)
	renew(leaseEvery, lease(leaseTime))
	if renew(leaseEvery, ""); time.Until(c.nodes["n2"].until) > leaseGrace { // the lease alone was lost, or given up
		t.Errorf("it counts as alive until %v", c.nodes["n2"].until)
	}
	lives(true)
	c.renewed = time.Now().Add(-leaseTime)
	if alive := c.Alive(); len(alive) > 0 {
		t.Errorf("%q live, and this node knows nothing new of them", alive)
	}
}
