//go:build chaos

package main_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// probe asks every node for its health, as a balancer does, and keeps what the
// nodes say.
type probe struct {
	s     *story
	stop  func()
	asked atomic.Int64 // how often /readyz was

	mu     sync.Mutex
	states map[*node][]state // what differs from the one before
	last   map[*node]state
	// stall is the longest that /healthz took, which asks for nothing but a turn: so
	// long the machine may keep anything waiting.
	stall time.Duration
}

// state is what a node said of itself.
type state struct {
	at, by   time.Time // when it was asked, and had answered
	ready    bool
	away     bool // Redis is
	other    string
	statuses [2]int // of /readyz and /healthz
}

// probeEvery is how often each node is asked.
const probeEvery = 100 * time.Millisecond

func (s state) well() bool {
	return s.ready && !s.away && s.other == "" && s.statuses == [2]int{http.StatusOK, http.StatusOK}
}

// sameAs says whether nothing has changed but the times.
func (s state) sameAs(o state) bool { s.at, s.by = o.at, o.by; return s == o }

func (s *story) startProbe() *probe {
	p := &probe{s: s, states: map[*node][]state{}, last: map[*node]state{}}
	ctx, cancel := context.WithCancel(context.Background())
	var asking sync.WaitGroup
	for _, n := range s.nodes {
		asking.Go(func() { p.follow(ctx, n) })
	}
	p.stop = func() { cancel(); asking.Wait() }
	return p
}

// follow asks one node until ctx ends.
func (p *probe) follow(ctx context.Context, n *node) {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := p.ask(ctx, n)
		if ctx.Err() != nil {
			return
		}
		p.mu.Lock()
		if had := p.states[n]; len(had) == 0 || !had[len(had)-1].sameAs(now) {
			p.states[n] = append(had, now)
		}
		p.last[n] = now
		p.mu.Unlock()
	}
}

func (p *probe) ask(ctx context.Context, n *node) (s state) {
	s.at = time.Now()
	p.asked.Add(1)
	var said struct {
		Ready    bool
		Degraded []string
	}
	s.statuses[0] = answerOf(ctx, n.URL()+"/readyz", &said)
	answered := time.Now()
	s.statuses[1] = answerOf(ctx, n.URL()+"/healthz", nil)
	s.by, s.ready = time.Now(), said.Ready
	p.mu.Lock()
	p.stall = max(p.stall, s.by.Sub(answered))
	p.mu.Unlock()
	for _, part := range said.Degraded {
		if part == "redis" {
			s.away = true
		} else {
			s.other += part
		}
	}
	return s
}

// answerOf reads a page of JSON and returns its status; 0 when there was no answer
// in time.
func answerOf(ctx context.Context, url string, into any) int {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	if into != nil && json.NewDecoder(resp.Body).Decode(into) != nil {
		return 0
	}
	return resp.StatusCode
}

func (p *probe) newest(n *node) state {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last[n]
}

func (p *probe) stalled() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stall
}

// check says whether the nodes told the truth during a trial: always alive,
// ready (unless deaf), and nothing away but Redis, on the nodes where it was,
// once, and until it was back.
func (p *probe) check(r *trial) {
	r.t.Helper()
	for _, n := range p.s.nodes {
		far, wentAway := slices.Contains(r.far, n), 0
		for i, s := range p.states[n] {
			r.t.Logf("%s, %6v after it began: ready=%v redis=%v other=%q %v", n.id, s.at.Sub(r.struck).Round(time.Millisecond), s.ready, !s.away, s.other, s.statuses)
			if r.deaf && !s.ready && !s.away && s.other == "" && s.statuses == [2]int{http.StatusServiceUnavailable, http.StatusOK} {
				continue
			}
			if !s.ready || s.other != "" || s.statuses != [2]int{http.StatusOK, http.StatusOK} {
				r.t.Errorf("%s is not ready, or not all well: %+v", n.id, s)
			}
			if s.away {
				wentAway++
			}
			if far && s.well() && i > 0 && s.by.Before(r.returns) && s.at.After(r.struck) {
				r.t.Errorf("%s says that Redis is there %v before it is", n.id, r.returns.Sub(s.by))
			}
		}
		if far && wentAway != 1 {
			r.t.Errorf("%s said %d times that Redis is away, and it was once", n.id, wentAway)
		}
		if s := p.last[n]; !s.well() {
			r.t.Errorf("in the end %s says %+v", n.id, s)
		}
	}
}
