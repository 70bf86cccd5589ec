package verify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
)

// run is one call of Run.
type run struct {
	o      Options
	tag    string // every text, id and name begins with it
	policy chat.Policy
	rec    *recorder
	bar    *bar
	http   *http.Client

	talkers []*person
	kicked  []*person
	heads   map[chat.ConversationID]int64 // before anything was sent
	until   time.Duration                 // when the traffic ends
	ending  chan struct{}                 // closed when everything does

	grants, drafts atomic.Int64
	work           sync.WaitGroup // requests under way
	readers        sync.WaitGroup // of sockets
	leftovers      sync.WaitGroup // sockets that were left open
}

// Run drives the nodes and checks what came of it. The error says that there was
// nothing to check: no node, no accounts, or ctx has ended; promises that were
// broken are in the report.
func Run(ctx context.Context, o Options) (Report, error) {
	if err := o.complete(); err != nil {
		return Report{}, err
	}
	r := &run{o: o, tag: "verify-" + chat.NewID()[16:], heads: map[chat.ConversationID]int64{}, ending: make(chan struct{})}
	r.http = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16, IdleConnTimeout: 30 * time.Second}}
	defer r.http.CloseIdleConnections()
	r.rec = newRecorder(o.Evidence)
	r.bar = newBar(o.Progress, r.rec)
	err := r.drive(ctx)
	r.end()
	if lost := r.rec.close(); lost != nil {
		err = errors.Join(err, fmt.Errorf("the evidence could not be written: %w", lost))
	}
	if err != nil {
		return Report{}, fmt.Errorf("verify: %w", err)
	}
	report := Judge(r.rec.history())
	report.URLs = o.URLs
	if report.Counts.Acknowledged == 0 {
		return report, errors.New("verify: no send was acknowledged, so there is nothing to check")
	}
	return report, nil
}

// url is one of the nodes.
func (r *run) url() string { return r.o.URLs[rand.IntN(len(r.o.URLs))] }

func (r *run) isOver() bool { return r.rec.now() >= r.until }

// judged is how long after its end a session is held to be over by the checks,
// and a little more.
func (r *run) judged() time.Duration { return kickWithin + 200*time.Millisecond }

// drive is the whole run, up to the last event.
func (r *run) drive(ctx context.Context) (err error) {
	if r.policy = r.o.Sessions; r.policy == "" && r.o.Users == "" {
		if r.policy, err = r.findPolicy(ctx); err != nil {
			return err
		}
	}
	r.rec.note(Event{What: Begin, Policy: r.policy, Lossy: r.o.RedisMayBeLost, Tag: r.tag})
	if err := r.gather(ctx); err != nil {
		return err
	}
	if err := r.findHeads(ctx); err != nil {
		return err
	}
	if err := r.assemble(ctx); err != nil {
		return err
	}
	r.traffic(ctx)
	return r.settle(ctx)
}

// findHeads notes how far conversations have come, so that only what is new is
// read in the end.
func (r *run) findHeads(ctx context.Context) error {
	head := func(p *person, in chat.ConversationID, seq int64) {
		r.heads[in] = seq
		p.sets[0].note(Event{What: Head, Conversation: in, Seq: seq})
	}
	p := r.talkers[0]
	if err := r.insist(ctx, func(ctx context.Context) error {
		newest, err := p.sets[0].api().Messages(ctx, chat.Lobby, client.History{Limit: 1})
		if err == nil && len(newest) > 0 {
			head(p, chat.Lobby, newest[0].Seq)
		}
		return err
	}); err != nil {
		return fmt.Errorf("reading the lobby: %w", err)
	}
	if r.o.Users == "" {
		return nil // nobody has written to anybody
	}
	for _, p := range r.talkers {
		for _, peer := range p.peers {
			if err := r.insist(ctx, func(ctx context.Context) error {
				c, err := p.sets[0].api().OpenDirect(ctx, peer.id)
				if err == nil {
					head(p, c.ID, c.LastSeq)
				}
				return err
			}); err != nil {
				return fmt.Errorf("a conversation of %s with %s: %w", p.name, peer.name, err)
			}
		}
	}
	return nil
}

// assemble connects everybody once, so that what they miss from then on is
// missed by a device that was there. Where the sign-ins are known, some of the
// handsets come later: they must have everything since they signed in.
func (r *run) assemble(ctx context.Context) error {
	step := r.bar.count("connecting", len(r.talkers))
	defer step.end()
	return each(ctx, len(r.talkers), connectAtOnce, func(ctx context.Context, i int) error {
		for j, h := range r.talkers[i].sets {
			if j > 0 && i%3 == 0 && r.o.Users == "" {
				continue
			}
			s := h.comeBack(ctx, r.rec.now()+r.o.Settle)
			if s == nil || !s.await(ctx, s.level, r.o.Settle) {
				return fmt.Errorf("%s could not connect", r.talkers[i].name)
			}
		}
		return nil
	})
}

const connectAtOnce = 8

// traffic has everybody live their lives for a while.
func (r *run) traffic(ctx context.Context) {
	r.until = r.rec.now() + r.o.Duration
	step := r.bar.window("driving", r.o.Duration)
	defer step.end()
	var lives sync.WaitGroup
	for _, p := range r.talkers {
		for _, h := range p.sets {
			lives.Go(func() {
				if s := h.connected(); s != nil {
					h.chat(ctx, s, between(0, 4*time.Second))
					h.part(ctx, s)
				} else {
					_ = pause(ctx, between(0, r.o.Duration/2)) // talk sees that ctx has ended
				}
				h.talk(ctx)
			})
		}
	}
	for _, p := range r.kicked {
		lives.Go(func() { p.rival(ctx) })
	}
	lives.Wait()
}

// forget leaves a socket to itself that was frozen or taken over: the server
// should end it, and after a while it is cut off.
func (r *run) forget(s, successor *socket) {
	r.leftovers.Go(func() {
		if successor != nil {
			select {
			case <-successor.greeted:
			case <-successor.gone:
			case <-r.ending:
			}
		}
		t := time.NewTimer(r.judged())
		defer t.Stop()
		select {
		case <-s.gone:
			return
		case <-t.C:
			if successor != nil {
				s.pingAndWait(context.Background()) // an answer shows that it is served as ever
			}
		case <-r.ending:
		}
		s.h.note(Event{What: Leave, Conn: s.n, How: HowDrop})
		s.raw.Close()
		<-s.gone
	})
}

// end closes whatever is still open, and waits for everything.
func (r *run) end() {
	close(r.ending)
	for _, h := range r.sets() {
		if s := h.socket(); s != nil && !s.isGone() {
			s.leave(HowDrop)
		}
	}
	r.leftovers.Wait()
	r.work.Wait()
	r.readers.Wait()
}
