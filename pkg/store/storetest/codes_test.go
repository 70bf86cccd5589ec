package storetest

import (
	"crypto/sha256"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

func hashOf(code string) []byte {
	sum := sha256.Sum256([]byte(code))
	return sum[:]
}

// Twenty redeem one code at once, each for themselves: it is consumed once.
func TestACodeWorksOnce(t *testing.T) {
	inEach(t, func(t *testing.T, w *world) {
		wants(t, w.AddCodes(w.ctx, []chat.Code{{Hash: hashOf("c"), Kind: chat.VIPCode, VIPDays: 30}}), "")
		const many = 20
		users := make([]chat.User, many)
		for i := range users {
			users[i] = w.signUp(fmt.Sprint("user", i))
		}
		var wg sync.WaitGroup
		errs := make([]error, many)
		for i := range many {
			wg.Go(func() { _, errs[i] = w.RedeemVIP(w.ctx, users[i].ID, hashOf("c")) })
		}
		wg.Wait()
		var won int
		for i, err := range errs {
			u, e := w.User(w.ctx, users[i].ID)
			wants(t, e, "")
			if err == nil {
				won++
			} else {
				wants(t, err, chat.CodeInvalid)
			}
			if u.VIPUntil.IsZero() != (err != nil) {
				t.Errorf("%v, but %v", u.VIPUntil, err)
			}
		}
		if won != 1 {
			t.Errorf("%d won", won)
		}
	})
}

// One user redeems many codes at once: each counts.
func TestCodesAddUp(t *testing.T) {
	inEach(t, func(t *testing.T, w *world) {
		ann := w.signUp("ann")
		const many = 10
		var codes []chat.Code
		for i := range many {
			codes = append(codes, chat.Code{Hash: hashOf(fmt.Sprint(i)), Kind: chat.VIPCode, VIPDays: 3})
		}
		wants(t, w.AddCodes(w.ctx, codes), "")
		before := time.Now().UTC()
		var wg sync.WaitGroup
		for i := range many {
			wg.Go(func() {
				if _, err := w.RedeemVIP(w.ctx, ann.ID, hashOf(fmt.Sprint(i))); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		u, err := w.User(w.ctx, ann.ID)
		wants(t, err, "")
		if from := before.AddDate(0, 0, 3*many); u.VIPUntil.Before(from.Truncate(time.Microsecond)) || u.VIPUntil.After(from.Add(time.Minute)) {
			t.Errorf("until %v, want %v", u.VIPUntil, from)
		}
	})
}

func TestWhatCodesAreNoGood(t *testing.T) {
	inEach(t, func(t *testing.T, w *world) {
		ann := w.signUp("ann")
		wants(t, w.AddCodes(w.ctx, []chat.Code{
			{Hash: hashOf("invite"), Kind: chat.InviteCode},
			{Hash: hashOf("old"), Kind: chat.VIPCode, VIPDays: 1, ExpiresAt: time.Now().Add(-time.Second)},
			{Hash: hashOf("good"), Kind: chat.VIPCode, VIPDays: 1, ExpiresAt: time.Now().Add(time.Hour)},
			{Hash: hashOf("long"), Kind: chat.VIPCode, VIPDays: 36500000},
		}), "")
		for _, code := range []string{"invite", "old", "nothing"} {
			_, err := w.RedeemVIP(w.ctx, ann.ID, hashOf(code))
			wants(t, err, chat.CodeInvalid)
		}
		_, err := w.RedeemVIP(w.ctx, "nobody", hashOf("good"))
		wants(t, err, chat.NotFound)
		_, err = w.RedeemVIP(w.ctx, ann.ID, hashOf("good"))
		wants(t, err, "")
		u, err := w.RedeemVIP(w.ctx, ann.ID, hashOf("long"))
		if err != nil || u.VIPUntil.Year() > 9999 {
			t.Error(u.VIPUntil, err)
		}
	})
}

// S3.6: codes are listed page by page, each once, the newest first, with who
// used them.
func TestCodesAreListed(t *testing.T) {
	inEach(t, func(t *testing.T, w *world) {
		ann := w.signUp("ann")
		want := map[string]chat.CodeKind{}
		for batch := range 3 {
			var codes []chat.Code
			for i := range 5 {
				k := chat.Code{Hash: hashOf(fmt.Sprint(batch, i)), Kind: chat.InviteCode}
				if i < 2 {
					k.Kind, k.VIPDays, k.ExpiresAt = chat.VIPCode, 7, time.Now().Add(time.Hour)
				}
				codes, want[string(k.Hash)] = append(codes, k), k.Kind
			}
			wants(t, w.AddCodes(w.ctx, codes), "")
		}
		_, err := w.RedeemVIP(w.ctx, ann.ID, hashOf("1 0"))
		wants(t, err, "")
		for _, kind := range []chat.CodeKind{"", chat.VIPCode, chat.InviteCode} {
			seen, before := 0, time.Now().Add(time.Hour)
			for cursor := ""; seen == 0 || cursor != ""; {
				page, next, err := w.FindCodes(w.ctx, kind, cursor, 4)
				wants(t, err, "")
				for _, k := range page {
					seen++
					if want[string(k.Hash)] != k.Kind || kind != "" && k.Kind != kind || k.CreatedAt.After(before) {
						t.Errorf("%q: %+v after %v", kind, k, before)
					}
					if used := string(k.Hash) == string(hashOf("1 0")); used != (k.UsedBy == ann.ID) || used == k.UsedAt.IsZero() {
						t.Errorf("used: %+v", k)
					}
					if (k.Kind == chat.VIPCode) != (k.VIPDays == 7 && !k.ExpiresAt.IsZero()) {
						t.Errorf("%+v", k)
					}
					before = k.CreatedAt
				}
				cursor = next
			}
			if n := map[chat.CodeKind]int{"": 15, chat.VIPCode: 6, chat.InviteCode: 9}[kind]; seen != n {
				t.Errorf("%q: %d codes, want %d", kind, seen, n)
			}
		}
		for _, cursor := range []string{"x", ".", "0.zz", "0", "0.ab.c"} {
			_, _, err := w.FindCodes(w.ctx, "", cursor, 4)
			wants(t, err, chat.Invalid)
		}
	})
}

// An invitation is used up only if the sign-up comes to be.
func TestInvitations(t *testing.T) {
	inEach(t, func(t *testing.T, w *world) {
		w.signUp("ann")
		wants(t, w.AddCodes(w.ctx, []chat.Code{{Hash: hashOf("come"), Kind: chat.InviteCode}, {Hash: hashOf("vip"), Kind: chat.VIPCode, VIPDays: 1}}), "")
		up := func(name, code string) error {
			a := account(name)
			_, err := w.Create(w.ctx, chat.SignUp{Account: a, Device: device(a.ID, "d", chat.Web), Invite: hashOf(code)})
			return err
		}
		wants(t, up("bob", "vip"), chat.CodeInvalid)
		wants(t, up("bob", "wrong"), chat.CodeInvalid)
		wants(t, up("ann", "come"), chat.UsernameTaken)
		wants(t, up("bob", "come"), "")
		wants(t, up("cid", "come"), chat.CodeInvalid)
	})
}
