package realtime

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/wire"
)

// socket is a client without a network: what a node writes to it is kept, and
// looked at by what every socket is promised.
type socket struct {
	t    testing.TB
	done chan struct{} // closed when Serve has returned

	mu       sync.Mutex
	moved    chan struct{} // closed and replaced whenever anything changes
	in       [][]byte      // sent by the client and not yet read by the node
	got      []frame
	next     int // the first frame that expect has not looked at
	stalled  bool
	allowed  int   // writes that go through all the same
	fails    error // of every write
	deaf     bool  // answers neither a ping nor a close
	writing  bool
	closed   bool
	hungUp   bool // the client is gone
	code     int  // of the close frame
	late     int  // bytes that were written beyond a close frame
	readBy   time.Time
	writeBy  time.Time
	pong     func(string) error
	ping     func(string) error
	pings    []string // by the client, to be read by the node
	answered []string // what the node's pongs carried
	pongs    int      // to be read by the node
	counting bool
	counted  int
	seen     map[string]bool
	twice    bool // a message may come twice
}

// frame is any frame of the server.
type frame struct {
	raw          []byte
	Type         string          `json:"type"`
	Re           string          `json:"re"`
	Offset       string          `json:"offset"`
	Session      string          `json:"session"`
	Device       string          `json:"device"`
	Conversation string          `json:"conversation"`
	Seq          int64           `json:"seq"`
	ClientID     string          `json:"client_id"`
	From         json.RawMessage `json:"from"`
	To           wire.Target     `json:"to"`
	Text         string          `json:"text"`
	Data         json.RawMessage `json:"data"`
	AfterSeq     int64           `json:"after_seq"`
	BeforeSeq    int64           `json:"before_seq"`
	Count        int             `json:"count"`
	Queued       int64           `json:"queued"`
	Resumed      bool            `json:"resumed"`
	Source       string          `json:"source"`
	Live         bool            `json:"live"`
	Code         string          `json:"code"`
	Reason       string          `json:"reason"`
	Retry        bool            `json:"retry"`
	On           bool            `json:"on"`
	Items        []frame         `json:"items"`
	Users        map[string]wire.PresenceStatus
	Reconnect    *int64 `json:"reconnect_in_ms"`
}

func newSocket(t testing.TB) *socket {
	return &socket{t: t, done: make(chan struct{}), moved: make(chan struct{}), seen: map[string]bool{}}
}

// change does something to the socket and lets everybody who waits look again.
func (s *socket) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	close(s.moved)
	s.moved = make(chan struct{})
}

// await waits under s.mu until ok, or until the deadline that by returns, and
// reports which.
func (s *socket) await(by func() time.Time, ok func() bool) bool {
	for !ok() {
		at := by()
		if !at.IsZero() && !time.Now().Before(at) {
			return false
		}
		var over <-chan time.Time
		var timer *time.Timer
		if !at.IsZero() {
			timer = time.NewTimer(time.Until(at))
			over = timer.C
		}
		moved := s.moved
		s.mu.Unlock()
		select {
		case <-moved:
		case <-over:
		}
		if timer != nil {
			timer.Stop()
		}
		s.mu.Lock()
	}
	return true
}

// The methods of a Socket.

func (s *socket) NextReader() (int, io.Reader, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		passed := !s.readBy.IsZero() && !time.Now().Before(s.readBy) // also when there is something to read
		if passed || !s.await(func() time.Time { return s.readBy }, func() bool { return s.closed || s.hungUp || s.pongs > 0 || len(s.pings) > 0 || len(s.in) > 0 }) {
			return 0, nil, os.ErrDeadlineExceeded
		}
		switch {
		case s.closed:
			return 0, nil, net.ErrClosed
		case len(s.pings) > 0:
			p := s.pings[0]
			s.pings = s.pings[1:]
			ping := s.ping
			s.mu.Unlock()
			ping(p)
			s.mu.Lock()
		case s.pongs > 0:
			s.pongs--
			pong := s.pong
			s.mu.Unlock()
			pong("")
			s.mu.Lock()
		case len(s.in) > 0:
			p := s.in[0]
			s.in = s.in[1:]
			return textMessage, bytes.NewReader(p), nil
		default:
			return 0, nil, io.EOF
		}
	}
}

func (s *socket) WriteTexts(texts [][]byte, patience time.Duration) error {
	for _, text := range texts {
		if err := s.writeText(text, time.Now().Add(patience)); err != nil {
			return err
		}
	}
	return nil
}

func (s *socket) writeText(data []byte, by time.Time) error {
	s.mu.Lock()
	if s.writing {
		s.t.Error("two goroutines write to one socket")
	}
	s.writing = true
	s.writeBy = by
	in := s.await(func() time.Time { return s.writeBy }, func() bool { return !s.stalled || s.allowed > 0 || s.closed || s.fails != nil })
	s.writing = false
	s.allowed = max(s.allowed-1, 0)
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return net.ErrClosed
	case s.fails != nil:
		return s.fails
	case !in:
		return os.ErrDeadlineExceeded
	}
	if s.code != 0 {
		s.late += len(data)
	}
	s.take(bytes.Clone(data))
	close(s.moved)
	s.moved = make(chan struct{})
	return nil
}

func (s *socket) WriteControl(kind int, data []byte, _ time.Time) error {
	s.change(func() {
		switch {
		case kind == pingMessage && !s.deaf:
			s.pongs++
		case kind == pongMessage:
			s.answered = append(s.answered, string(data))
		case kind == closeMessage && s.code == 0 && !s.closed && !s.hungUp:
			s.code = int(binary.BigEndian.Uint16(data))
			s.hungUp = !s.deaf
		}
	})
	return nil
}

