package cluster

import (
	"context"
	"sync"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// Limits are the rates that all nodes hold together. A node takes a small
// allowance at a time from the shared bucket and grants from that, so that most
// operations ask nobody; while Redis is away it keeps the rate by itself.
type Limits struct {
	c     *Cluster
	count func(chat.Operation)   // told of each refusal; nil: nobody is
	rates map[chat.Operation]int // a second; 0 or absent: no limit

	mu         sync.Mutex
	allowances map[string]*allowance
}

// allowance is what a node may grant to one user or address without asking.
type allowance struct {
	mu      sync.Mutex // held while Redis is asked, so that one asks for all
	left    int
	until   time.Time // when what is left goes back: it was not needed
	refused time.Time // nothing before this
	local   float64   // the bucket of the time without Redis
	filled  time.Time
}

const (
	allowanceTime = time.Second
	burstSeconds  = 2 // bursts of twice the rate
	maxAllowances = 100_000
)

// NewLimits returns limits at these rates a second, with bursts of twice as many.
// Refused, which may be nil, is told of each refusal.
func NewLimits(c *Cluster, rates map[chat.Operation]int, refused func(chat.Operation)) *Limits {
	return &Limits{c: c, rates: rates, count: refused, allowances: map[string]*allowance{}}
}

// Allow returns nil if who may do this once more now, else a RateLimited error
// that says when.
func (l *Limits) Allow(ctx context.Context, op chat.Operation, who string) error {
	rate := l.rates[op]
	if rate <= 0 || who == "" {
		return nil
	}
	a := l.of(string(op) + " " + who)
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	switch {
	case now.Before(a.refused):
	case a.left > 0 && now.Before(a.until):
		a.left--
		return nil
	case !l.c.Up() || l.ask(ctx, a, op, who, rate) != nil:
		if a.grantAlone(now, rate) {
			return nil
		}
	case a.left > 0:
		a.left--
		return nil
	}
	if l.count != nil {
		l.count(op)
	}
	return &chat.Error{Kind: chat.RateLimited, Op: "cluster.limit", Retry: max(a.refused.Sub(now), time.Millisecond)}
}

func (l *Limits) of(key string) *allowance {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.allowances[key]
	if a == nil {
		if len(l.allowances) >= maxAllowances {
			clear(l.allowances) // the shared buckets remember
		}
		a = &allowance{}
		l.allowances[key] = a
	}
	return a
}

// ask takes a quarter of a second's worth from the shared bucket.
func (l *Limits) ask(ctx context.Context, a *allowance, op chat.Operation, who string, rate int) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	k := &call{script: limitScript, keys: []string{keyLimit(op, who)}, args: []any{rate, burstSeconds * rate, max(rate/4, 1)}}
	if err := pipeline(ctx, l.c.r.c, []*call{k}); err != nil {
		return l.c.unwell("limit", err)
	}
	reply, _ := k.cmd.Val().([]any)
	if len(reply) != 2 {
		return errEnvelope
	}
	now := time.Now()
	a.left, a.until = int(number(reply[0])), now.Add(allowanceTime)
	if a.left == 0 {
		a.refused = now.Add(time.Duration(number(reply[1])) * time.Millisecond)
	}
	return nil
}

// grantAlone keeps the rate on this node alone.
func (a *allowance) grantAlone(now time.Time, rate int) bool {
	if a.filled.IsZero() {
		a.local = float64(burstSeconds * rate)
	} else {
		a.local = min(a.local+now.Sub(a.filled).Seconds()*float64(rate), float64(burstSeconds*rate))
	}
	a.filled = now
	if a.local < 1 {
		a.refused = now.Add(time.Duration((1 - a.local) / float64(rate) * float64(time.Second)))
		return false
	}
	a.local--
	return true
}
