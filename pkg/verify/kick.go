package verify

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// rival is the life of somebody who is signed out again and again: by signing in
// elsewhere, where that displaces, else by removing devices, changing the
// password, signing out, or signing in again on the same device. Losers try to
// come back with what they have.
func (p *person) rival(ctx context.Context) {
	displaces := p.r.policy == chat.Single || p.r.policy == chat.PerPlatform
	holder := p.sets[0]
	for ctx.Err() == nil && !p.r.isOver() {
		if displaces {
			holder = p.displace(ctx, holder)
		} else {
			p.revoke(ctx)
		}
		if pause(ctx, between(200*time.Millisecond, time.Second)) != nil {
			return
		}
	}
}

// displace is one round in which one or two of the others sign in, and returns
// who is in afterwards.
func (p *person) displace(ctx context.Context, holder *handset) *handset {
	holder.drop(ctx)
	var others []*handset
	for _, h := range p.sets {
		if h != holder {
			others = append(others, h)
		}
	}
	rand.Shuffle(len(others), func(i, j int) { others[i], others[j] = others[j], others[i] })
	if rand.IntN(3) > 0 {
		others = others[:1]
	}
	var entering sync.WaitGroup
	for _, h := range others {
		entering.Go(func() {
			if h.signIn(ctx) == nil {
				h.tryIn(ctx)
			}
		})
	}
	entering.Wait()
	winner, losers := others[0], append(others[1:], holder)
	if len(others) > 1 {
		_ = pause(ctx, p.r.judged()) // until it is clear who stays
		for _, h := range others {
			if s := h.connected(); s != nil {
				s.pingAndWait(ctx) // an answer shows that it does
			}
		}
		if others[1].connected() != nil && others[1].isIn() {
			winner, losers = others[1], []*handset{others[0], holder}
		}
	}
	p.losersReturn(ctx, losers)
	return winner
}

// drop cuts the handset off now and then, so that it hears of its end only when
// it comes back; mostly it makes sure that it is connected.
func (h *handset) drop(ctx context.Context) {
	s := h.connected()
	if s == nil && h.isIn() {
		s = h.tryIn(ctx)
	}
	if s != nil && rand.IntN(3) == 0 {
		s.report()
		s.leave([]string{HowDrop, HowBye}[rand.IntN(2)])
	}
}

// tryIn connects once, and returns the socket if it is let in.
func (h *handset) tryIn(ctx context.Context) *socket {
	s, err := h.open(ctx, h.r.url(), h.newest())
	if err != nil {
		return nil
	}
	if s.await(ctx, s.greeted, welcomeWithin) {
		return s
	}
	if !s.isGone() {
		s.leave(HowDrop)
	}
	return nil
}

// losersReturn waits for the losers to be told, and has them try to come back:
// at once, and sometimes again later; and over HTTP.
func (p *person) losersReturn(ctx context.Context, losers []*handset) {
	late := rand.IntN(3) == 0
	for _, h := range losers {
		if s := h.connected(); s != nil && !s.await(ctx, s.gone, p.r.judged()) {
			s.pingAndWait(ctx) // an answer shows that it is served as ever
		}
		h.tryBack(ctx)
	}
	if !late {
		return
	}
	_ = pause(ctx, p.r.judged()) // where ctx has ended, nothing below works
	for _, h := range losers {
		h.ask(ctx)
		h.tryBack(ctx)
	}
}

// tryBack connects with whatever the handset has; it should be turned away.
func (h *handset) tryBack(ctx context.Context) {
	if h.connected() != nil {
		return // it was never told: the history shows it
	}
	if s := h.tryIn(ctx); s != nil {
		s.await(ctx, s.gone, h.r.judged())
		if !s.isGone() {
			s.leave(HowDrop)
		}
	}
}

// ask asks a node over HTTP whether the token is good.
func (h *handset) ask(ctx context.Context) {
	_, grant, err := h.credential(ctx)
	if err != nil {
		return // no token any more
	}
	e := Event{What: Ask, Grant: grant, Began: h.r.rec.now()}
	_, err = h.api().Me(ctx)
	e.Code, e.Reason = codeOf(err)
	h.note(e)
}

// revoke is one round in which one device ends the sessions of others, or its
// own, and they return by signing in again.
func (p *person) revoke(ctx context.Context) {
	for _, h := range p.sets {
		if !h.isIn() && h.signIn(ctx) != nil {
			return
		}
		h.drop(ctx)
	}
	actor := p.sets[rand.IntN(len(p.sets))]
	how := []string{HowOthers, HowPassword, HowLogout, ""}[rand.IntN(4)]
	if how == "" {
		if before := actor.connected(); actor.signIn(ctx) == nil && before != nil {
			before.await(ctx, before.gone, p.r.judged())
			actor.tryIn(ctx)
		}
		return
	}
	if actor.end(ctx, how) != nil {
		return
	}
	var losers []*handset
	for _, h := range p.sets {
		if (h == actor) == (how == HowLogout) {
			losers = append(losers, h)
			h.setIn(false)
		}
	}
	p.losersReturn(ctx, losers)
}

func (h *handset) setIn(in bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.in = in
}

// end ends sessions over HTTP.
func (h *handset) end(ctx context.Context, how string) error {
	_, grant, err := h.credential(ctx)
	if err != nil {
		return err
	}
	e := Event{What: End, How: how, Grant: grant, Began: h.r.rec.now()}
	api := h.api()
	switch how {
	case HowOthers:
		err = api.RemoveOtherDevices(ctx)
	case HowLogout:
		err = api.Logout(ctx)
	case HowPassword:
		next := chat.NewID()
		if err = api.ChangePassword(ctx, h.who.password, next); err == nil {
			h.who.password = next
		}
	}
	e.Code, e.Reason = codeOf(err)
	h.note(e)
	return err
}
