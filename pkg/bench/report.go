package bench

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Report is what a run measured; as JSON it is what --json prints.
type Report struct {
	At      time.Time `json:"at"`
	URLs    []string  `json:"urls"`
	Results []Result  `json:"results"`
}

// Result is one scenario, or a part of one. Messages or Connections is set.
type Result struct {
	Scenario    string       `json:"scenario"` // "dm paced", "dm saturated", "idle"
	Seconds     float64      `json:"seconds"`  // of the measured window
	Messages    *Messages    `json:"messages,omitempty"`
	Connections *Connections `json:"connections,omitempty"`
	CPU         []CPU        `json:"cpu"`
	Note        string       `json:"note,omitempty"`
}

// Messages counts what was sent in all of a part, warming up included, but for
// PerSecond and the latencies, which are of the measured window. Latencies count
// from when a message was meant to be sent.
type Messages struct {
	Pairs     int              `json:"pairs"`
	Rate      int              `json:"rate,omitempty"`   // asked for, a second
	Window    int              `json:"window,omitempty"` // messages of a pair under way
	Body      int              `json:"body"`             // bytes
	PerSecond float64          `json:"per_second"`       // delivered
	Delivery  Latency          `json:"delivery"`
	Ack       Latency          `json:"ack"`
	Sent      int64            `json:"sent"`
	Acked     int64            `json:"acked"`
	NotLive   int64            `json:"not_live"`        // acknowledged with live=false
	Refused   int64            `json:"refused"`         // answered with an error
	Codes     map[string]int64 `json:"codes,omitempty"` // of them by code
	Delivered int64            `json:"delivered"`       // each counted once
	Lost      int64            `json:"lost"`            // acknowledged, but not delivered
	Twice     int64            `json:"twice"`           // delivered again
	Overtaken int64            `json:"overtaken"`       // delivered after a later one of its sender
	Dropped   int64            `json:"dropped"`         // sockets that ended on their own
}

// Latency is in milliseconds.
type Latency struct {
	P50  float64 `json:"p50_ms"`
	P99  float64 `json:"p99_ms"`
	P999 float64 `json:"p999_ms"`
}

func latencyOf(h *histogram) Latency {
	at, _ := h.quantiles(0.5, 0.99, 0.999)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return Latency{ms(at[0]), ms(at[1]), ms(at[2])}
}

// Connections is what opening many sockets took.
type Connections struct {
	Open          int     `json:"open"`
	PerSecond     float64 `json:"per_second"`
	Connect       Latency `json:"connect"` // until everything missed was there
	Retried       int64   `json:"retried"`
	Dropped       int64   `json:"dropped"`                  // ended on their own while idle
	KiBPer        float64 `json:"kib_per,omitempty"`        // resident memory of the processes, a connection
	IdleCPU       []CPU   `json:"idle_cpu,omitempty"`       // while nothing happened
	IdleSeconds   float64 `json:"idle_seconds,omitempty"`   // how long that was
	ResidentBytes int64   `json:"resident_bytes,omitempty"` // of the processes, in the end
}

// Table shows the report for people.
func (r Report) Table() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for i, res := range r.Results {
		if i > 0 {
			fmt.Fprintln(w)
		}
		res.table(w)
	}
	w.Flush()
	return b.String()
}

func (r Result) table(w *tabwriter.Writer) {
	row := func(name, format string, args ...any) {
		fmt.Fprintf(w, "  %s\t"+format+"\n", append([]any{name}, args...)...)
	}
	fmt.Fprintf(w, "%s\n", r.Scenario)
	if m := r.Messages; m != nil {
		m.rows(row)
	}
	if c := r.Connections; c != nil {
		c.rows(row)
	}
	for _, c := range r.CPU {
		row("CPU of "+c.Name, "%.2f s, %.1f µs each", c.Seconds, c.MicrosPer)
	}
	if r.Note != "" {
		row("note", "%s", r.Note)
	}
}

func (m *Messages) rows(row func(name, format string, args ...any)) {
	row("messages/s", "%.0f", m.PerSecond)
	row("delivery ms", "p50 %.2f  p99 %.2f  p99.9 %.2f", m.Delivery.P50, m.Delivery.P99, m.Delivery.P999)
	row("ack ms", "p50 %.2f  p99 %.2f  p99.9 %.2f", m.Ack.P50, m.Ack.P99, m.Ack.P999)
	row("sent", "%d over %d pairs, %d bytes each", m.Sent, m.Pairs, m.Body)
	row("acknowledged", "%d (%d of them not live), refused %d", m.Acked, m.NotLive, m.Refused)
	for _, code := range slices.Sorted(maps.Keys(m.Codes)) {
		row("  "+code, "%d", m.Codes[code])
	}
	row("delivered", "%d, lost %d, twice %d, overtaken %d", m.Delivered, m.Lost, m.Twice, m.Overtaken)
	if m.Dropped > 0 {
		row("sockets dropped", "%d", m.Dropped)
	}
}

func (c *Connections) rows(row func(name, format string, args ...any)) {
	row("connections", "%d, retried %d, dropped %d", c.Open, c.Retried, c.Dropped)
	row("connects/s", "%.0f", c.PerSecond)
	row("connect ms", "p50 %.2f  p99 %.2f  p99.9 %.2f", c.Connect.P50, c.Connect.P99, c.Connect.P999)
	if c.KiBPer != 0 {
		row("KiB a connection", "%.1f", c.KiBPer)
	}
	for _, u := range c.IdleCPU {
		row("idle CPU of "+u.Name, "%.2f s in %.0f s", u.Seconds, c.IdleSeconds)
	}
}
