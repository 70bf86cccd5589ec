package bench

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tieline/tieline/pkg/client"
)

const (
	idleConns   = 64 // without a file of users
	idleDialers = 64 // connects under way at once
)

// idle measures connecting, and what connections cost that do nothing.
func (r *run) idle(ctx context.Context) ([]Result, error) {
	n := r.o.Conns
	if n <= 0 {
		n = idleConns
		if have := r.pool.size(); have > 0 {
			n = have
		}
	}
	accounts, err := r.pool.take(ctx, r, n)
	if err != nil {
		return nil, err
	}
	if err := r.catchUp(ctx, accounts); err != nil {
		return nil, err
	}
	c := &crowd{r: r, sockets: make([]*client.Raw, n)}
	defer c.close()
	empty := residentOf(r.o.Processes)
	step := r.bar.count("connecting", n)
	begun, m := time.Now(), startMeter(r.o.Processes)
	err = each(ctx, n, idleDialers, func(ctx context.Context, i int) error {
		at := time.Now()
		if err := c.open(ctx, i, &accounts[i]); err != nil {
			return err
		}
		c.took.add(int64(time.Since(at)))
		step.at(int(c.opened.Add(1)))
		return nil
	})
	took := time.Since(begun)
	cpu := m.stop(int64(n))
	step.end()
	if err != nil {
		return nil, err
	}
	res := Result{Scenario: "idle", Seconds: took.Seconds(), CPU: cpu}
	res.Connections = &Connections{Open: n, PerSecond: float64(n) / took.Seconds(), Connect: latencyOf(&c.took), Retried: c.retried.Load()}
	err = c.watch(ctx, res.Connections, empty)
	return []Result{res}, err
}

// catchUp has everybody connect once, so that connecting is measured without
// what is left from other scenarios and earlier runs.
func (r *run) catchUp(ctx context.Context, accounts []account) error {
	step := r.bar.count("catching up", len(accounts))
	defer step.end()
	var done, retried atomic.Int64
	return each(ctx, len(accounts), idleDialers, func(ctx context.Context, i int) error {
		s, err := open(ctx, r.o.URLs[i%len(r.o.URLs)], &accounts[i], idleBuffer, &retried)
		if err == nil {
			s.Close()
			step.at(int(done.Add(1)))
		}
		return err
	})
}

// crowd is many sockets that only answer pings.
type crowd struct {
	r       *run
	sockets []*client.Raw
	readers sync.WaitGroup
	closing atomic.Bool
	took    histogram

	opened, retried, dropped atomic.Int64
}

func (c *crowd) open(ctx context.Context, i int, a *account) error {
	s, err := open(ctx, c.r.o.URLs[i%len(c.r.o.URLs)], a, idleBuffer, &c.retried)
	if err != nil {
		return err
	}
	c.sockets[i] = s
	c.readers.Go(func() {
		loop(s, func([]byte) {})
		if !c.closing.Load() {
			c.dropped.Add(1)
		}
	})
	return nil
}

// watch reads what the connections cost while nothing happens.
func (c *crowd) watch(ctx context.Context, out *Connections, empty int64) error {
	step := c.r.bar.window("idle", c.r.o.Duration)
	begun, m := time.Now(), startMeter(c.r.o.Processes)
	err := c.r.wait(ctx, c.r.o.Duration)
	out.IdleSeconds, out.IdleCPU = time.Since(begun).Seconds(), m.stop(0)
	step.end()
	out.Dropped = c.dropped.Load()
	if len(c.r.o.Processes) > 0 {
		out.ResidentBytes = residentOf(c.r.o.Processes)
		out.KiBPer = float64(out.ResidentBytes-empty) / 1024 / float64(out.Open)
	}
	return err
}

func (c *crowd) close() {
	c.closing.Store(true)
	for _, s := range c.sockets {
		if s != nil {
			s.Close()
		}
	}
	c.readers.Wait()
}
