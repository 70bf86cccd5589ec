package verify

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// talk is the life of a talker's handset: connect to any node, say this and
// that, lose the connection in some way, stay away for a while, come back. It
// ends when the traffic does, or when the server lets the handset in no more.
func (h *handset) talk(ctx context.Context) {
	for !h.r.isOver() {
		s := h.comeBack(ctx, h.r.until)
		if s == nil {
			return
		}
		h.chat(ctx, s, between(time.Second, 6*time.Second))
		h.part(ctx, s)
	}
}

// Times between attempts to come back.
const (
	retryMin = 100 * time.Millisecond
	retryMax = time.Second
)

// comeBack connects until it is let in; nil: it is not let in any more, or the
// time is up.
func (h *handset) comeBack(ctx context.Context, until time.Duration) *socket {
	for wait := retryMin; ctx.Err() == nil && h.isIn() && h.r.rec.now() < until; wait = min(2*wait, retryMax) {
		s, err := h.open(ctx, h.r.url(), h.resumeFrom())
		if err == nil && s.await(ctx, s.greeted, welcomeWithin) {
			return s
		}
		if err == nil && !s.isGone() {
			s.leave(HowDrop)
		}
		if err == nil {
			wait = max(wait, s.comingIn())
		}
		if pause(ctx, between(wait/2, wait)) != nil {
			break
		}
	}
	return nil
}

// welcomeWithin is how long a handset waits to be let in before it tries again,
// and silentAfter how long for anything at all.
const (
	welcomeWithin = 10 * time.Second
	silentAfter   = 8 * time.Second
)

func (s *socket) comingIn() time.Duration {
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	return min(s.comeIn, 5*time.Second)
}

// resumeFrom is mostly the newest offset; now and then none, to go by what was
// reported.
func (h *handset) resumeFrom() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.reported && rand.IntN(8) == 0 {
		return ""
	}
	return h.offset
}

// chat says and does things for a while.
func (h *handset) chat(ctx context.Context, s *socket, life time.Duration) {
	s.sayOwed()
	end := time.NewTimer(min(life, h.r.until-h.r.rec.now()))
	defer end.Stop()
	each := time.Duration(float64(time.Second) / h.r.o.Rate)
	for n := 0; ; n++ {
		tick := time.NewTimer(between(each/2, each*3/2))
		select {
		case <-tick.C:
		case <-end.C:
			tick.Stop()
			return
		case <-s.gone:
			tick.Stop()
			return
		case <-ctx.Done():
			tick.Stop()
			return
		}
		if n%4 == 0 {
			s.ping()
		}
		if h.r.rec.now()-time.Duration(s.heard.Load()) > silentAfter {
			return
		}
		s.sayOwed()
		if !h.resting() && h.act(ctx, s) {
			return
		}
	}
}

func (h *handset) resting() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.r.rec.now() < h.rest
}

// act does one thing of many. True: the socket is gone with it.
func (h *handset) act(ctx context.Context, s *socket) bool {
	d := h.r.draft(h.someone())
	switch n := rand.IntN(100); {
	case n < 50:
		s.sayFirst(d)
	case n < 60: // several at once
		for range 3 {
			s.sayFirst(h.r.draft(d.to))
		}
	case n < 67:
		s.report()
		h.setReported()
	case n < 75:
		h.readSome(ctx, s)
	case n < 80: // the same on two nodes at once
		h.post(ctx, d, false)
		s.sayFirst(d)
	case n < 84: // the same on two devices at once
		h.both(s, d)
	case n < 88:
		h.post(ctx, d, true)
	case n < 91:
		h.again(ctx, s)
	case n < 94:
		h.conflict(ctx, s)
	case n < 97: // two bodies under one id at once
		h.post(ctx, h.altered(d, false), false)
		s.sayFirst(d)
	default: // the ack is thrown away
		s.sayFirst(d)
		s.leave(HowDrop)
		return true
	}
	return false
}

func (h *handset) setReported() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reported = true
}

// someone is whom the next message is for.
func (h *handset) someone() wire.Target {
	if rand.IntN(6) == 0 {
		return wire.Target{Room: chat.Lobby}
	}
	return wire.Target{User: h.who.peer().id}
}

// readSome reads on. Only one device of a person does, so that what it reads is
// in order.
func (h *handset) readSome(ctx context.Context, s *socket) {
	if h != h.who.sets[0] {
		return
	}
	switch rand.IntN(4) {
	case 0:
		h.read(ctx, s, true)
	case 1:
		_ = h.look(ctx) // what was not seen is not held against anybody
	default:
		h.read(ctx, s, false)
	}
}

// both says the same on another device of the person, if it is connected.
func (h *handset) both(s *socket, d *draft) {
	for _, other := range h.who.sets {
		if twin := other.connected(); other != h && twin != nil {
			same := *d
			twin.sayFirst(&same)
			break
		}
	}
	s.sayFirst(d)
}

// again repeats something that was answered long ago.
func (h *handset) again(ctx context.Context, s *socket) {
	switch d := h.old(); {
	case d == nil:
	case rand.IntN(2) == 0:
		h.post(ctx, d, false)
	default:
		s.say(d)
	}
}

// conflict says something else under the id of something answered.
func (h *handset) conflict(ctx context.Context, s *socket) {
	d := h.old()
	if d == nil {
		return
	}
	other := h.altered(d, rand.IntN(3) == 0)
	if rand.IntN(2) == 0 {
		h.post(ctx, other, false)
	} else {
		s.say(other)
	}
}

// part loses the connection in one of the ways there are, and stays away for a
// while.
func (h *handset) part(ctx context.Context, s *socket) {
	if !s.isGone() {
		switch n := rand.IntN(20); {
		case n < 7:
			if n < 4 {
				s.report()
				h.setReported()
				s.pingAndWait(ctx)
			}
			s.leave(HowBye)
		case n < 12:
			s.leave(HowDrop)
		case n < 15:
			s.leave(HowFreeze)
			h.r.forget(s, nil)
		default:
			h.takeOver(ctx, s)
			return
		}
	}
	if rand.IntN(2) == 0 {
		_ = pause(ctx, between(0, 1500*time.Millisecond)) // where ctx has ended, comeBack sees it, too
	}
}

// takeOver connects while the old socket is open, and leaves it to the server to
// end that.
func (h *handset) takeOver(ctx context.Context, s *socket) {
	s.leave(HowReplace)
	next := h.comeBack(ctx, h.r.until)
	h.r.forget(s, next)
	if next != nil {
		h.chat(ctx, next, between(time.Second, 3*time.Second))
		if !next.isGone() {
			next.leave(HowDrop)
		}
	}
}
