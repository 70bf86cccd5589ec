// Package bench drives load at any set of nodes and measures what comes out.
//
// The scenario "dm" has pairs of people write to each other across the nodes:
// senders on the first URL, receivers on the last. It runs twice: paced at a
// fixed rate, where latency counts from the time a message was meant to be sent,
// so that a stall is paid for by everything it held up; then saturated, with a
// fixed number of messages of each pair under way. The scenario "idle" opens
// connections as fast as the nodes take them, and then watches them do nothing.
//
// The load side is cheap on purpose, since it often shares the machine with what
// it measures: frames are put together from prepared parts, and of what arrives
// only a mark inside the text is looked for.
package bench

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Options says what to drive at whom. Zero values take the default named.
type Options struct {
	URLs      []string      // of the nodes
	Scenarios []string      // "dm", "idle"; default: dm
	Duration  time.Duration // of each measured window; default: 10 s
	Users     string        // a file of JSON lines as "tieline token" prints them; default: signs up its own
	Pairs     int           // dm: senders, and as many receivers; default: 16, or up to 64 of Users
	Rate      int           // dm, paced: messages a second over all pairs; default: 1,000, or what is allowed to people who signed up
	Window    int           // dm, saturated: messages of one pair under way; default: 16
	Body      int           // dm: bytes of a message's text; default: 200, at least 40
	Conns     int           // idle: connections; default: as many as Users has, or 64
	Processes []Process     // whose CPU and memory to read; must be on this machine
	Progress  io.Writer     // for a progress bar; nil, or no terminal: none
}

// Scenarios are the names that Options.Scenarios may hold.
var Scenarios = []string{"dm", "room", "idle"}

// defaultRate keeps accounts of ordinary people below the 20 sends a second that
// TIELINE_LIMIT_SENDS allows each by default.
const defaultRate = 1000

func (o *Options) complete() error {
	if len(o.URLs) == 0 {
		return fmt.Errorf("bench: no URL of a node")
	}
	if len(o.Scenarios) == 0 {
		o.Scenarios = []string{"dm"}
	}
	for _, s := range o.Scenarios {
		switch {
		case s == "room":
			return fmt.Errorf("bench: the scenario room is not there yet: dm and idle are")
		case !slices.Contains(Scenarios, s):
			return fmt.Errorf("bench: no scenario %q: there are %s", s, strings.Join(Scenarios, ", "))
		}
	}
	fallback(&o.Duration, 10*time.Second)
	fallback(&o.Window, 16)
	fallback(&o.Body, 200)
	if o.Body < stampLen {
		return fmt.Errorf("bench: a body has at least %d bytes", stampLen)
	}
	return nil
}

func fallback[T int | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// run is one call of Run: what its scenarios share.
type run struct {
	o     Options
	pool  *pool
	bar   *bar
	clock time.Time
}

// now is in nanoseconds since the run began.
func (r *run) now() int64 { return int64(time.Since(r.clock)) }

// Run drives the scenarios one after the other and reports what they measured.
// It returns early with an error when ctx ends or when there is nothing to
// measure: no node, no accounts, no connection.
func Run(ctx context.Context, o Options) (Report, error) {
	report := Report{At: time.Now().UTC(), URLs: o.URLs}
	if err := o.complete(); err != nil {
		return report, err
	}
	p, err := openPool(o)
	if err != nil {
		return report, err
	}
	r := &run{o: o, pool: p, bar: newBar(o), clock: time.Now()}
	for _, s := range o.Scenarios {
		scenario := map[string]func(context.Context) ([]Result, error){"dm": r.dm, "idle": r.idle}[s]
		results, err := scenario(ctx)
		report.Results = append(report.Results, results...)
		if err != nil {
			return report, fmt.Errorf("bench: %s: %w", s, err)
		}
	}
	return report, nil
}

// wait lets a window pass.
func (r *run) wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
