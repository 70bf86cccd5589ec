package bench

import (
	"context"
	"sync"
	"time"
)

const (
	connectAtOnce = 16                     // sockets being opened at a time
	refill        = 100 * time.Millisecond // until a refused message is replaced
	quietFor      = 5 * time.Second        // without anything arriving: what is missing is lost
	warmUp        = 2 * time.Second        // at most, before measuring
)

// dm measures direct messages: first paced, then saturated.
func (r *run) dm(ctx context.Context) ([]Result, error) {
	n, rate := r.dmSize()
	accounts, err := r.pool.take(ctx, r, 2*n)
	if err != nil {
		return nil, err
	}
	var results []Result
	for _, p := range []*part{{name: "dm paced", rate: rate}, {name: "dm saturated", window: r.o.Window}} {
		res, err := r.direct(ctx, p, accounts)
		if err != nil {
			return results, err
		}
		results = append(results, res)
	}
	return results, nil
}

// dmSize is how many pairs there are, and the paced rate. People who signed up
// stay below what the server allows each by default.
func (r *run) dmSize() (pairs, rate int) {
	pairs, rate = r.o.Pairs, r.o.Rate
	given := r.pool.size()
	if pairs <= 0 {
		pairs = 16
		if given > 0 {
			pairs = max(1, min(64, given/2))
		}
	}
	if rate <= 0 {
		rate = defaultRate
		if given == 0 {
			rate = min(rate, pairs*15)
		}
	}
	return pairs, rate
}

// direct runs one part, on sockets of its own.
func (r *run) direct(ctx context.Context, p *part, accounts []account) (Result, error) {
	p.id = newPartID()
	pairs, err := r.openPairs(ctx, p, accounts)
	if err != nil {
		return Result{}, err
	}
	defer closePairs(pairs)
	warm := min(warmUp, r.o.Duration/4)
	step := r.bar.window(p.name, warm+r.o.Duration)
	p.sending.Store(true)
	var senders sync.WaitGroup
	senders.Go(func() { p.drive(ctx, r, pairs) })
	err = r.wait(ctx, warm)
	begun, m := r.now(), startMeter(r.o.Processes)
	p.to.Store(begun + int64(r.o.Duration))
	p.from.Store(begun)
	if err == nil {
		err = r.wait(ctx, r.o.Duration)
	}
	window := time.Duration(r.now() - begun)
	arrived := p.counted.Load()
	cpu := m.stop(arrived)
	p.sending.Store(false)
	senders.Wait()
	step.end()
	p.quiet(ctx, r)
	closePairs(pairs)
	res := Result{Scenario: p.name, Seconds: window.Seconds(), CPU: cpu, Messages: p.messages(pairs)}
	res.Messages.Body, res.Messages.PerSecond = r.o.Body, float64(arrived)/window.Seconds()
	if res.Messages.Codes["rate_limited"] > 0 {
		res.Note = "messages were refused: are the server's limits (TIELINE_LIMIT_SENDS) meant to hold here?"
	}
	return res, err
}

// drive sends until sending ends: at the rate, or keeping the windows full.
func (p *part) drive(ctx context.Context, r *run, pairs []*pair) {
	if p.rate > 0 {
		p.pace(ctx, r, pairs)
		return
	}
	for _, x := range pairs {
		for range p.window {
			x.send(r.now())
		}
	}
	tick := time.NewTicker(refill)
	defer tick.Stop()
	for p.sending.Load() && ctx.Err() == nil {
		<-tick.C
		for _, x := range pairs {
			for range x.owed.Swap(0) {
				x.send(r.now())
			}
		}
	}
}

// pace sends at a fixed rate. What comes late, because the pacer was held up, is
// sent all the same, and its latency counts from when it was due.
func (p *part) pace(ctx context.Context, r *run, pairs []*pair) {
	gap := int64(time.Second) / int64(p.rate)
	due := r.now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	for i := 0; p.sending.Load() && ctx.Err() == nil; {
		for now := r.now(); due <= now; due += gap {
			pairs[i%len(pairs)].send(due)
			i++
		}
		if wait := due - r.now(); wait > 0 {
			timer.Reset(time.Duration(wait))
			<-timer.C
		}
	}
}

// quiet waits until everything sent is answered and delivered, or nothing has
// arrived for a while.
func (p *part) quiet(ctx context.Context, r *run) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	p.moved.Store(r.now())
	for ctx.Err() == nil && time.Duration(r.now()-p.moved.Load()) < quietFor {
		if p.acked.Load()+p.refused.Load() >= p.sent.Load() && p.delivered.Load() >= p.acked.Load() {
			return
		}
		<-tick.C
	}
}

// messages sums up; the readers of the pairs have ended.
func (p *part) messages(pairs []*pair) *Messages {
	m := &Messages{
		Pairs: len(pairs), Rate: p.rate, Window: p.window, Delivery: latencyOf(&p.delivery), Ack: latencyOf(&p.ack),
		Sent: p.sent.Load(), Acked: p.acked.Load(), NotLive: p.notLive.Load(), Refused: p.refused.Load(),
		Delivered: p.delivered.Load(), Twice: p.twice.Load(), Overtaken: p.overtaken.Load(), Dropped: p.dropped.Load(), Codes: p.codes,
	}
	for _, x := range pairs {
		m.Lost += x.acked.without(x.got)
	}
	return m
}
