package verify

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tieline/tieline/pkg/chat"
)

// door is a server that signs people in and out as promised: what a request
// does, it does at some moment between its question and its answer, and whoever
// it ends is told within a second.
type door struct {
	m      *model
	policy chat.Policy
	grants int
	sets   []*doorSet
}

// doorSet is a device: the sign-in that it holds, and the one that the server
// knows, with the reason why that has ended.
type doorSet struct {
	id    chat.DeviceID
	grant int
	conn  int
	login int
	ended chat.Reason
}

// why says why the device may not enter, "" if it may.
func (s *doorSet) why() chat.Reason {
	if s.ended == "" && s.grant != s.login {
		return chat.SignedOut
	}
	return s.ended
}

func newDoor(t *rapid.T, policy chat.Policy) *door {
	d := &door{m: &model{t: t}, policy: policy}
	d.m.add(Event{What: Begin, Policy: policy, Tag: "t"})
	for i := range 3 {
		d.sets = append(d.sets, &doorSet{id: chat.DeviceID(fmt.Sprint("d", i)), ended: chat.SignedOut})
	}
	return d
}

func (d *door) set() *doorSet { return d.sets[d.m.number(0, 2)] }

func (d *door) on(s *doorSet, e Event) {
	e.User, e.Device, e.Conn = "u", s.id, s.conn
	d.m.add(e)
}

// request is one that ends sessions: while it is under way, other things happen.
// Sometimes it is not answered, and then it worked or not.
func (d *door) request(s *doorSet, e Event, does func()) bool {
	e.User, e.Device, e.Began = "u", s.id, d.m.now
	lost := d.m.number(0, 9) == 0
	d.meanwhile()
	if !lost || d.m.maybe() {
		does()
	}
	d.meanwhile()
	if lost {
		e.Code, e.Grant = noAnswer, 0
	}
	d.m.add(e)
	return !lost
}

func (d *door) meanwhile() {
	if d.m.maybe() {
		d.connect(d.set())
	}
}

func (d *door) signIn(s *doorSet) {
	d.grants++
	g := d.grants
	if d.request(s, Event{What: SignIn, Grant: g, Platform: chat.Web}, func() {
		for _, o := range d.sets {
			if o == s || d.policy == chat.Single {
				d.kick(o, chat.SignedInElsewhere)
			}
		}
		s.login, s.ended = g, ""
	}) {
		s.grant = g
	}
}

// race has two devices sign in at once; one of them stays.
func (d *door) race() {
	a, b := d.sets[0], d.sets[1]
	began := d.m.now
	for _, s := range d.sets {
		d.kick(s, chat.SignedInElsewhere)
	}
	if d.m.maybe() {
		a, b = b, a
	}
	for _, s := range d.sets[:2] {
		d.grants++
		s.grant, s.login = d.grants, d.grants
		d.m.add(Event{What: SignIn, User: "u", Device: s.id, Grant: s.grant, Platform: chat.Web, Began: began})
	}
	a.ended, b.ended = "", ""
	if d.m.maybe() {
		d.connect(b)
	}
	d.kick(b, chat.SignedInElsewhere)
	d.connect(a)
	d.connect(b)
}

// kick ends a session, and tells its socket.
func (d *door) kick(s *doorSet, why chat.Reason) {
	if s.ended != "" {
		return
	}
	s.ended = why
	if s.conn != 0 {
		d.on(s, Event{What: Kicked, Reason: why})
		d.on(s, Event{What: Closed, Close: 4001})
		s.conn = 0
	}
}

// connect tries to get in, with what the device has.
func (d *door) connect(s *doorSet) {
	if s.grant == 0 {
		return
	}
	old := s.conn
	d.m.conns++
	s.conn = d.m.conns
	d.on(s, Event{What: Connect, Grant: s.grant})
	switch {
	case d.m.number(0, 9) == 0:
		d.on(s, Event{What: Closed, Close: 1006})
		s.conn = old
	case s.why() != "":
		d.on(s, Event{What: Kicked, Reason: s.why()})
		d.on(s, Event{What: Closed, Close: 4001})
		s.conn = 0
	default:
		d.on(s, Event{What: Welcome})
		if next := s.conn; old != 0 {
			s.conn = old
			d.on(s, Event{What: Kicked, Reason: chat.Replaced})
			d.on(s, Event{What: Closed, Close: 4006})
			s.conn = next
		}
	}
}

// end has a device end sessions over HTTP.
func (d *door) end(s *doorSet, how string) {
	if s.why() != "" || s.grant == 0 {
		return
	}
	why := map[string]chat.Reason{HowOthers: chat.DeviceRemoved, HowPassword: chat.PasswordChanged, HowLogout: chat.SignedOut}[how]
	d.request(s, Event{What: End, Grant: s.grant, How: how}, func() {
		for _, o := range d.sets {
			if (o == s) == (how == HowLogout) {
				d.kick(o, why)
			}
		}
	})
}

func (d *door) ask(s *doorSet) {
	e := Event{What: Ask, User: "u", Device: s.id, Grant: s.grant, Began: d.m.now}
	switch {
	case s.grant == 0:
		return
	case d.m.number(0, 9) == 0:
		e.Code = noAnswer
	case s.why() != "":
		e.Code, e.Reason = chat.SessionEnded, s.why()
	}
	d.m.add(e)
}

// hear has the server say something on a socket.
func (d *door) hear(s *doorSet) {
	if s.conn != 0 {
		d.on(s, Event{What: Pong})
	}
}

func (d *door) leave(s *doorSet) {
	if s.conn != 0 {
		d.on(s, Event{What: Leave, How: HowDrop})
		s.conn = 0
	}
}

func TestNoCorrectKickIsBlamed(t *testing.T) {
	for _, policy := range []chat.Policy{chat.Single, chat.Multi} {
		t.Run(string(policy), rapid.MakeCheck(func(t *rapid.T) {
			d := newDoor(t, policy)
			actions := map[string]func(*rapid.T){
				"sign in":  func(*rapid.T) { d.signIn(d.set()) },
				"connect":  func(*rapid.T) { d.connect(d.set()) },
				"others":   func(*rapid.T) { d.end(d.set(), HowOthers) },
				"password": func(*rapid.T) { d.end(d.set(), HowPassword) },
				"logout":   func(*rapid.T) { d.end(d.set(), HowLogout) },
				"ask":      func(*rapid.T) { d.ask(d.set()) },
				"hear":     func(*rapid.T) { d.hear(d.set()) },
				"leave":    func(*rapid.T) { d.leave(d.set()) },
				"wait":     func(*rapid.T) { d.m.now += 4 * time.Second },
			}
			if policy == chat.Single {
				actions["race"] = func(*rapid.T) { d.race() }
			}
			t.Repeat(actions)
			if found := Check(d.m.h); len(found) > 0 {
				t.Fatalf("%+v", found)
			}
		}))
	}
}
