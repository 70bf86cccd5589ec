package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"

	"github.com/tieline/tieline/pkg/client"
)

// part is one part of the scenario dm: paced, or saturated. Its counters belong
// to all goroutines.
type part struct {
	name   string
	id     string // tells its messages from those of any other
	rate   int    // messages a second in all; 0: saturated
	window int    // messages of a pair under way; 0: paced

	sending  atomic.Bool
	from, to atomic.Int64 // the measured window, on the run's clock; from 0: not yet
	delivery histogram    // of messages meant to be sent within the window
	ack      histogram
	counted  atomic.Int64 // deliveries that arrived within it
	moved    atomic.Int64 // when something last arrived

	sent, acked, notLive, refused        atomic.Int64
	delivered, twice, overtaken, dropped atomic.Int64

	mu    sync.Mutex
	codes map[string]int64 // refusals by code
}

// refuse counts a refusal by its code.
func (p *part) refuse(frame []byte) {
	var f struct{ Code string }
	_ = json.Unmarshal(frame, &f) // without a code it is counted under ""
	p.refused.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.codes == nil {
		p.codes = map[string]int64{}
	}
	p.codes[f.Code]++
}

// in reports whether a time lies in the measured window.
func (p *part) in(at int64) bool {
	from := p.from.Load()
	return from != 0 && from <= at && at < p.to.Load()
}

// pair is a sender on the first node and a receiver on the last.
type pair struct {
	// Set at construction.
	r        *run
	part     *part
	i        int
	mark     []byte // finds the part's stamps
	from, to *client.Raw
	readers  sync.WaitGroup
	closing  atomic.Bool
	owed     atomic.Int64 // messages to be sent instead of refused ones

	mu   sync.Mutex // around what sending needs
	tmpl *template
	n    uint32

	acked numbers // owned by the reader of from

	// Owned by the reader of to.
	got    numbers
	next   uint32 // above the newest number seen
	frames int
}

func (r *run) openPairs(ctx context.Context, p *part, accounts []account) ([]*pair, error) {
	pairs := make([]*pair, len(accounts)/2)
	err := each(ctx, len(pairs), connectAtOnce, func(ctx context.Context, i int) (err error) {
		sender, receiver := &accounts[2*i], &accounts[2*i+1]
		x := &pair{r: r, part: p, i: i, mark: []byte(stampMark + p.id), tmpl: newTemplate(p.id, receiver.User, r.o.Body)}
		var retried atomic.Int64
		if x.to, err = open(ctx, r.o.URLs[len(r.o.URLs)-1], receiver, 0, &retried); err != nil {
			return err
		}
		if x.from, err = open(ctx, r.o.URLs[0], sender, 0, &retried); err != nil {
			x.to.Close()
			return err
		}
		x.readers.Go(func() { x.read(x.to, x.arrived) })
		x.readers.Go(func() { x.read(x.from, x.answered) })
		pairs[i] = x
		return nil
	})
	if err != nil {
		closePairs(pairs)
		return nil, err
	}
	return pairs, nil
}

// closePairs may be called again, and with pairs missing.
func closePairs(pairs []*pair) {
	for _, x := range pairs {
		if x != nil {
			x.closing.Store(true)
			x.from.Close()
			x.to.Close()
			x.readers.Wait()
		}
	}
}

func (x *pair) read(s *client.Raw, frame func(p []byte)) {
	loop(s, frame)
	if !x.closing.Load() {
		x.part.dropped.Add(1)
	}
}

// send sends the pair's next message, meant for a time.
func (x *pair) send(at int64) {
	if !x.part.sending.Load() {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.part.sent.Add(1)
	_ = x.from.Write(x.tmpl.frame(stamp{pair: x.i, n: x.n, at: at})) // a failure ends the reader, too
	x.n++
}

var notLive = []byte(`"live":false`)

// answered takes an ack or a refusal of what the pair sent.
func (x *pair) answered(p []byte) {
	typ := client.ParseFrame(p).Type
	if typ != client.TypeAck && typ != client.TypeError {
		return
	}
	s, ok := findStamp(p, x.mark)
	if !ok {
		return
	}
	now := x.r.now()
	x.part.moved.Store(now)
	if typ == client.TypeError {
		x.part.refuse(p)
		x.owed.Add(1)
		return
	}
	if !x.acked.set(s.n) {
		return
	}
	x.part.acked.Add(1)
	if bytes.Contains(p, notLive) {
		x.part.notLive.Add(1)
	}
	if x.part.in(s.at) {
		x.part.ack.add(now - s.at)
	}
}

// arrived takes a frame at the receiver.
func (x *pair) arrived(p []byte) {
	f := client.ParseFrame(p)
	if f.Type != client.TypeMessage {
		return
	}
	if x.frames++; x.frames%reportEvery == 0 { // as clients do
		_ = x.to.Received(f.Offset())
	}
	s, ok := findStamp(p, x.mark)
	if !ok || s.pair != x.i {
		return
	}
	now := x.r.now()
	x.part.moved.Store(now)
	if !x.got.set(s.n) {
		x.part.twice.Add(1)
		return
	}
	x.part.delivered.Add(1)
	if s.n < x.next {
		x.part.overtaken.Add(1)
	}
	x.next = max(x.next, s.n+1)
	if x.part.in(now) {
		x.part.counted.Add(1)
	}
	if x.part.in(s.at) {
		x.part.delivery.add(now - s.at)
	}
	if x.part.window > 0 {
		x.send(now)
	}
}
