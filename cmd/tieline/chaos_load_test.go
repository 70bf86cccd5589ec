//go:build chaos

package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// load is people who speak all the time, each insisting on everything said until
// it is acknowledged: some over bare sockets, some with the SDK, some over HTTP.
// What is said is heard by the crowd.
type load struct {
	t     *testing.T
	s     *story
	crowd *crowd
	ctx   context.Context // of every single thing said

	quiet    chan struct{} // closed when nothing new is said
	hush     func()        // closes it
	talk     sync.WaitGroup
	sent     atomic.Int64
	mu       sync.Mutex
	statuses map[int]int // what HTTP answered
}

// What a load consists of, and how often each of them speaks.
const (
	bareSpeakers, bareEvery = 8, 40 * time.Millisecond
	sdkSpeakers, sdkEvery   = 4, 40 * time.Millisecond
	httpSpeakers, httpEvery = 2, 100 * time.Millisecond
)

// padding makes what is said longer, so that tables grow.
var padding = strings.Repeat(" and so on", 60)

// Load begins to speak, and returns when everybody is heard.
func (s *story) Load(t *testing.T) *load {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	present, leave := context.WithCancel(ctx)
	l := &load{t: t, s: s, crowd: s.Crowd("load", bareSpeakers), ctx: ctx, quiet: make(chan struct{}), statuses: map[int]int{}}
	l.hush = sync.OnceFunc(func() { close(l.quiet) })
	var there sync.WaitGroup
	for i, m := range l.crowd.members {
		there.Go(func() { m.attend(present, s.urls(), i) })
	}
	t.Cleanup(func() { l.hush(); leave(); cancel(); l.talk.Wait(); there.Wait() })
	eventually(t, startup, "all are connected", l.crowd.allOnline)
	for i, m := range l.crowd.members {
		l.talk.Go(func() {
			l.every(bareEvery, func(n int) { m.say(ctx, l.to(i, n), l.text(m, n)) })
		})
	}
	others := s.Crowd("other", sdkSpeakers+httpSpeakers).members
	for i, m := range others[:sdkSpeakers] {
		l.talk.Go(func() { l.speakBySDK(m, i) })
	}
	for i, m := range others[sdkSpeakers:] {
		l.talk.Go(func() { l.speakByHTTP(m, i) })
	}
	l.Flows()
	return l
}

// to is whom a speaker speaks to: three people in turn.
func (l *load) to(i, n int) *member {
	return l.crowd.members[(i+1+n%3)%len(l.crowd.members)]
}

func (l *load) text(m *member, n int) string {
	l.sent.Add(1)
	return fmt.Sprint(m.name, " says ", n, padding)
}

// every calls do at a pace until the load is to be quiet.
func (l *load) every(pace time.Duration, do func(n int)) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-l.quiet:
			return
		case <-tick.C:
			do(n)
		}
	}
}

func (l *load) speakBySDK(m *member, i int) {
	urls := l.s.urls()
	c, err := client.Dial(l.ctx, client.Options{
		URLs: append(urls[i%len(urls):], urls[:i%len(urls)]...), AccessToken: m.token, Device: m.device, Backoff: client.Backoff{Min: 50 * time.Millisecond, Max: time.Second},
	})
	if err != nil {
		l.t.Errorf("%s: %v", m.name, err)
		return
	}
	defer c.Close()
	var waits sync.WaitGroup
	l.every(sdkEvery, func(n int) {
		to, text := l.to(i, n), l.text(m, n)
		one, err := c.Queue(l.ctx, chat.NewID(), chat.Target{User: to.user}, chat.Draft{Kind: chat.Text, Text: text})
		if err != nil {
			l.t.Errorf("%s: %v", m.name, err)
			return
		}
		waits.Go(func() {
			ack, err := one.Wait(l.ctx)
			if err != nil {
				l.t.Errorf("the SDK of %s gave up: %v", m.name, err)
				return
			}
			l.crowd.noteSaid(text, &saying{by: m, to: []*member{to}, at: seat{ack.Conversation, ack.Seq}, ack: time.Now()})
		})
	})
	waits.Wait()
}

func (l *load) speakByHTTP(m *member, i int) {
	to := l.crowd.members[i]
	var at struct{ ID chat.ConversationID }
	if !l.insist(m, i, "/api/v1/conversations/direct", map[string]any{"user": to.user}, &at) {
		return
	}
	l.every(httpEvery, func(n int) {
		text := l.text(m, n)
		body := map[string]any{"id": chat.NewID(), "message": wire.Draft{Kind: chat.Text, Text: text}}
		var ack struct {
			Conversation chat.ConversationID
			Seq          int64
		}
		if l.insist(m, i, "/api/v1/conversations/"+string(at.ID)+"/messages", body, &ack) {
			l.crowd.noteSaid(text, &saying{by: m, to: []*member{to}, at: seat{ack.Conversation, ack.Seq}, ack: time.Now()})
		}
	})
}

// insist posts the same until it is done, always to one node: what somebody says by
// way of several arrives in no order.
func (l *load) insist(m *member, node int, path string, body, into any) bool {
	text, err := json.Marshal(body)
	if err != nil {
		l.t.Error(err)
	}
	for l.ctx.Err() == nil {
		done, err := l.post(l.s.nodes[node%len(l.s.nodes)].URL()+path, m.token, text, into)
		if done || err != nil {
			if err != nil {
				l.t.Errorf("POST %s: %v", path, err)
			}
			return err == nil
		}
		<-time.After(100 * time.Millisecond) // as a client paces itself; the context bounds it
	}
	l.t.Errorf("POST %s is never done", path)
	return false
}

// post asks once; false: it is to be asked again. An error is what may not be.
func (l *load) post(url, token string, body []byte, into any) (bool, error) {
	req, err := http.NewRequestWithContext(l.ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		return false, err
	}
	l.mu.Lock()
	l.statuses[resp.StatusCode]++
	l.mu.Unlock()
	switch {
	case resp.StatusCode/100 == 2:
		return true, json.Unmarshal(got, into)
	case resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "":
		return false, nil
	}
	return false, fmt.Errorf("%s, Retry-After %q: %s", resp.Status, resp.Header.Get("Retry-After"), got)
}

// Flows waits until another hundred things said are acknowledged.
func (l *load) Flows() {
	l.t.Helper()
	more := l.crowd.count() + 100
	eventually(l.t, startup, "what is said is acknowledged", func() bool { return l.crowd.count() >= more })
}

// IsRefused waits until so many more sends were refused for now.
func (l *load) IsRefused(more int) {
	l.t.Helper()
	more += l.refusals()
	eventually(l.t, startup, "sends are refused", func() bool { return l.refusals() >= more })
}

func (l *load) refusals() (n int) {
	l.crowd.mu.Lock()
	for _, some := range l.crowd.refused {
		n += some
	}
	l.crowd.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	return n + l.statuses[http.StatusServiceUnavailable]
}

// Ends says nothing new, and returns when everything said was acknowledged and
// heard.
func (l *load) Ends() {
	l.t.Helper()
	l.hush()
	l.talk.Wait()
	l.crowd.AllHeard(30 * time.Second)
	l.crowd.mu.Lock()
	defer l.crowd.mu.Unlock()
	for code, n := range l.crowd.refused {
		if code != chat.Unavailable {
			l.t.Errorf("%d sends were refused with %s", n, code)
		}
	}
	for e, n := range l.crowd.endings {
		l.t.Errorf("%d sockets ended: %+v", n, e)
	}
}
