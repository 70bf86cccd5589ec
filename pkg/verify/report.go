package verify

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Report is what a run did, and which promises were broken; as JSON it is what
// --json prints.
type Report struct {
	URLs       []string    `json:"urls,omitempty"`
	Seconds    float64     `json:"seconds"`
	Lossy      bool        `json:"redis_may_be_lost"`
	Policy     string      `json:"sessions,omitempty"` // as declared or found out
	Counts     Counts      `json:"counts"`
	Pass       bool        `json:"pass"`
	Violations []Violation `json:"violations"`
}

// Judge checks a history and counts it.
func Judge(h History) Report {
	r := Report{Counts: Count(h), Violations: Check(h)}
	if r.Violations == nil {
		r.Violations = []Violation{}
	}
	r.Pass = len(r.Violations) == 0
	if len(h) > 0 {
		r.Seconds = h[len(h)-1].At.Seconds()
		r.Lossy, r.Policy = h[0].Lossy, string(h[0].Policy)
	}
	return r
}

// Table shows the report for people, the verdict last.
func (r Report) Table() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range r.rows() {
		fmt.Fprintf(w, "  %s\t%s\n", row[0], row[1])
	}
	w.Flush()
	b.WriteString("\n")
	b.WriteString(r.verdict())
	return b.String()
}

func (r Report) rows() [][2]string {
	c := r.Counts
	rows := [][2]string{
		{"people", fmt.Sprintf("%d, on %d devices, for %.0f s", c.People, c.Devices, r.Seconds)},
		{"sent", fmt.Sprintf("%d messages, %d times, %d of them with another body", c.Messages, c.Sent, c.Altered)},
		{"acknowledged", fmt.Sprintf("%d, live=false %d", c.Acknowledged, c.NotLive)},
		{"refused", fmt.Sprint(sum(c.Refused))},
	}
	for _, code := range slices.Sorted(maps.Keys(c.Refused)) {
		rows = append(rows, [2]string{"  " + string(code), fmt.Sprint(c.Refused[code])})
	}
	return append(rows, [][2]string{
		{"received", fmt.Sprintf("%d, repeated %d, gaps %d", c.Received, c.Repeated, c.Gaps)},
		{"reconnects", fmt.Sprintf("%d, %d attempts failed, %d filled in from the history", c.Reconnects, c.Failed, c.FromHistory)},
		{"longest interruption", c.Interruption.Round(time.Millisecond).String()},
		{"sign-ins", fmt.Sprintf("%d, %d other requests that end sessions, %d told to go", c.SignIns, c.Ended, c.Kicked)},
		{"histories", fmt.Sprintf("%d conversations, %d messages, %d reads", c.Conversations, c.Kept, c.Reads)},
	}...)
}

// showMost is how many violations of one rule are told one by one.
const showMost = 5

func (r Report) verdict() string {
	if r.Pass {
		return "PASS: no promise was broken.\n"
	}
	var b strings.Builder
	told := map[Rule]int{}
	for _, v := range r.Violations {
		if told[v.Rule]++; told[v.Rule] <= showMost {
			fmt.Fprintf(&b, "%s: %s.\n", v.Rule, v.Text)
			for _, e := range v.Evidence {
				fmt.Fprintf(&b, "    %s\n", e.line())
			}
		}
	}
	for _, rule := range slices.Sorted(maps.Keys(told)) {
		if more := told[rule] - showMost; more > 0 {
			fmt.Fprintf(&b, "%s: and %d more.\n", rule, more)
		}
	}
	fmt.Fprintf(&b, "FAIL: promises were broken %d times.\n", len(r.Violations))
	return b.String()
}

// line is an event as a line of evidence.
func (e *Event) line() string {
	parts := []string{fmt.Sprintf("%9.3fs #%d %s", e.At.Seconds(), e.N, e.What)}
	add := func(name string, v any) {
		if s := fmt.Sprint(v); s != "" && s != "0" {
			parts = append(parts, name+"="+s)
		}
	}
	add("user", e.User)
	add("device", e.Device)
	add("conn", e.Conn)
	add("node", e.Node)
	add("id", e.ID)
	add("conversation", e.Conversation)
	add("seq", e.Seq)
	add("from", e.From)
	add("text", e.Text)
	add("offset", e.Offset)
	add("count", e.Count)
	add("how", e.How)
	add("code", e.Code)
	add("reason", e.Reason)
	add("close", e.Close)
	return strings.Join(parts, " ")
}

func sum[K comparable](m map[K]int) (n int) {
	for _, v := range m {
		n += v
	}
	return n
}
