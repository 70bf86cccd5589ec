package realtime

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/tieline/tieline/pkg/wire"
)

// metrics is what an operator of the realtime side looks at. Durations are in
// seconds.
type metrics struct {
	connects, received, pushed, lagged, fills, held prometheus.Counter
	drops, closes, refused                          *prometheus.CounterVec
	latency                                         prometheus.Histogram
}

// Buckets are those of all our latency histograms: 0.5 ms to 16 s.
var Buckets = prometheus.ExponentialBuckets(0.0005, 2, 16)

func newMetrics(n *Node, r prometheus.Registerer) *metrics {
	if r == nil {
		r = prometheus.NewRegistry()
	}
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: "tieline_" + name, Help: help})
		r.MustRegister(c)
		return c
	}
	vector := func(name, label, help string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tieline_" + name, Help: help}, []string{label})
		r.MustRegister(c)
		return c
	}
	gauge := func(name, help string, f func() float64) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "tieline_" + name, Help: help}, f))
	}
	m := &metrics{
		connects: counter("connects_total", "Sockets that were let in."),
		received: counter("frames_received_total", "Frames from clients."),
		pushed:   counter("deliveries_total", "Message frames to sockets."),
		lagged:   counter("lagged_total", "Times a socket had to catch up from its queue."),
		fills:    counter("history_fills_total", "Times a queue did not reach back and the history filled in."),
		held:     counter("held_total", "Times a socket was not read from for a moment because its client asked for too much."),
		drops:    vector("drops_total", "reason", "What was let go at a limit, by limit."),
		closes:   vector("closes_total", "code", "Sockets that this node closed, by close code."),
		refused:  vector("refused_connects_total", "code", "Sockets that were not let in, by error code."),
		latency: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "tieline_delivery_seconds", Help: "From the commit of a message to its arrival at a node that holds a recipient.", Buckets: Buckets,
		}),
	}
	r.MustRegister(m.latency)
	gauge("sockets", "Sockets that are open here.", func() float64 { c, _ := n.hub.size(); return float64(c) })
	gauge("users", "People who have a socket here.", func() float64 { _, u := n.hub.size(); return float64(u) })
	gauge("door_waiting", "Sockets that wait to be let in, or to be given up.", func() float64 { return float64(n.waiting.Load()) })
	gauge("canary_age_seconds", "How long ago this node last heard its own publication.", func() float64 { return n.c.CanaryAge().Seconds() })
	gauge("redis_up", "1 while Redis answers and is of the current generation.", func() float64 { return flag(n.c.Up()) })
	gauge("generation", "The generation of Redis that this node works in.", func() float64 { return float64(n.c.Generation()) })
	gauge("draining", "1 while this node hands its sockets over.", func() float64 { return flag(n.draining()) })
	gauge("tells_waiting", "Signals and typing notices that wait to go out.", func() float64 { return float64(len(n.tells)) })
	return m
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func closeName(code int) string {
	if code == wire.CloseGoingAway {
		return "drain"
	}
	return strconv.Itoa(code)
}