func (s *socket) Close() error                           { s.change(func() { s.closed = true }); return nil }
func (s *socket) SetReadDeadline(at time.Time) error     { s.change(func() { s.readBy = at }); return nil }
func (s *socket) SetPingHandler(ping func(string) error) { s.change(func() { s.ping = ping }) }
func (s *socket) SetPongHandler(pong func(string) error) { s.change(func() { s.pong = pong }) }

// take looks at a frame by what every socket is promised.
func (s *socket) take(p []byte) {
	f := frame{raw: p}
	if err := json.Unmarshal(p, &f); err != nil {
		s.t.Errorf("not a frame: %.200s: %v", p, err)
	}
	if !strings.HasPrefix(string(p), `{"type":"`+f.Type+`"`) {
		s.t.Errorf("type is not the first field: %.200s", p)
	}
	switch f.Type {
	case wire.Welcome:
		if len(s.got) > 0 {
			s.t.Errorf("welcome came after %s", s.got[len(s.got)-1].raw)
		}
		s.counting = true
	case wire.Message:
		if len(s.got) == 0 || s.got[0].Type != wire.Welcome {
			s.t.Errorf("before the welcome: %.200s", p)
		}
		key := fmt.Sprint(f.Conversation, " ", f.Seq)
		if s.seen[key] && !s.twice {
			s.t.Errorf("twice: %.200s", p)
		}
		s.seen[key] = true
		s.counted++
	case wire.Event:
		s.counted++
	case wire.Synced:
		if f.Count != s.counted || !s.counting {
			s.t.Errorf("synced counts %d, there were %d", f.Count, s.counted)
		}
		s.counting = false
	}
	s.got = append(s.got, f)
}

// What the client does.

func (s *socket) send(f any) { s.sendRaw(wire.Encode(f)) }

func (s *socket) sendRaw(p []byte) { s.change(func() { s.in = append(s.in, p) }) }

// hangUp is the client gone, without a word.
func (s *socket) hangUp() {
	s.change(func() { s.hungUp = true })
	s.ended()
}

// ended waits until the node is through with the socket.
func (s *socket) ended() {
	s.t.Helper()
	select {
	case <-s.done:
	case <-time.After(patience):
		s.t.Fatal("the node holds on to a socket")
	}
}

// stall makes the client stop, or go on, reading.
func (s *socket) stall(stalled bool) { s.change(func() { s.stalled = stalled }) }

// readOne lets a stalled client read one frame, and waits for it.
func (s *socket) readOne() {
	s.t.Helper()
	before := len(s.frames(""))
	s.change(func() { s.allowed++ })
	eventually(s.t, "one frame", func() bool { return len(s.frames("")) > before })
}

// expect returns the next frame of a type that was not expected before; others
// are passed over.
func (s *socket) expect(typ string) frame {
	s.t.Helper()
	return s.expectOne(typ, func(f *frame) bool { return f.Type == typ })
}

func (s *socket) expectOne(what string, ok func(*frame) bool) frame {
	s.t.Helper()
	deadline := time.Now().Add(patience)
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.await(func() time.Time { return deadline }, func() bool {
		for ; s.next < len(s.got); s.next++ {
			if ok(&s.got[s.next]) {
				return true
			}
		}
		return s.closed || s.hungUp && s.code != 0
	})
	if !found || s.next == len(s.got) {
		s.t.Fatalf("no %s; closed %v with %d; the last frames: %s", what, s.closed || s.hungUp, s.code, s.lastFew())
	}
	s.next++
	return s.got[s.next-1]
}

func (s *socket) lastFew() []byte {
	var all [][]byte
	for _, f := range s.got[max(0, len(s.got)-5):] {
		all = append(all, f.raw[:min(len(f.raw), 300)])
	}
	return bytes.Join(all, []byte("\n"))
}

// closedWith waits until the node closes the socket, and checks the code.
func (s *socket) closedWith(code int) {
	s.t.Helper()
	s.ended()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.code != code {
		s.t.Fatalf("closed with %d, want %d; the last frames: %s", s.code, code, s.lastFew())
	}
	if s.late > 0 {
		s.t.Errorf("%d bytes were written beyond the close frame", s.late)
	}
}

// hears waits for message frames with these texts, in any order.
func (s *socket) hears(texts ...string) {
	s.t.Helper()
	deadline := time.Now().Add(patience)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.await(func() time.Time { return deadline }, func() bool { return len(s.missing(texts)) == 0 || s.closed })
	if missing := s.missing(texts); len(missing) > 0 {
		s.t.Fatalf("never came: %.300q; closed %v with %d; the last frames: %s", missing, s.closed, s.code, s.lastFew())
	}
}

func (s *socket) missing(texts []string) []string {
	had := map[string]bool{}
	for i := range s.got {
		if s.got[i].Type == wire.Message {
			had[s.got[i].Text] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(texts), func(text string) bool { return had[text] })
}

// texts returns those of the message frames so far, in their order.
func (s *socket) texts() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for i := range s.got {
		if s.got[i].Type == wire.Message {
			out = append(out, s.got[i].Text)
		}
	}
	return out
}

// frames returns those of a type, or all, so far.
func (s *socket) frames(typ string) (out []frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.got {
		if typ == "" || f.Type == typ {
			out = append(out, f)
		}
	}
	return out
}

// offset is where the client would resume from.
func (s *socket) offset() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.got) - 1; i >= 0; i-- {
		if s.got[i].Offset != "" {
			return s.got[i].Offset
		}
	}
	return ""
}
