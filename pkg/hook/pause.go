package hook

import (
	"math/rand/v2"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// backoff returns how long to wait after a number of failures, the first of them
// not counted: between half and all of a time that doubles, up to a limit.
func backoff(first, most time.Duration, failures int) time.Duration {
	wait := most
	if failures < 32 && first<<failures < most {
		wait = first << failures
	}
	return wait/2 + rand.N(wait/2+1)
}

// pause keeps the poster from hammering on a program that answers nobody. Its
// methods are called under the poster's lock.
type pause struct {
	first time.Duration
	of    map[chat.UserID]bool // whose hooks failed since the last one that did not
	times int                  // pauses, one after the other
	until time.Time
}

// The hooks of so many users fail, and none succeeds, before there is a pause;
// and how long one is at most.
const (
	pauseAfter = 5
	pauseMost  = time.Minute
)

func newPause(first time.Duration) pause {
	return pause{first: first, of: map[chat.UserID]bool{}}
}

// allows returns how many posts may begin: after a pause one, to see.
func (p *pause) allows(now time.Time, busy int) int {
	switch {
	case p.times == 0:
		return workers - busy
	case busy > 0 || now.Before(p.until):
		return 0
	}
	return 1
}

// failed notes that a hook of a user failed.
func (p *pause) failed(u chat.UserID, now time.Time) {
	p.of[u] = true
	if len(p.of) < pauseAfter && p.times == 0 || now.Before(p.until) {
		return
	}
	p.until = now.Add(backoff(p.first, pauseMost, p.times))
	p.times++
}

// over notes that one did not.
func (p *pause) over() {
	clear(p.of)
	p.times, p.until = 0, time.Time{}
}
