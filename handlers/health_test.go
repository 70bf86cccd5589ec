package handlers

import (
	"strings"
	"testing"
)

func TestReadinessFollowsTheNode(t *testing.T) {
	for _, test := range []struct {
		name            string
		ready           bool
		degraded        []string
		well            bool
		status, strict  int
		answer, stricts string
	}{
		{"all is well", true, nil, true, 200, 200, `{"ready":true,"degraded":[]}`, `{"ready":true,"degraded":[]}`},
		{"Redis is away", true, []string{"redis"}, false, 200, 503, `{"ready":true,"degraded":["redis"]}`, `{"ready":false,"degraded":["redis"]}`},
		{"starting or draining", false, nil, false, 503, 503, `{"ready":false,"degraded":[]}`, `{"ready":false,"degraded":[]}`},
		{
			"both are away", false, []string{"redis", "database"}, false, 503, 503,
			`{"ready":false,"degraded":["redis","database"]}`, `{"ready":false,"degraded":["redis","database"]}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			b.node.ready, b.node.degraded, b.node.strict = test.ready, test.degraded, test.well
			b.want(test.status, test.answer, "GET", "/readyz", "")
			b.want(test.strict, test.stricts, "GET", "/readyz?strict=1", "")
			b.want(200, `{"live":true}`, "GET", "/healthz", "")
			if probes := strings.Count(b.log.String(), "status=200"); probes != 0 {
				t.Errorf("%d probes that went well are in the log", probes)
			}
		})
	}
}

func TestMetricsAreServedIfThereAreAny(t *testing.T) {
	if a := newBench(t).do("GET", "/metrics", ""); a.status != 200 || string(a.body) != "up 1\n" {
		t.Errorf("%d %s", a.status, a.body)
	}
	b := newBench(t, func(o *Options) { o.Metrics = nil })
	b.refused(404, "not_found", "", "GET", "/metrics", "")
}
