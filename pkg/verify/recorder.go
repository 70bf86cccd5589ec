package verify

import (
	"bufio"
	"encoding/json"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// recorder writes the history while it happens.
type recorder struct {
	begun time.Time
	conns atomic.Int64

	sent, acknowledged, received atomic.Int64 // for those who watch

	mu     sync.Mutex
	events History
	file   *bufio.Writer // nil: nobody wants it
	lines  *json.Encoder
	err    error // of the file
}

func newRecorder(w io.Writer) *recorder {
	r := &recorder{begun: time.Now()}
	if w != nil {
		r.file = bufio.NewWriter(w)
		r.lines = json.NewEncoder(r.file)
		r.lines.SetEscapeHTML(false)
	}
	return r
}

// now is the time on the history's clock.
func (r *recorder) now() time.Duration { return time.Since(r.begun) }

// conn returns the number of a new connection.
func (r *recorder) conn() int { return int(r.conns.Add(1)) }

// note appends an event, and gives it its number and its time.
func (r *recorder) note(e Event) {
	switch e.What {
	case Send:
		r.sent.Add(1)
	case Ack:
		r.acknowledged.Add(1)
	case Message:
		r.received.Add(1)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	e.N, e.At = len(r.events)+1, r.now()
	r.events = append(r.events, e)
	if r.lines != nil && r.err == nil {
		r.err = r.lines.Encode(&e)
	}
}

// history is what was noted so far; it does not change any more.
func (r *recorder) history() History {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.events[:len(r.events):len(r.events)]
}

// close finishes the file.
func (r *recorder) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file == nil {
		return nil
	}
	if err := r.file.Flush(); r.err == nil {
		r.err = err
	}
	return r.err
}
