package verify

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

func contains(text, part string) bool { return strings.Contains(text, part) }

// kicks is a correct history of sign-ins under the policy "single": the tablet
// displaces the phone, which is told, tries to come back and is told again; then
// web and phone sign in at once, and the phone stays.
func kicks() History {
	s := newScript(Event{Policy: chat.Single})
	s.signIn("alice", "phone", 1)
	phone := s.welcomed("alice", "phone", 1, "")
	s.synced(phone, 0, "o")
	s.signIn("alice", "tablet", 2)
	s.kicked(phone, chat.SignedInElsewhere, 4001)
	tablet := s.welcomed("alice", "tablet", 2, "")
	s.synced(tablet, 0, "o")
	s.kicked(s.dials("alice", "phone", 1, "o"), chat.SignedInElsewhere, 4001)
	s.passes(3 * time.Second)
	s.asked(Event{What: Ask, User: "alice", Device: "phone", Grant: 1, Code: chat.SessionEnded})
	s.on(tablet, Event{What: Leave, How: HowReplace})
	again := s.welcomed("alice", "tablet", 2, "o")
	s.kicked(tablet, chat.Replaced, 4006)
	s.synced(again, 0, "o")
	s.race()
	s.kicked(again, chat.SignedInElsewhere, 4001)
	web, back := s.welcomed("alice", "web", 3, ""), s.welcomed("alice", "phone", 4, "o")
	s.kicked(web, chat.SignedInElsewhere, 4001)
	s.synced(back, 0, "o")
	s.passes(5 * time.Second)
	s.settled("alice", "phone")
	return s.h
}

// race has web and phone sign in at the same time.
func (s *script) race() {
	began := s.now
	for i, d := range []chat.DeviceID{"web", "phone"} {
		s.add(Event{What: SignIn, User: "alice", Device: d, Grant: 3 + i, Platform: chat.Web, Began: began})
	}
}

// of matches what happens to one device.
func of(what What, device chat.DeviceID) func(*Event) bool {
	return func(e *Event) bool { return e.What == what && e.Device == device }
}

// without removes the nth of what happens to a device.
func without(what What, device chat.DeviceID, nth int) func(History) History {
	return func(h History) History {
		i := h.where(of(what, device))[nth]
		return slices.Delete(h, i, i+1)
	}
}

func TestEveryWrongKickIsNamed(t *testing.T) {
	welcome := func(e *Event) { e.What, e.Reason = Welcome, "" }
	for name, f := range map[string]struct {
		want  Rule
		plant func(History) History
		and   []Rule
	}{
		"the loser is not told and stays":      {RuleNotTold, both(without(Kicked, "phone", 0), without(Closed, "phone", 0), served("phone", 0)), nil},
		"the old socket stays":                 {RuleNotTold, both(without(Kicked, "tablet", 0), without(Closed, "tablet", 0), served("tablet", 0)), nil},
		"the old socket is not told":           {RuleNotTold, without(Kicked, "tablet", 0), nil},
		"the loser is closed without a word":   {RuleNotTold, both(without(Kicked, "phone", 0), change(of(Closed, "phone"), 0, func(e *Event) { e.Close = 4003 })), nil},
		"the loser is told another reason":     {RuleNotTold, change(of(Kicked, "phone"), 0, func(e *Event) { e.Reason = chat.ByAdmin }), nil},
		"told, and closed as if disabled":      {RuleNotTold, change(of(Closed, "phone"), 0, func(e *Event) { e.Close = 4004 }), nil},
		"turned away without being told":       {RuleNotTold, both(without(Kicked, "phone", 1), change(of(Closed, "phone"), 1, func(e *Event) { e.Close = 4003 })), nil},
		"its token answered as invalid":        {RuleNotTold, change(of(Ask, "phone"), 0, func(e *Event) { e.Code = chat.TokenInvalid }), nil},
		"its token still good":                 {RuleCameBack, change(of(Ask, "phone"), 0, func(e *Event) { e.Code = "" }), nil},
		"the loser is let in again":            {RuleCameBack, comesBack, nil},
		"let in again, and not closed":         {RuleNotTold, both(change(of(Kicked, "phone"), 1, welcome), without(Closed, "phone", 1), served("phone", 1)), nil},
		"closed although nobody signed it out": {RuleWrongKick, change(of(SignIn, "tablet"), 0, func(e *Event) { e.User = "bob" }), nil},
		"replaced by nobody":                   {RuleWrongKick, both(without(Connect, "tablet", 1), without(Welcome, "tablet", 1)), nil},
		"refused a token that is good":         {RuleWrongKick, change(of(Ask, "phone"), 0, func(e *Event) { e.Grant = 2 }), nil},
		"two survivors of one race":            {RuleSurvivors, both(without(Kicked, "web", 0), without(Closed, "web", 0), served("web", 0), served("phone", 2)), nil},
		"no survivor of a race":                {RuleSurvivors, noneStays, nil},
	} {
		t.Run(name, func(t *testing.T) { expect(t, f.plant(kicks()).renumbered(), f.want, f.and) })
	}
}

// served has the nth connection of a device answer a ping in the end.
func served(device chat.DeviceID, nth int) func(History) History {
	return func(h History) History {
		on := h[h.where(of(Connect, device))[nth]]
		e := Event{At: h[len(h)-1].At, What: Pong, User: on.User, Device: device, Conn: on.Conn}
		return slices.Insert(h, len(h)-1, e)
	}
}

// comesBack lets the phone in, three seconds after it was signed out, until
// something else cuts it off.
func comesBack(h History) History {
	i := h.where(of(Ask, "phone"))[0]
	on := Event{At: h[i].At, User: "alice", Device: "phone", Conn: 77, Grant: 1}
	connect, welcome, leave := on, on, on
	connect.What, welcome.What, leave.What = Connect, Welcome, Leave
	return slices.Insert(h, i+1, connect, welcome, leave)
}

// noneStays has the phone told to go, too.
func noneStays(h History) History {
	i := h.where(of(Settled, "phone"))[0]
	conns := h.where(of(Connect, "phone"))
	on := Event{At: h[i].At, User: "alice", Device: "phone", Conn: h[conns[len(conns)-1]].Conn}
	kicked, closed := on, on
	kicked.What, kicked.Reason, closed.What, closed.Close = Kicked, chat.SignedInElsewhere, Closed, 4001
	return slices.Insert(h, i, kicked, closed)
}
