package verify

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// gather fills the run with people: those of a file, or those whom it signs up.
func (r *run) gather(ctx context.Context) error {
	if r.o.Users != "" {
		return r.readUsers()
	}
	devices, platform := 2, chat.Platform("")
	switch r.policy {
	case chat.Single:
		devices = 1
	case chat.PerPlatform:
		platform = chat.Web // of those who displace each other
	}
	step := r.bar.count("signing up", r.o.People+r.o.Kicked)
	defer step.end()
	var mu sync.Mutex
	err := each(ctx, r.o.People+r.o.Kicked, signUps, func(ctx context.Context, i int) error {
		p := r.newPerson(fmt.Sprintf("%s-%d", r.tag, i), chat.NewID())
		n := devices
		if i >= r.o.People {
			n = kickSets
		}
		for j := range n {
			h := p.handset(chat.DeviceID(fmt.Sprintf("%s-%d-%d", r.tag, i, j)), platforms[j])
			if i >= r.o.People && platform != "" {
				h.platform = platform
			}
		}
		if err := p.arrive(ctx, i < r.o.People); err != nil {
			return fmt.Errorf("signing up: %w (accounts may be given instead: see --users)", err)
		}
		mu.Lock()
		defer mu.Unlock()
		if i < r.o.People {
			r.talkers = append(r.talkers, p)
		} else {
			r.kicked = append(r.kicked, p)
		}
		step.at(len(r.talkers) + len(r.kicked))
		return nil
	})
	r.acquaint()
	return err
}

var platforms = []chat.Platform{chat.Web, chat.IOS, chat.Android, chat.Desktop}

const (
	signUps  = 4 // under way at once: each costs the server a password hash
	kickSets = 3 // devices of somebody who is signed out again and again
)

// arrive signs somebody up, on the first handset or on all of them.
func (p *person) arrive(ctx context.Context, all bool) error {
	if err := p.sets[0].register(ctx); err != nil {
		return err
	}
	for _, h := range p.sets[1:] {
		if !all {
			break
		}
		if err := h.signIn(ctx); err != nil {
			return err
		}
	}
	return nil
}

// acquaint gives everybody a few people to write to.
func (r *run) acquaint() {
	for i, p := range r.talkers {
		for j := 1; j <= min(2, len(r.talkers)-1); j++ {
			peer := r.talkers[(i+j)%len(r.talkers)]
			p.peers = append(p.peers, peer)
			if len(r.talkers) > 2 {
				peer.peers = append(peer.peers, p)
			}
		}
	}
}

// readUsers takes the people of a file; several lines of one user are devices.
func (r *run) readUsers() error {
	f, err := os.Open(r.o.Users)
	if err != nil {
		return err
	}
	defer f.Close()
	known := map[chat.UserID]*person{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		var a struct {
			Username string        `json:"username"`
			User     chat.UserID   `json:"user"`
			Device   chat.DeviceID `json:"device"`
			Token    string        `json:"access_token"`
		}
		if len(lines.Bytes()) == 0 {
			continue
		}
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil || a.Token == "" || a.User == "" {
			return fmt.Errorf("%s, line %d: not what \"tieline token\" prints", r.o.Users, n)
		}
		p := known[a.User]
		if p == nil && (r.o.People == 0 || len(r.talkers) < r.o.People) {
			p = r.newPerson(a.Username, "")
			p.id, known[a.User] = a.User, p
			r.talkers = append(r.talkers, p)
		}
		if p != nil {
			p.handset(a.Device, chat.Desktop).signedIn(0, func(context.Context) (string, error) { return a.Token, nil })
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", r.o.Users, err)
	}
	if len(r.talkers) < 2 {
		return fmt.Errorf("%s holds %d people: at least two write to each other", r.o.Users, len(r.talkers))
	}
	r.acquaint()
	return nil
}

// findPolicy learns TIELINE_SESSIONS from what becomes of an account's devices.
func (r *run) findPolicy(ctx context.Context) (chat.Policy, error) {
	quiet := &run{o: r.o, rec: newRecorder(nil), tag: r.tag, http: r.http}
	p := quiet.newPerson(r.tag+"-policy", chat.NewID())
	first, second, third := p.handset("first", chat.Web), p.handset("second", chat.Web), p.handset("third", chat.IOS)
	if err := first.register(ctx); err != nil {
		return "", fmt.Errorf("signing up: %w (accounts may be given instead: see --users)", err)
	}
	for _, step := range []struct {
		in, out   *handset
		otherwise chat.Policy
	}{{second, first, chat.Multi}, {third, second, chat.PerPlatform}} {
		if err := step.in.signIn(ctx); err != nil {
			return "", err
		}
		ended, err := step.out.hasEnded(ctx)
		if err != nil || !ended {
			return step.otherwise, err
		}
	}
	return chat.Single, nil
}

// hasEnded asks a few times whether a session has ended.
func (h *handset) hasEnded(ctx context.Context) (bool, error) {
	for range 5 {
		_, err := h.api().Me(ctx)
		if code, _ := codeOf(err); code == chat.SessionEnded {
			return true, nil
		} else if err != nil && !code.Retryable() && code != noAnswer {
			return false, err
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return false, err
		}
	}
	return false, nil
}

// each calls do for 0 to n-1, so many at a time, until all are done or one
// fails.
func each(ctx context.Context, n, atOnce int, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(n, atOnce) {
		workers.Go(func() {
			for i := range next {
				if err := do(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	workers.Wait()
	return context.Cause(ctx)
}
