package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/mail"
	"github.com/tieline/tieline/realtime"
)

// observer counts what the messenger does. Durations are in seconds.
type observer struct {
	sent, delivered, postponed prometheus.Counter
	refused                    *prometheus.CounterVec
	batch, commit, deliver     prometheus.Histogram
	waiting                    prometheus.Gauge
}

func newObserver(r prometheus.Registerer) *observer {
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: "tieline_" + name, Help: help, Buckets: buckets})
	}
	o := &observer{
		sent:      prometheus.NewCounter(prometheus.CounterOpts{Name: "tieline_sends_total", Help: "Messages taken to be committed."}),
		delivered: prometheus.NewCounter(prometheus.CounterOpts{Name: "tieline_delivered_total", Help: "Committed messages put into the queues of their recipients."}),
		postponed: prometheus.NewCounter(prometheus.CounterOpts{Name: "tieline_postponed_total", Help: "Committed messages whose delivery waits in the outbox."}),
		refused:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tieline_refused_sends_total", Help: "Sends refused, by error code."}, []string{"code"}),
		batch:     histogram("commit_batch_size", "Messages of one transaction.", prometheus.ExponentialBuckets(1, 2, 10)),
		commit:    histogram("commit_seconds", "One transaction.", realtime.Buckets),
		deliver:   histogram("queue_seconds", "Putting one batch into queues and telling the nodes.", realtime.Buckets),
		waiting:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "tieline_sends_waiting", Help: "Messages that waited when the last batch was taken."}),
	}
	r.MustRegister(o.sent, o.delivered, o.postponed, o.refused, o.batch, o.commit, o.deliver, o.waiting)
	return o
}

// countLimited returns what counts refusals by the limits.
func countLimited(r prometheus.Registerer) func(chat.Operation) {
	limited := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tieline_limited_total", Help: "What was refused because somebody did it too often, by limit.",
	}, []string{"limit"})
	r.MustRegister(limited)
	return func(op chat.Operation) { limited.WithLabelValues(string(op)).Inc() }
}

// countMails returns what counts what became of mails.
func countMails(r prometheus.Registerer) func(mail.Outcome) {
	mails := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tieline_mails_total", Help: "Mails, by what became of them: sent, failed, or refused because too many waited.",
	}, []string{"outcome"})
	r.MustRegister(mails)
	return func(what mail.Outcome) { mails.WithLabelValues(string(what)).Inc() }
}

func (o *observer) Sent(n int) { o.sent.Add(float64(n)) }
func (o *observer) Refused(kind chat.Kind, n int) {
	o.refused.WithLabelValues(string(kind)).Add(float64(n))
}
func (o *observer) Postponed(n int) { o.postponed.Add(float64(n)) }
func (o *observer) Waiting(n int)   { o.waiting.Set(float64(n)) }

func (o *observer) Committed(n int, took time.Duration) {
	o.batch.Observe(float64(n))
	o.commit.Observe(took.Seconds())
}

func (o *observer) Delivered(n int, took time.Duration) {
	o.delivered.Add(float64(n))
	o.deliver.Observe(took.Seconds())
}

// hookObserver counts what becomes of hooks.
type hookObserver struct {
	posted, failed prometheus.Counter
	waiting, dead  prometheus.Gauge
}

func newHookObserver(r prometheus.Registerer) *hookObserver {
	o := &hookObserver{
		posted:  prometheus.NewCounter(prometheus.CounterOpts{Name: "tieline_hooks_posted_total", Help: "Signed events that this node posted and that were taken."}),
		failed:  prometheus.NewCounter(prometheus.CounterOpts{Name: "tieline_hooks_failed_total", Help: "Posts of signed events that were not taken."}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{Name: "tieline_hooks_waiting", Help: "Signed events that wait to be posted, up to 10,000; 0 but on the node that posts."}),
		dead:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "tieline_hooks_dead", Help: "Signed events that were given up, up to 10,000; 0 but on the node that posts."}),
	}
	r.MustRegister(o.posted, o.failed, o.waiting, o.dead)
	return o
}

func (o *hookObserver) Posted() { o.posted.Inc() }
func (o *hookObserver) Failed() { o.failed.Inc() }

func (o *hookObserver) Waiting(waiting, dead int) {
	o.waiting.Set(float64(waiting))
	o.dead.Set(float64(dead))
}
