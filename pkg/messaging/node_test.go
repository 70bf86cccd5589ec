package messaging

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// node is a running Messenger called "me", and the answers that its senders had.
type node struct {
	*Messenger
	t    testing.TB
	a    *archive
	c    *courier
	stop func() // ends it and waits

	mu      sync.Mutex
	answers map[string][]string // client id: how it was answered, and when
	asked   map[string]time.Time
}

// alone runs a test with one node under a clock of its own.
func alone(t *testing.T, test func(t *testing.T, n *node)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, newArchive(), newCourier(t))
		n.start()
		defer n.stop()
		test(t, n)
	})
}

func newNode(t testing.TB, a *archive, c *courier) *node {
	return &node{
		Messenger: New(a, c, Options{Boot: "me", Log: quiet}), t: t, a: a, c: c,
		answers: map[string][]string{}, asked: map[string]time.Time{},
	}
}

func (n *node) start() {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := n.Run(ctx); err != nil {
			n.t.Error(err)
		}
	})
	n.stop = func() { cancel(); wg.Wait() }
}

// ann says something in the lobby under a client id.
func ann(client, text string) Outgoing {
	return Outgoing{
		From: chat.Person{ID: "ann"}, Session: "s1", Device: "d1", ClientID: client,
		To: chat.Target{Room: chat.Lobby}, Draft: chat.Draft{Kind: chat.Text, Text: text},
	}
}

// submit sends what ann says under each of the client ids.
func (n *node) submit(clients ...string) {
	for _, id := range clients {
		n.send(ann(id, "text"))
	}
}

func (n *node) send(o Outgoing) {
	n.mu.Lock()
	n.asked[o.ClientID] = time.Now()
	n.mu.Unlock()
	n.Submit(context.Background(), o, func(s Sent, err error) {
		answer := fmt.Sprint(s.Seq, " live")
		switch {
		case err != nil:
			answer = string(chat.KindOf(err))
		case !s.Live:
			answer = fmt.Sprint(s.Seq, " kept")
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		n.answers[o.ClientID] = append(n.answers[o.ClientID], answer)
		n.asked[o.ClientID+" answered"] = time.Now()
	})
}

// answered shows how client ids were answered: each once, if all is well.
func (n *node) answered(clients ...string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []string
	for _, id := range clients {
		out = append(out, strings.Join(n.answers[id], "+"))
	}
	return strings.Join(out, ", ")
}

// took is how long the answer to a client id took; no answer yet is for ever.
func (n *node) took(client string) time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	if at, ok := n.asked[client+" answered"]; ok {
		return at.Sub(n.asked[client])
	}
	return 1<<63 - 1
}

// wantAnswers fails the test unless client ids were answered so.
func (n *node) wantAnswers(want string, clients ...string) {
	n.t.Helper()
	synctest.Wait()
	if got := n.answered(clients...); got != want {
		n.t.Errorf("%v were answered %q, want %q", clients, got, want)
	}
}

// wantDelivered fails the test unless exactly these were delivered, in order.
func (n *node) wantDelivered(want string) {
	n.t.Helper()
	synctest.Wait()
	if got := n.c.delivered(); got != want {
		n.t.Errorf("delivered is %q, want %q", got, want)
	}
}

// wantWaiting fails the test unless exactly these batches are in the outbox.
func (n *node) wantWaiting(want string) {
	n.t.Helper()
	synctest.Wait()
	if got := n.a.waiting(); got != want {
		n.t.Errorf("in the outbox is %q, want %q", got, want)
	}
}

// forgotten is how long what was delivered may take to leave the outbox.
const forgotten = (forgetAfter + 2) * forgetEvery

// pass lets time go by.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// numbered are client ids.
func numbered(prefix string, many int) []string {
	out := make([]string, many)
	for i := range out {
		out[i] = fmt.Sprint(prefix, i+1)
	}
	return out
}
