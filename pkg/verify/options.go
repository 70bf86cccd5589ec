package verify

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// Options says what to drive, and how hard. Zero values take the default named.
type Options struct {
	URLs     []string      // of the nodes; a device comes back to any of them
	Duration time.Duration // of the traffic, without what comes before and after; default: 30 s
	Users    string        // a file of JSON lines as "tieline token" prints them; default: signs up its own
	People   int           // who write to each other; default: 6, or all of Users
	Kicked   int           // who besides sign each other's devices out, of those who signed up; default: 2
	Rate     float64       // messages a second of each device; default: 3
	Settle   time.Duration // how long what was missed may take to arrive in the end; default: 30 s

	// Sessions is TIELINE_SESSIONS of the nodes; default: finds out. Of people
	// from a file it is neither needed nor known.
	Sessions chat.Policy
	// RedisMayBeLost declares that Redis loses something during the run: a
	// message that comes again is then counted, and not complained of.
	RedisMayBeLost bool

	Evidence io.Writer // gets the history, as JSON lines, while it happens; nil: nobody
	Progress io.Writer // for a progress bar; nil, or no terminal: none
}

func (o *Options) complete() error {
	if len(o.URLs) == 0 {
		return errors.New("verify: no URL of a node")
	}
	switch o.Sessions {
	case "", chat.Multi, chat.PerPlatform, chat.Single:
	default:
		return fmt.Errorf("verify: no policy %q: there are %s, %s and %s", o.Sessions, chat.Multi, chat.PerPlatform, chat.Single)
	}
	if o.People == 1 || o.People < 0 || o.Kicked < 0 {
		return errors.New("verify: at least two people write to each other")
	}
	fallback(&o.Duration, 30*time.Second)
	fallback(&o.Settle, 30*time.Second)
	fallback(&o.Rate, 3)
	if o.Users == "" {
		fallback(&o.People, 6)
		fallback(&o.Kicked, 2)
	}
	return nil
}

func fallback[T int | float64 | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}
