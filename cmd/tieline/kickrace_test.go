package main_test

import (
	"slices"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
)

// Promise 6: whatever races with what, of each class of devices that the policy
// lets one of be signed in, the latest is, and no other.
func TestKickRaceSingle(t *testing.T) {
	t.Parallel()
	kickRace(t, chat.Single, 5, 5, 1)
}

func TestKickRacePerPlatform(t *testing.T) {
	t.Parallel()
	kickRace(t, chat.PerPlatform, 5, 5, 1)
}

// kickRace has four devices of each of some people do so many things each, over
// three nodes of which one after the other is killed.
func kickRace(t *testing.T, p chat.Policy, people, steps, kills int) {
	s := newStory(t, nodes(3), policy(p), setting("TIELINE_LOG_LEVEL", "info"))
	var all []*contender
	for i := range people {
		u := s.User("racer" + string(rune('a'+i)))
		for id, on := range map[chat.DeviceID]chat.Platform{"phone": chat.IOS, "tablet": chat.IOS, "laptop": chat.Web, "desk": chat.Web} {
			all = append(all, &contender{t: t, user: u, id: id, platform: on, urls: s.urls()})
		}
	}
	t.Cleanup(func() {
		for _, c := range all {
			c.leave(false)
		}
	})
	acted := make(chan struct{})
	go func() { defer close(acted); act(all, steps) }()
	for k := range kills {
		n := s.nodes[k%len(s.nodes)]
		n.Kill()
		n.Start()
	}
	<-acted
	var sum tally
	for _, c := range all {
		sum.add(c.tally)
	}
	t.Logf("%d sign-ins, %d connects, %d closes, %d kills of nodes: %d displaced, %d taken over, %d not reached, %d told to come later",
		sum.logins, sum.connects, sum.closes, kills, sum.kicks, sum.kept, sum.failed, sum.refused)
	for _, c := range all {
		s.settles(c)
	}
	s.oneOfEach(p, all)
}

// settles waits until a contender is connected if it may be, and displaced if
// it may not, as the database has it.
func (s *story) settles(c *contender) {
	s.t.Helper()
	latest := s.signedIn(c.user.ID)
	eventually(s.t, soon, c.String()+" is in, or knows that it is not", func() bool {
		switch login, in := latest[c.id]; {
		case c.token == "":
			return true
		case in && login == c.login:
			if !c.open() {
				c.connect()
			}
			if c.out {
				s.t.Fatalf("%s is the latest and is displaced", c)
			}
			return c.open()
		case in: // by a sign-in whose answer was lost with its node
			return true
		default:
			if !c.open() && !c.out {
				c.connect()
			}
			return c.out && !c.open()
		}
	})
}

// oneOfEach looks at who is left: one of each class, by the database, which is
// the latest, and the same by the sockets.
func (s *story) oneOfEach(p chat.Policy, all []*contender) {
	s.t.Helper()
	type class struct {
		user chat.UserID
		of   chat.Platform
	}
	left := map[class][]*contender{}
	for _, c := range all {
		k := class{c.user.ID, c.platform}
		if p == chat.Single {
			k.of = ""
		}
		if _, in := s.signedIn(c.user.ID)[c.id]; in {
			left[k] = append(left[k], c)
		} else if c.open() {
			s.t.Errorf("%s is not signed in and connected", c)
		}
	}
	for k, some := range left {
		if len(some) != 1 {
			s.t.Errorf("of %v on %q there are left: %v", k.user, k.of, some)
		}
	}
	for _, c := range all {
		if c.open() && !slices.Contains(s.sessionsOf(c.user.ID), string(c.id)) {
			s.t.Errorf("%s is connected and Redis does not know it", c)
		}
	}
}
