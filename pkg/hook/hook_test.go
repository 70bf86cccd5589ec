package hook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

const secret = "a secret of the receiver's"

// outbox keeps hooks in memory, in the order of their ids.
type outbox struct {
	mu     sync.Mutex
	hooks  []chat.Hook
	holder string
}

func (o *outbox) put(user chat.UserID, n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for range n {
		h := newHook(fmt.Sprintf("%s-%03d", user, len(o.hooks)), user, chat.MessageOffline, time.Now(), map[string]string{"text": "漢"})
		o.hooks = append(o.hooks, h)
	}
}

func (o *outbox) Hold(_ context.Context, holder string, _, _ time.Time) (bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.holder == "" {
		o.holder = holder
	}
	return o.holder == holder, nil
}

func (o *outbox) Due(_ context.Context, now time.Time, limit int) (due []chat.Hook, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	first := map[chat.UserID]bool{}
	for _, h := range o.hooks {
		if h.DueAt.IsZero() || first[h.User] {
			continue
		}
		first[h.User] = true
		if !h.DueAt.After(now) && len(due) < limit {
			due = append(due, h)
		}
	}
	return due, nil
}

func (o *outbox) Posted(_ context.Context, id string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.hooks = slices.DeleteFunc(o.hooks, func(h chat.Hook) bool { return h.ID == id })
	return nil
}

func (o *outbox) Failed(_ context.Context, id string, due time.Time, attempts int, why string) error {
	return o.change(id, func(h *chat.Hook) { h.DueAt, h.Attempts, h.Error = due, attempts, why })
}

func (o *outbox) Retry(_ context.Context, id string, due time.Time) error {
	return o.change(id, func(h *chat.Hook) { h.DueAt, h.Attempts = due, 0 })
}

func (o *outbox) change(id string, how func(*chat.Hook)) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range o.hooks {
		if o.hooks[i].ID == id {
			how(&o.hooks[i])
			return nil
		}
	}
	return chat.E("outbox", chat.NotFound, nil)
}

func (o *outbox) Count(context.Context) (waiting, dead int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, h := range o.hooks {
		if h.DueAt.IsZero() {
			dead++
		}
	}
	return len(o.hooks) - dead, dead, nil
}

func (o *outbox) List(_ context.Context, dead bool, _ string, limit int) (list []chat.Hook, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, h := range slices.Backward(o.hooks) {
		if h.DueAt.IsZero() == dead && len(list) < limit {
			list = append(list, h)
		}
	}
	return list, nil
}

// receiver is a program of an operator's. It answers as a test says, 204 else,
// and remembers what it took.
type receiver struct {
	*httptest.Server
	t      *testing.T
	answer func(h event, w http.ResponseWriter) bool // false: as usual

	mu     sync.Mutex
	taken  []string // ids
	came   int
	others []string // what was asked for besides "POST /hooks"
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{t: t}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	var e event
	if err == nil {
		err = json.Unmarshal(body, &e)
	}
	if err != nil || e.ID != req.Header.Get("Tieline-Id") || e.Name == "" || e.At.IsZero() || e.Data == nil {
		r.t.Errorf("%v: %s", err, body)
	}
	if !genuine(req.Header.Get("Tieline-Signature"), body) {
		r.t.Errorf("the signature is %s", req.Header.Get("Tieline-Signature"))
	}
	r.mu.Lock()
	r.came++
	if what := req.Method + " " + req.URL.Path; what != "POST /hooks" {
		r.others = append(r.others, what)
	}
	answer := r.answer
	r.mu.Unlock()
	if answer != nil && answer(e, w) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken = append(r.taken, e.ID)
	w.WriteHeader(http.StatusNoContent)
}

// genuine checks a signature as a receiver does, by what the documents say.
func genuine(header string, body []byte) bool {
	var at int64
	var theirs string
	if n, err := fmt.Sscanf(header, "t=%d,v1=%s", &at, &theirs); n != 2 || err != nil || time.Since(time.Unix(at, 0)) > 5*time.Minute {
		return false
	}
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.%s", at, body)
	ours := hex.EncodeToString(mac.Sum(nil))
	return hmac.Equal([]byte(ours), []byte(theirs))
}

// answers has the receiver answer otherwise from now on.
func (r *receiver) answers(f func(h event, w http.ResponseWriter) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = f
}

// took are the ids of a user's that were taken, in that order.
func (r *receiver) took(user chat.UserID) (ids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range r.taken {
		if strings.HasPrefix(id, string(user)+"-") {
			ids = append(ids, id)
		}
	}
	return ids
}

// hasty is a Timing for tests.
var hasty = Timing{Look: time.Millisecond, Within: time.Second, First: time.Millisecond, Most: 4 * time.Millisecond, Keep: -1, Lease: time.Minute}

// posts runs a Poster until the test ends.
func posts(t *testing.T, db Outbox, r *receiver, timing Timing) (*Poster, *bytes.Buffer) {
	var log bytes.Buffer
	p := New(db, Options{
		URL: r.URL + "/hooks", Secret: secret, Holder: "me", Timing: timing,
		Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := p.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		wg.Wait()
		for _, hidden := range []string{secret, "漢", r.URL} {
			if strings.Contains(log.String(), hidden) {
				t.Errorf("the log has %q:\n%s", hidden, log.String())
			}
		}
	})
	return p, &log
}

// soon waits until something is so.
func soon(t *testing.T, what string, so func() bool) {
	t.Helper()
	late := time.After(20 * time.Second)
	for tick := time.NewTicker(2 * time.Millisecond); !so(); {
		select {
		case <-tick.C:
		case <-late:
			t.Fatal("not in time:", what)
		}
	}
}

func (o *outbox) count(of chat.UserID, dead bool) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, h := range o.hooks {
		if h.User == of && h.DueAt.IsZero() == dead {
			n++
		}
	}
	return n
}

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
