package main_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// frame is any frame from a server, with whatever fields it has.
type frame struct {
	wire.MessageBody
	Type      string                              `json:"type"`
	Re        string                              `json:"re"`
	Offset    string                              `json:"offset"`
	Code      chat.Kind                           `json:"code"`
	Detail    string                              `json:"detail"`
	Retry     bool                                `json:"retry"`
	Reason    chat.Reason                         `json:"reason"`
	Device    chat.DeviceID                       `json:"device"`
	Node      chat.NodeID                         `json:"node"`
	Resumed   bool                                `json:"resumed"`
	Live      bool                                `json:"live"`
	Count     int                                 `json:"count"`
	Source    string                              `json:"source"`
	AfterSeq  int64                               `json:"after_seq"`
	BeforeSeq int64                               `json:"before_seq"`
	Users     map[chat.UserID]wire.PresenceStatus `json:"users"`
	From      any                                 `json:"from"` // a person in a message, an id elsewhere
	User      chat.UserID                         `json:"user"`
	On        bool                                `json:"on"`
	Data      any                                 `json:"data"`
	Name      string                              `json:"name"`
	After     int64                               `json:"reconnect_in_ms"`
	Items     []wire.MessageBody                  `json:"items"`
}

// sender is who a frame comes from.
func (f *frame) sender() chat.UserID {
	switch from := f.From.(type) {
	case string:
		return chat.UserID(from)
	case map[string]any:
		id, _ := from["id"].(string)
		return chat.UserID(id)
	}
	return ""
}

// line is one socket of a device, and everything that came over it.
type line struct {
	d    *place
	node *node
	raw  *client.Raw
	gone sync.WaitGroup

	mu       sync.Mutex
	changed  chan struct{}                       // closed and replaced whenever something below changes
	queues   map[string][]frame                  // by type, not looked at by a verb yet
	replies  map[string]frame                    // by what they answer
	presence map[chat.UserID]bool                // who is online, by the newest frame
	status   map[chat.UserID]wire.PresenceStatus // and what else it said
	wentOff  map[chat.UserID]int                 // how often somebody was shown offline
	probes   map[string]bool                     // the probes that arrived
	since    int                                 // frames with an offset since the welcome
	probed   int                                 // of them probes
	all      []string                            // the newest frames, for the message of a failure
	ended    error                               // how it ended
}

// Types of frames that stand in queues of their own although the server calls
// them messages.
const (
	announced = "announced" // a system message
	probePre  = "~probe "   // the text of a probe begins so
)

func openLine(d *place, n *node, raw *client.Raw) *line {
	l := &line{
		d: d, node: n, raw: raw, changed: make(chan struct{}), queues: map[string][]frame{}, replies: map[string]frame{},
		presence: map[chat.UserID]bool{}, status: map[chat.UserID]wire.PresenceStatus{}, wentOff: map[chat.UserID]int{}, probes: map[string]bool{},
	}
	l.gone.Go(l.read)
	return l
}

func (l *line) read() {
	for {
		p, err := l.raw.Next(context.Background())
		var f frame
		if err == nil {
			err = p.Into(&f)
		}
		l.mu.Lock()
		if err != nil {
			l.ended = err
		} else {
			l.takeLocked(p, f)
		}
		close(l.changed)
		l.changed = make(chan struct{})
		l.mu.Unlock()
		if err != nil {
			l.raw.Close()
			return
		}
	}
}

// takeLocked puts a frame where the verbs look for it, and holds it against what
// is promised of every frame.
func (l *line) takeLocked(p client.Frame, f frame) {
	l.all = append(l.all, string(p.Data))
	l.all = l.all[max(0, len(l.all)-12):]
	if f.Offset != "" {
		l.d.setOffset(f.Offset)
	}
	kind := f.Type
	switch f.Type {
	case wire.Welcome:
		l.since, l.probed = 0, 0
	case wire.Message, wire.Event:
		l.since++
		if strings.HasPrefix(f.Text, probePre) {
			l.probed++
			l.probes[f.Text] = true
			return
		}
		if f.Type == wire.Message && !l.d.shown(&f) {
			return
		}
		if f.Kind == chat.System {
			kind = announced
		}
	case wire.Synced:
		if f.Count != l.since {
			l.d.violated("synced counts %d frames, %d came", f.Count, l.since)
		}
		f.Count -= l.probed
	case wire.Presence:
		for u, status := range f.Users {
			l.presence[u], l.status[u] = status.Online, status
			if !status.Online {
				l.wentOff[u]++
			}
		}
		return
	}
	if f.Re != "" {
		l.replies[f.Re] = f
		return
	}
	l.queues[kind] = append(l.queues[kind], f)
}

var errLate = errors.New("it did not happen in time")

// await waits until cond, which is called under the lock, is true; an error says
// why it will not become so.
func (l *line) await(within time.Duration, cond func() bool) error {
	late := time.After(within)
	for {
		l.mu.Lock()
		ok, ended, changed := cond(), l.ended, l.changed
		l.mu.Unlock()
		switch {
		case ok:
			return nil
		case ended != nil:
			return ended
		}
		select {
		case <-changed:
		case <-late:
			return errLate
		}
	}
}

// next takes the next frame of a type.
func (l *line) next(kind string, within time.Duration) (f frame, err error) {
	err = l.await(within, func() bool {
		if len(l.queues[kind]) == 0 {
			return false
		}
		f = l.queues[kind][0]
		l.queues[kind] = l.queues[kind][1:]
		return true
	})
	return f, err
}

// reply takes what answers a frame.
func (l *line) reply(re string, within time.Duration) (f frame, err error) {
	err = l.await(within, func() (ok bool) {
		f, ok = l.replies[re]
		delete(l.replies, re)
		return ok
	})
	return f, err
}

// ask sends a frame and waits for its reply.
func (l *line) ask(f wire.ClientFrame, within time.Duration) (frame, error) {
	if err := l.raw.Send(f); err != nil {
		return frame{}, err
	}
	return l.reply(f.ID, within)
}

// end waits until the socket has ended and says how.
func (l *line) end(within time.Duration) error {
	late := time.After(within)
	for {
		l.mu.Lock()
		ended, changed := l.ended, l.changed
		l.mu.Unlock()
		if ended != nil {
			return ended
		}
		select {
		case <-changed:
		case <-late:
			return nil
		}
	}
}

// open reports whether the socket has not ended, as far as is known.
func (l *line) open() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ended == nil
}

// recent shows the newest frames, for the message of a failure.
func (l *line) recent() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := "the newest frames on " + l.node.id + ":"
	for _, f := range l.all {
		text += "\n  " + f
	}
	if l.ended != nil {
		text += fmt.Sprintf("\n  (%v)", l.ended)
	}
	return text
}
