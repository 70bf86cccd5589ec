package hook

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

func TestHooksArePostedInOrderAndForgotten(t *testing.T) {
	db, r := &outbox{}, newReceiver(t)
	for i := range 40 {
		db.put(chat.UserID(fmt.Sprint("u", i%4)), 1)
	}
	posts(t, db, r, hasty)
	soon(t, "all are posted", func() bool { n, _, _ := db.Count(t.Context()); return n == 0 })
	for i := range 4 {
		if ids := r.took(chat.UserID(fmt.Sprint("u", i))); len(ids) != 10 || !slices.IsSorted(ids) {
			t.Errorf("u%d: %v", i, ids)
		}
	}
	if len(r.others) > 0 || r.came != 40 {
		t.Errorf("%d came, and %v", r.came, r.others)
	}
}

// The hooks of a user whom the receiver has trouble with wait, in their order;
// those of others do not.
func TestOneUserHoldsNobodyUp(t *testing.T) {
	db, r := &outbox{}, newReceiver(t)
	hangs := make(chan struct{})
	r.answers(func(h event, w http.ResponseWriter) bool {
		switch {
		case strings.HasPrefix(h.ID, "bad-"):
			w.WriteHeader(http.StatusInternalServerError)
			return true
		case strings.HasPrefix(h.ID, "slow-"):
			<-hangs
		}
		return false
	})
	db.put("bad", 3)
	db.put("slow", 3)
	db.put("good", 20)
	p, _ := posts(t, db, r, Timing{Look: time.Millisecond, Within: time.Minute, First: time.Millisecond, Most: 4 * time.Millisecond, Lease: time.Hour})
	soon(t, "the others have theirs", func() bool { return len(r.took("good")) == 20 })
	soon(t, "the first is tried again", func() bool { db.mu.Lock(); defer db.mu.Unlock(); return db.hooks[0].Attempts > leastTries })
	if n := db.count("bad", false); n != 3 || len(r.took("bad")) > 0 {
		t.Errorf("%d wait: within a day none is given up, or overtaken", n)
	}
	close(hangs)
	r.answers(nil)
	soon(t, "all are posted", func() bool { n, _, _ := db.Count(t.Context()); return n == 0 })
	for _, u := range []chat.UserID{"bad", "slow"} {
		if ids := r.took(u); len(ids) != 3 || !slices.IsSorted(ids) {
			t.Errorf("%s: %v", u, ids)
		}
	}
	if list, _, err := p.Hooks(t.Context(), true, "", 10); err != nil || len(list) > 0 {
		t.Errorf("given up: %v, %v", list, err)
	}
}

// What fails for long is given up, and what comes after it is posted; it can be
// tried anew.
func TestHooksAreGivenUpAndTriedAnew(t *testing.T) {
	db, r := &outbox{}, newReceiver(t)
	r.answers(func(h event, w http.ResponseWriter) bool {
		if h.ID == "bob-000" {
			w.Header().Set("Location", "/elsewhere") // not followed
			w.WriteHeader(http.StatusTemporaryRedirect)
			return true
		}
		return false
	})
	db.put("bob", 2)
	p, _ := posts(t, db, r, hasty)
	soon(t, "the second is posted", func() bool { return len(r.took("bob")) == 1 })
	dead, next, err := p.Hooks(t.Context(), true, "", 10)
	if err != nil || next != "" || len(dead) != 1 || dead[0].ID != "bob-000" || dead[0].Attempts != leastTries || dead[0].Error != "answered 307" {
		t.Fatalf("given up: %+v, %v", dead, err)
	}
	if err := p.Retry(t.Context(), "nothing"); chat.KindOf(err) != chat.NotFound {
		t.Error(err)
	}
	r.answers(nil)
	if err := p.Retry(t.Context(), "bob-000"); err != nil {
		t.Fatal(err)
	}
	soon(t, "it is posted", func() bool { return len(r.took("bob")) == 2 })
	if len(r.others) > 0 {
		t.Errorf("came besides: %v", r.others)
	}
}

