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

func (o *outbox) Forget(context.Context, time.Time) error { return nil }

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
