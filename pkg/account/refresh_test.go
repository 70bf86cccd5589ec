package account_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/account"
	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/store"
	"github.com/tieline/tieline/pkg/store/storetest"
)

func TestRefresh(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := in(t, db, account.Options{})
		first := p.register("ann")
		second, err := p.Refresh(p.ctx, first.RefreshToken)
		wants(t, err, "")
		if second.RefreshToken == first.RefreshToken || second.User.Username != "ann" || second.Device != "first" || second.ExpiresIn != time.Hour {
			t.Errorf("%+v", second)
		}
		if a, b := p.whoIs(first), p.whoIs(second); a != b {
			t.Errorf("%+v became %+v", a, b)
		}
		third, err := p.Refresh(p.ctx, second.RefreshToken)
		wants(t, err, "")
		other := p.login("ann", "other")
		// The first one once more, two rotations later: somebody stole it.
		_, err = p.Refresh(p.ctx, first.RefreshToken)
		wants(t, err, chat.TokenInvalid)
		if got := p.reg.kicks(); got != "first signed_out" {
			t.Error("kicked:", got)
		}
		p.refuses(third.AccessToken, chat.SessionEnded, chat.SignedOut)
		_, err = p.Refresh(p.ctx, third.RefreshToken)
		wants(t, err, chat.SessionEnded)
		p.whoIs(other)
	})
}

// A refresh token works once, however many use it at the same time.
func TestRefreshAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := in(t, db, account.Options{})
		g := p.register("ann")
		var wg sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			wg.Go(func() { _, errs[i] = p.Refresh(p.ctx, g.RefreshToken) })
		}
		wg.Wait()
		var won int
		for _, err := range errs {
			if err == nil {
				won++
				continue
			}
			wants(t, err, chat.TokenInvalid)
		}
		if won != 1 {
			t.Errorf("worked %d times", won)
		}
		p.refuses(g.AccessToken, chat.SessionEnded, chat.SignedOut)
	})
}

// What is no token of ours ends nobody's session.
func TestForgedRefreshTokens(t *testing.T) {
	p := somewhere(t)
	g := p.register("ann")
	whose, secret, _ := strings.Cut(g.RefreshToken, ".")
	forged := "B" + secret[1:]
	if secret[0] == 'B' {
		forged = "C" + secret[1:]
	}
	for _, token := range []string{
		"", ".", whose, secret, whose + "." + forged, whose + "." + secret[:20], "AAAA." + secret, g.RefreshToken + "AAAA",
		strings.Repeat("A", 10000) + "." + secret, "!!." + secret, whose + "." + whose, g.AccessToken, "\x00\xff",
	} {
		_, err := p.Refresh(p.ctx, token)
		wants(t, err, chat.TokenInvalid)
	}
	p.whoIs(g)
	_, err := p.Refresh(p.ctx, g.RefreshToken)
	wants(t, err, "")
}

// With another key older refresh tokens still work: their randomness does not
// depend on it.
func TestRefreshTokensOutliveTheKey(t *testing.T) {
	db := storetest.SQLite(t)
	g := in(t, db, account.Options{}).register("ann")
	p := in(t, db, account.Options{Key: []byte(strings.Repeat("another key ", 3))})
	_, err := p.Authenticate(p.ctx, g.AccessToken)
	wants(t, err, chat.TokenInvalid)
	g, err = p.Refresh(p.ctx, g.RefreshToken)
	wants(t, err, "")
	p.whoIs(g)
}

func TestRefreshTokensExpire(t *testing.T) {
	p := in(t, storetest.SQLite(t), account.Options{RefreshTTL: time.Nanosecond})
	g := p.register("ann")
	_, err := p.Refresh(p.ctx, g.RefreshToken)
	wants(t, err, chat.TokenExpired)
}
