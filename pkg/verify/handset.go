package verify

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// handset is a device as the run plays it: what a client keeps from one
// connection to the next.
type handset struct {
	// Set at construction.
	r        *run
	who      *person
	id       chat.DeviceID
	platform chat.Platform

	mu       sync.Mutex
	grant    int // its sign-in, 0: given from outside
	token    client.TokenFunc
	in       bool   // as far as it knows
	offset   string // of the newest queued frame
	reported bool
	at       *socket // the newest
	pending  []*draft
	answered []*draft // the newest of them
	readable map[chat.ConversationID]int64
	rest     time.Duration // no send before this, on the history's clock
}

// draft is a message that the handset wants kept.
type draft struct {
	id   string
	to   wire.Target
	text string
	on   int           // the connection that it was last written on
	due  time.Duration // refused for now: not before this
}

func (h *handset) note(e Event) {
	e.User, e.Device = h.who.id, h.id
	h.r.rec.note(e)
}

// noteLocked is note for those who hold h.mu, so that what is noted and what
// the handset goes by are the same.
func (h *handset) noteLocked(e Event) { h.note(e) }

// signedIn gives the handset another sign-in.
func (h *handset) signedIn(grant int, token client.TokenFunc) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.grant, h.token, h.in = grant, token, true
}

func (h *handset) credential(ctx context.Context) (token string, grant int, err error) {
	h.mu.Lock()
	get, grant := h.token, h.grant
	h.mu.Unlock()
	token, err = get(ctx)
	return token, grant, err
}

// api speaks HTTP to some node, as this handset.
func (h *handset) api() *client.API {
	h.mu.Lock()
	defer h.mu.Unlock()
	return client.NewAPI(client.APIOptions{URLs: []string{h.r.url()}, Token: h.token, Timeout: askWithin, HTTP: h.r.http})
}

// take makes a socket the newest.
func (h *handset) take(s *socket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.at != nil {
		h.at.stale = true
	}
	h.at = s
}

func (h *handset) newest() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.offset
}

// socket is the newest, nil before the first.
func (h *handset) socket() *socket {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

// connected is the newest socket if it has been let in and has not ended.
func (h *handset) connected() *socket {
	s := h.socket()
	if s == nil || s.isGone() {
		return nil
	}
	select {
	case <-s.greeted:
		return s
	default:
		return nil
	}
}

// isIn reports whether the handset believes to be signed in.
func (h *handset) isIn() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.in
}

// owe adds a draft to those that are repeated until they are answered.
func (h *handset) owe(d *draft) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pending = append(h.pending, d)
}

// answered takes a draft off those that are owed.
func (h *handset) answerLocked(id string) *draft {
	i := slices.IndexFunc(h.pending, func(d *draft) bool { return d.id == id })
	if i < 0 {
		return nil
	}
	d := h.pending[i]
	h.pending = slices.Delete(h.pending, i, i+1)
	return d
}

// keepMost is how many answered drafts are remembered, to be repeated.
const keepMost = 40

func (h *handset) rememberLocked(d *draft) {
	h.answered = append(h.answered, d)
	h.answered = h.answered[max(0, len(h.answered)-keepMost):]
}

// old returns something that was answered before, or nil.
func (h *handset) old() *draft {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.answered) == 0 {
		return nil
	}
	return h.answered[rand.IntN(len(h.answered))]
}

// owes reports whether anything is unanswered.
func (h *handset) owes() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.pending) > 0
}
