package verify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// person is somebody with one or more handsets.
type person struct {
	r        *run
	id       chat.UserID
	name     string
	password string // "": the account was given, and nobody signs in again
	sets     []*handset
	peers    []*person

	mu   sync.Mutex
	with map[chat.UserID]chat.ConversationID // direct conversations, as far as they are known
}

func (r *run) newPerson(name, password string) *person {
	return &person{r: r, name: name, password: password, with: map[chat.UserID]chat.ConversationID{}}
}

// handset adds a device to somebody.
func (p *person) handset(id chat.DeviceID, platform chat.Platform) *handset {
	h := &handset{r: p.r, who: p, id: id, platform: platform, readable: map[chat.ConversationID]int64{}}
	p.sets = append(p.sets, h)
	return h
}

// learn notes which conversation a message went to.
func (p *person) learn(to wire.Target, in chat.ConversationID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if to.User != "" {
		p.with[to.User] = in
	}
}

// conversation is where a target leads, "" as long as that is not known.
func (p *person) conversation(to wire.Target) chat.ConversationID {
	if to.Room != "" {
		return to.Room
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.with[to.User]
}

func (p *person) peer() *person { return p.peers[rand.IntN(len(p.peers))] }

// askWithin bounds a request over HTTP.
const askWithin = 10 * time.Second

// noAnswer is the code of a request of which nobody knows what became.
const noAnswer chat.Kind = "no_answer"

// codeOf is what the history keeps of an error over HTTP.
func codeOf(err error) (chat.Kind, chat.Reason) {
	var e *client.Error
	switch {
	case err == nil:
		return "", ""
	case errors.As(err, &e):
		return e.Code, e.Reason
	}
	return noAnswer, ""
}

// register makes the account, and signs its first handset in.
func (h *handset) register(ctx context.Context) error {
	return h.enter(ctx, func(ctx context.Context, a *client.API) (client.Grant, error) {
		return a.Register(ctx, client.Registration{Username: h.who.name, Password: h.who.password, Device: h.place()})
	})
}

// signIn signs the handset in by password.
func (h *handset) signIn(ctx context.Context) error {
	return h.enter(ctx, func(ctx context.Context, a *client.API) (client.Grant, error) {
		return a.Login(ctx, h.who.name, h.who.password, h.place())
	})
}

func (h *handset) place() *client.Place {
	return &client.Place{ID: h.id, Platform: h.platform, Name: "verify"}
}

// enter signs in, as often as the server asks to try again. Somebody whose
// sign-up was not answered may be there all the same.
func (h *handset) enter(ctx context.Context, ask func(context.Context, *client.API) (client.Grant, error)) error {
	for {
		a := client.NewAPI(client.APIOptions{URLs: []string{h.r.url()}, Timeout: askWithin, HTTP: h.r.http})
		e := Event{What: SignIn, Device: h.id, Platform: h.platform, Began: h.r.rec.now(), User: h.who.id}
		g, err := ask(ctx, a)
		if e.Code, e.Reason = codeOf(err); err == nil {
			if h.who.id == "" {
				h.who.id = g.User.ID
			}
			e.User = h.who.id
			e.Grant = int(h.r.grants.Add(1))
			h.r.rec.note(e)
			everywhere := client.NewAPI(client.APIOptions{URLs: h.r.o.URLs, Timeout: askWithin, HTTP: h.r.http})
			h.signedIn(e.Grant, client.NewTokens(everywhere, g, nil).Token)
			return nil
		}
		if h.who.id != "" {
			h.r.rec.note(e)
		}
		if e.Code == chat.UsernameTaken {
			ask = func(ctx context.Context, a *client.API) (client.Grant, error) {
				return a.Login(ctx, h.who.name, h.who.password, h.place())
			}
		} else if !e.Code.Retryable() && e.Code != noAnswer {
			return err
		}
		if err := pause(ctx, later(err)); err != nil {
			return errors.Join(err, fmt.Errorf("signing in: the last answer was %s", e.Code))
		}
	}
}

// later is how long to wait before asking again.
func later(err error) time.Duration {
	var e *client.Error
	if errors.As(err, &e) && e.RetryAfter > 0 {
		return e.RetryAfter
	}
	return 300 * time.Millisecond
}

// pause waits, but not longer than ctx.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// between is a random time.
func between(from, to time.Duration) time.Duration { return from + rand.N(to-from) }
