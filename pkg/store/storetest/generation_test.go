package storetest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/tieline/tieline/pkg/store"
)

// Whoever mints at the same time: exactly one generation follows another, and
// everybody reads the same one.
func TestOneGenerationAtATime(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		ledger := store.NewLedger(k.db)
		if n, identity, err := ledger.Generation(k.ctx); n != 0 || identity != "" || err != nil {
			t.Fatal(n, identity, err)
		}
		for from := int64(0); from < 5; {
			var wg sync.WaitGroup
			for node := range int64(10) {
				wg.Go(func() {
					if err := ledger.Mint(k.ctx, from, from+1+node, fmt.Sprint("redis ", from+1+node)); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			now, identity, err := ledger.Generation(k.ctx)
			if err != nil || now <= from || now > from+10 || identity != fmt.Sprint("redis ", now) {
				t.Fatalf("after %d: %d of %q, %v", from, now, identity, err)
			}
			wants(t, ledger.Mint(k.ctx, from, now+100, "late"), "") // from is no longer current
			wants(t, ledger.Mint(k.ctx, now+1, now+100, "early"), "")
			if again, _, err := ledger.Generation(k.ctx); again != now || err != nil {
				t.Fatalf("%d became %d, %v", now, again, err)
			}
			from = now
		}
	})
}

// A database that cannot answer is not one without a generation.
func TestNoGenerationIsNotTheFirst(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		ledger := store.NewLedger(k.db)
		if err := k.db.Close(); err != nil {
			t.Fatal(err)
		}
		_, _, err := ledger.Generation(k.ctx)
		wants(t, err, "unavailable")
		wants(t, ledger.Mint(k.ctx, 0, 1, "redis"), "unavailable")
	})
}