// A receiver that is away, hangs and is there again gets everything.
func TestAReceiverComesBack(t *testing.T) {
	db, r := &outbox{}, newReceiver(t)
	for i := range 30 {
		db.put(chat.UserID(fmt.Sprint("u", i)), 2)
	}
	hangs := make(chan struct{})
	r.answers(func(_ event, w http.ResponseWriter) bool { <-hangs; return true })
	posts(t, db, r, Timing{Look: time.Millisecond, Within: 5 * time.Millisecond, First: time.Millisecond, Most: 4 * time.Millisecond, Lease: time.Minute})
	soon(t, "some have failed", func() bool {
		db.mu.Lock()
		defer db.mu.Unlock()
		return slices.ContainsFunc(db.hooks, func(h chat.Hook) bool { return h.Error == "no answer within 5ms" })
	})
	r.answers(func(_ event, w http.ResponseWriter) bool {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			conn.Close()
		}
		return true
	})
	close(hangs)
	soon(t, "some have failed otherwise", func() bool {
		db.mu.Lock()
		defer db.mu.Unlock()
		return slices.ContainsFunc(db.hooks, func(h chat.Hook) bool { return strings.Contains(h.Error, "EOF") || strings.Contains(h.Error, "reset") })
	})
	r.answers(func(event, http.ResponseWriter) bool { return false })
	soon(t, "all are posted", func() bool { n, _, _ := db.Count(t.Context()); return n == 0 })
	if r.came < 60 {
		t.Errorf("%d came", r.came)
	}
}

// Without the lease nothing is posted.
func TestOnlyTheHolderPosts(t *testing.T) {
	db, r := &outbox{holder: "another"}, newReceiver(t)
	db.put("bob", 1)
	if p := New(db, Options{Holder: "me"}); p.hold(t.Context()) {
		t.Error("it holds what another has")
	}
	posts(t, db, r, hasty)
	db.mu.Lock()
	db.holder = ""
	db.mu.Unlock()
	soon(t, "it is posted", func() bool { return len(r.took("bob")) == 1 })
}

// A receiver that answers nobody is left alone for longer and longer, and then
// tried with one.
func TestAReceiverThatAnswersNobodyIsLeftAlone(t *testing.T) {
	now := time.Now()
	p := newPause(time.Second)
	for i := range pauseAfter - 1 {
		for range 3 {
			p.failed(chat.UserID(fmt.Sprint(i)), now)
		}
	}
	if n := p.allows(now, 2); n != workers-2 {
		t.Errorf("a few users have trouble, and %d may begin", n)
	}
	var last time.Duration
	for range 10 {
		for i := range pauseAfter { // those on their way fail too, and count once
			p.failed(chat.UserID(fmt.Sprint(i)), now)
		}
		wait := p.until.Sub(now)
		if wait < last/2 || wait > pauseMost || p.allows(now, 0) != 0 {
			t.Errorf("a pause of %v follows one of %v", wait, last)
		}
		last, now = wait, p.until
		if p.allows(now, 0) != 1 || p.allows(now, 1) != 0 {
			t.Error("after a pause it is to be tried with one")
		}
	}
	if last < pauseMost/2 {
		t.Errorf("the last pause is %v", last)
	}
	if p.over(); p.allows(now, 0) != workers {
		t.Error("it is back, and not all may begin")
	}
}

func TestPausesDouble(t *testing.T) {
	for failures, most := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second} {
		if wait := backoff(time.Second, 10*time.Minute, failures); wait < most/2 || wait > most {
			t.Errorf("after %d: %v", failures, wait)
		}
	}
	for _, failures := range []int{20, 1000} {
		if wait := backoff(time.Second, 10*time.Minute, failures); wait < 5*time.Minute || wait > 10*time.Minute {
			t.Errorf("after %d: %v", failures, wait)
		}
	}
}
