package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func once(int) treatment { return treatment{copies: 1} }

func TestDirectMessagesAreCounted(t *testing.T) {
	n := newNode(t, func(n int) treatment {
		switch n {
		case 5:
			return treatment{copies: 2}
		case 6:
			return treatment{refused: true}
		case 7:
			return treatment{copies: 1, waits: true}
		}
		return treatment{copies: 1}
	})
	n.busy = 2
	var shown bytes.Buffer
	r, err := Run(t.Context(), Options{
		URLs: []string{n.URL, n.URL}, Duration: 300 * time.Millisecond, Pairs: 3, Rate: 200, Window: 2, Body: 64,
		Processes: []Process{{"self", os.Getpid()}}, Progress: &shown,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Results) != 2 {
		t.Fatalf("%d results", len(r.Results))
	}
	paced, saturated := r.Results[0].Messages, r.Results[1].Messages
	if paced.Twice != 1 || paced.Refused != 1 || paced.NotLive != 1 || paced.Lost != 0 || paced.Dropped != 0 {
		t.Errorf("paced: %+v", paced)
	}
	for _, m := range []*Messages{paced, saturated} {
		if m.Sent == 0 || m.Acked+m.Refused != m.Sent || m.Delivered != m.Acked || m.PerSecond == 0 || m.Delivery.P50 <= 0 || m.Ack.P999 < m.Ack.P50 {
			t.Errorf("%+v", m)
		}
	}
	if saturated.Sent <= paced.Sent {
		t.Errorf("saturated sent %d, paced %d", saturated.Sent, paced.Sent)
	}
	if table := r.Table(); !strings.Contains(table, "CPU of self") || !strings.Contains(table, "messages/s") || !strings.Contains(table, "TIELINE_LIMIT_SENDS") {
		t.Errorf("table:\n%s", table)
	}
	if !strings.Contains(shown.String(), "dm paced") {
		t.Error("no progress was shown")
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
}

func TestWhatIsAcknowledgedAndNeverComesIsLost(t *testing.T) {
	p := &part{name: "dm paced", rate: 1}
	x := &pair{part: p, mark: []byte(stampMark + "00000000"), r: &run{clock: time.Now()}}
	for i := uint32(10); i < 70; i++ { // over the edge of a word of bits
		frame := stamp{n: i}.append([]byte(`{"type":"ack","re":"`), "00000000")
		x.answered(append(frame, `","live":true}`...))
		if i != 13 && i != 66 {
			frame = stamp{n: i}.append([]byte(`{"type":"message","offset":"1","text":"`), "00000000")
			x.arrived(append(frame, `"}`...))
		}
	}
	if m := p.messages([]*pair{x}); m.Lost != 2 || m.Acked != 60 || m.Delivered != 58 {
		t.Errorf("%+v", m)
	}
}

func TestIdle(t *testing.T) {
	n := newNode(t, once)
	n.later = 1 // while catching up, which is not measured
	file := filepath.Join(t.TempDir(), "users")
	var lines strings.Builder
	for i := range 20 {
		fmt.Fprintf(&lines, `{"username":"u%d","user":"u%d","device":"d","access_token":"u%d","expires_at":"2030-01-01T00:00:00.000Z"}`+"\n", i, i, i)
	}
	os.WriteFile(file, []byte(lines.String()), 0o600)
	r, err := Run(t.Context(), Options{
		URLs: []string{n.URL}, Scenarios: []string{"idle"}, Users: file, Duration: 50 * time.Millisecond,
		Processes: []Process{{"self", os.Getpid()}},
	})
	if err != nil {
		t.Fatal(err)
	}
	c := r.Results[0].Connections
	if c.Open != 20 || c.PerSecond <= 0 || c.Dropped != 0 || c.Retried != 0 || c.ResidentBytes == 0 {
		t.Errorf("%+v", c)
	}
	if !strings.Contains(r.Table(), "connects/s") {
		t.Error(r.Table())
	}
}

func TestWhatMakesNoSenseIsSaid(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad")
	os.WriteFile(bad, []byte("{}\n"), 0o600)
	for want, o := range map[string]Options{
		"no URL":             {},
		"room is not there":  {URLs: []string{"x"}, Scenarios: []string{"room"}},
		"no scenario":        {URLs: []string{"x"}, Scenarios: []string{"dance"}},
		"at least":           {URLs: []string{"x"}, Body: 3},
		"line 1":             {URLs: []string{"x"}, Users: bad},
		"no such file":       {URLs: []string{"x"}, Users: bad + "not"},
		"holds no accounts":  {URLs: []string{"x"}, Users: os.DevNull},
		"signing up: client": {URLs: []string{"http://127.0.0.1:1"}},
	} {
		if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", o, err, want)
		}
	}
	for _, s := range []string{"", "x", "=5", "x=", "x=-1"} {
		if _, err := ParseProcess(s); err == nil {
			t.Errorf("%q is taken for a process", s)
		}
	}
	if p, err := ParseProcess("node=12"); err != nil || p != (Process{"node", 12}) {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	n := newNode(t, once)
	ctx, cancel := context.WithCancel(t.Context())
	seen := 0
	n.treat = func(int) treatment { // under the node's lock
		if seen++; seen == 10 {
			cancel()
		}
		return treatment{copies: 1}
	}
	if _, err := Run(ctx, Options{URLs: []string{n.URL}, Duration: time.Hour, Pairs: 1}); err == nil {
		t.Error("a run of an hour has ended well")
	}
}

func TestStampsSurviveTheWay(t *testing.T) {
	want := stamp{pair: 300, n: 1 << 30, at: math.MaxInt64 - 5}
	tmpl := newTemplate("0123abcd", "bob", 200)
	frame := tmpl.frame(want)
	if got, ok := findStamp(frame, []byte(stampMark+"0123abcd")); !ok || got != want {
		t.Errorf("%+v, %v", got, ok)
	}
	if _, ok := findStamp(frame, []byte(stampMark+"ffffffff")); ok {
		t.Error("the stamp of another part was found")
	}
	var f struct {
		ID      string
		Message struct{ Text string }
	}
	if err := json.Unmarshal(frame, &f); err != nil || len(f.Message.Text) != 200 || len(f.ID) != stampLen || !strings.HasPrefix(f.Message.Text, f.ID) {
		t.Errorf("%+v, %v", f, err)
	}
	if n := testing.AllocsPerRun(100, func() { tmpl.frame(want) }); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

func TestQuantiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var h histogram
	var all []int64
	for range 10000 {
		v := int64(math.Exp(rng.Float64() * 25))
		all = append(all, v)
		h.add(v)
	}
	slices.Sort(all)
	at, n := h.quantiles(0.5, 0.99, 1)
	if n != 10000 {
		t.Errorf("%d counted", n)
	}
	for i, want := range []int64{all[4999], all[9899], all[9999]} {
		if d := float64(int64(at[i])-want) / float64(want); d < 0 || d > 0.01 {
			t.Errorf("quantile %d: %d, want %d", i, at[i], want)
		}
	}
	h.add(-5)
	h.add(math.MaxInt64)
}
