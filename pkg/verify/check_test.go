package verify

import (
	"slices"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// talk is a correct history of a direct conversation: alice sends three
// messages from her phone, the second one again through another connection and
// once with another body; bob and alice's tablet hear them, over a reconnect
// each; reads and receipts follow.
func talk() History {
	s := newScript(Event{Policy: chat.Multi})
	s.signIn("alice", "phone", 1)
	s.signIn("alice", "tablet", 2)
	s.signIn("bob", "web", 3)
	phone, tablet, bob := s.welcomed("alice", "phone", 1, ""), s.welcomed("alice", "tablet", 2, ""), s.welcomed("bob", "web", 3, "")
	s.synced(phone, 0, "a0")
	s.synced(tablet, 0, "a0")
	s.synced(bob, 0, "b0")
	s.sends(phone, "m1", "bob", "one")
	s.sends(phone, "m2", "bob", "two")
	s.acked(phone, "m1", 1)
	s.shown(bob, "alice", 1, "one", "b1")
	s.shown(tablet, "alice", 1, "one", "a1")
	s.acked(phone, "m2", 2)
	s.on(bob, Event{What: Received, Offset: "b1"})
	s.on(bob, Event{What: Ping, ID: "p"})
	s.on(bob, Event{What: Pong, ID: "p"})
	s.leaves(bob, HowBye, 1000)
	s.sends(tablet, "m2", "bob", "two")
	s.acked(tablet, "m2", 2)
	s.sends(phone, "m2", "bob", "another two")
	s.on(phone, Event{What: Refusal, ID: "m2", Code: chat.Conflict})
	bob = s.welcomed("bob", "web", 3, "b1")
	s.shown(bob, "alice", 2, "two", "b2")
	s.synced(bob, 1, "b2")
	s.sends(phone, "m3", "bob", "three")
	s.acked(phone, "m3", 3)
	s.shown(bob, "alice", 3, "three", "b3")
	s.leaves(tablet, HowDrop, 1006)
	tablet = s.welcomed("alice", "tablet", 2, "a1")
	s.shown(tablet, "alice", 2, "two", "a2")
	s.shown(tablet, "alice", 3, "three", "a3")
	s.synced(tablet, 2, "a3")
	s.on(bob, Event{What: Read, Conversation: "d", Seq: 2})
	s.on(bob, Event{What: Read, Conversation: "d", Seq: 3})
	s.on(phone, Event{What: Receipt, From: "bob", Conversation: "d", Seq: 2})
	s.on(phone, Event{What: Receipt, From: "bob", Conversation: "d", Seq: 3})
	s.asked(Event{What: Read, User: "bob", Conversation: "d", Seq: 3})
	s.passes(3 * time.Second)
	for _, d := range [][2]string{{"alice", "phone"}, {"alice", "tablet"}, {"bob", "web"}} {
		s.settled(chat.UserID(d[0]), chat.DeviceID(d[1]))
	}
	kept := [][2]string{{"alice", "one"}, {"alice", "two"}, {"alice", "three"}}
	s.pulls("alice", kept...)
	s.pulls("bob", kept...)
	s.asked(Event{What: Cursor, User: "bob", Conversation: "d", Seq: 3})
	return s.h
}

func TestACorrectHistoryBreaksNothing(t *testing.T) {
	for name, h := range map[string]History{"talk": talk(), "kicks": kicks()} {
		if found := Check(h); len(found) > 0 {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

// is matches events by what they are, to whom and, unless it is 0, with which seq.
func is(what What, user chat.UserID, seq int64) func(*Event) bool {
	return func(e *Event) bool { return e.What == what && e.User == user && (seq == 0 || e.Seq == seq) }
}

// change has the nth event that matches changed.
func change(match func(*Event) bool, nth int, how func(*Event)) func(History) History {
	return func(h History) History {
		how(&h[h.where(match)[nth]])
		return h
	}
}

// drop removes every event that matches.
func drop(match func(*Event) bool) func(History) History {
	return func(h History) History { return slices.DeleteFunc(h, func(e Event) bool { return match(&e) }) }
}

// repeat has the nth event that matches happen again at once.
func repeat(match func(*Event) bool, nth int) func(History) History {
	return func(h History) History {
		i := h.where(match)[nth]
		return slices.Insert(h, i+1, h[i])
	}
}

// swap exchanges the places of two events, but for their numbers and times.
func swap(a, b func(*Event) bool) func(History) History {
	return func(h History) History {
		i, j := h.where(a)[0], h.where(b)[0]
		h[i], h[j] = h[j], h[i]
		h[i].At, h[j].At = h[j].At, h[i].At
		return h
	}
}

// both applies several changes.
func both(changes ...func(History) History) func(History) History {
	return func(h History) History {
		for _, c := range changes {
			h = c(h)
		}
		return h
	}
}

func TestEveryPlantedFaultIsNamed(t *testing.T) {
	for name, f := range map[string]struct {
		want  Rule
		plant func(History) History
		and   []Rule // that the same fault breaks, too
	}{
		"acknowledged, not in the history":       {RuleLost, drop(is(Kept, "bob", 3)), nil},
		"in no history, and never shown":         {RuleLost, both(drop(is(Kept, "bob", 3)), drop(is(Kept, "alice", 3)), drop(is(Message, "bob", 3))), []Rule{RuleUndelivered}},
		"never shown to the recipient":           {RuleUndelivered, drop(is(Message, "bob", 3)), nil},
		"never shown to the sender's other":      {RuleUndelivered, both(drop(is(Message, "alice", 3)), setCount("alice", 1)), nil},
		"kept, never acknowledged nor shown":     {RuleUndelivered, both(drop(is(Message, "bob", 2)), drop(is(Ack, "alice", 2)), setCount("bob", 0)), nil},
		"twice on one connection":                {RuleTwice, repeat(is(Message, "bob", 3), 0), nil},
		"again behind the offset":                {RuleTwice, both(change(is(Message, "bob", 2), 0, func(e *Event) { e.Seq, e.Text, e.Written = 1, "t one", written(1) }), drop(is(Message, "bob", 3))), []Rule{RuleUndelivered}},
		"again although reported":                {RuleTwice, both(change(is(Connect, "bob", 0), 1, func(e *Event) { e.Offset = "" }), repeatAs(is(Message, "bob", 2), 1, "one", "b1'"), setCount("bob", 2)), nil},
		"shown to the connection that sent it":   {RuleTwice, echo, nil},
		"one id, two seqs":                       {RuleTwoSeqs, change(is(Ack, "alice", 2), 1, func(e *Event) { e.Seq, e.Written = 9, written(9) }), nil},
		"one id twice in the history":            {RuleTwoSeqs, addKept(4, "two"), nil},
		"another body acknowledged":              {RuleConflict, change(isRefusal, 0, func(e *Event) { e.What, e.Code, e.Conversation, e.Seq, e.Written = Ack, "", "d", 2, written(2) }), nil},
		"another body told something else":       {RuleConflict, change(isRefusal, 0, func(e *Event) { e.Code = chat.Invalid }), nil},
		"the same body told conflict":            {RuleConflict, change(func(e *Event) bool { return e.What == Send && e.Text == "t another two" }, 0, func(e *Event) { e.Text = "t two" }), nil},
		"one seq, two messages":                  {RuleOneSeq, change(is(Ack, "alice", 3), 0, func(e *Event) { e.Seq, e.Written = 1, written(1) }), nil},
		"a hole in the history":                  {RuleHole, both(drop(is(Kept, "bob", 2)), drop(is(Kept, "alice", 2))), []Rule{RuleLost}},
		"a history against the order":            {RuleHole, swap(is(Kept, "bob", 2), is(Kept, "bob", 3)), nil},
		"another text in the history":            {RuleDisagree, change(is(Kept, "bob", 2), 0, func(e *Event) { e.Text = "t too" }), nil},
		"another time at a device":               {RuleDisagree, change(is(Message, "bob", 3), 0, func(e *Event) { e.Written = written(7) }), nil},
		"two messages exchanged for a recipient": {RuleDisagree, exchanged, nil},
		"something else than was acknowledged":   {RuleDisagree, both(changeAll(3, func(e *Event) { e.Text = "t odd" })), []Rule{RuleStranger}},
		"seqs against the order sent":            {RuleOrder, reordered, []Rule{RuleDisagree}},
		"shown against the order sent":           {RuleOvertaken, late, nil},
		"shown to somebody else":                 {RuleStranger, toCarol, nil},
		"synced counts too many":                 {RuleSynced, setCount("bob", 7), nil},
		"synced counts too few":                  {RuleSynced, setCount("alice", 1), nil},
		"synced before what was missed":          {RuleSynced, early, nil},
		"an offset from before the one resumed":  {RuleOffset, change(is(Message, "bob", 2), 0, func(e *Event) { e.Offset = "b0" }), nil},
		"an offset that goes back":               {RuleOffset, change(is(Synced, "alice", 0), 2, func(e *Event) { e.Offset = "a2" }), nil},
		"a gap where nothing is missing":         {RuleGap, both(change(is(Message, "bob", 2), 0, func(e *Event) { e.What, e.Offset, e.After, e.Before, e.Seq = Gap, "", 1, 3, 0 }), setCount("bob", 0)), nil},
		"a device that could not come back":      {RuleStranded, change(is(Settled, "bob", 0), 0, func(e *Event) { e.What, e.Grant, e.Detail = Strand, 3, "refused" }), nil},
		"a read cursor goes back":                {RuleReadBack, change(is(Cursor, "bob", 3), 0, func(e *Event) { e.Seq = 2 }), nil},
		"receipts go back":                       {RuleReadBack, swap(is(Receipt, "alice", 2), is(Receipt, "alice", 3)), nil},
	} {
		t.Run(name, func(t *testing.T) { expect(t, f.plant(talk()).renumbered(), f.want, f.and) })
	}
}

// expect demands that a history breaks one rule, and no others but some.
func expect(t *testing.T, h History, want Rule, and []Rule) {
	t.Helper()
	got := rules(h)
	if !slices.Contains(got, want) {
		t.Errorf("found %v, want %s", got, want)
	}
	for _, r := range got {
		if r != want && !slices.Contains(and, r) {
			t.Errorf("found %s, too: %+v", r, Check(h))
		}
	}
}

var isRefusal = func(e *Event) bool { return e.What == Refusal }

// setCount changes what the newest synced of somebody counts.
func setCount(user chat.UserID, n int) func(History) History {
	return func(h History) History {
		at := h.where(is(Synced, user, 0))
		h[at[len(at)-1]].Count = n
		return h
	}
}

func changeAll(seq int64, how func(*Event)) func(History) History {
	return func(h History) History {
		for i := range h {
			if e := &h[i]; e.Seq == seq && (e.What == Kept || e.What == Message) {
				how(e)
			}
		}
		return h
	}
}

// repeatAs has another message come before the one that matches.
func repeatAs(match func(*Event) bool, seq int64, text, offset string) func(History) History {
	return func(h History) History {
		i := h.where(match)[0]
		e := h[i]
		e.Seq, e.Text, e.Written, e.Offset = seq, "t "+text, written(seq), offset
		return slices.Insert(h, i, e)
	}
}

// addKept has both readers find one more message in the history.
func addKept(seq int64, text string) func(History) History {
	return func(h History) History {
		for _, u := range []chat.UserID{"alice", "bob"} {
			i := h.where(is(Kept, u, 3))[0]
			e := h[i]
			e.Seq, e.Text, e.Written = seq, "t "+text, written(seq)
			h = slices.Insert(h, i+1, e)
		}
		return h
	}
}

// echo shows the phone what it has just sent.
func echo(h History) History {
	i := h.where(is(Ack, "alice", 3))[0]
	e := h[i]
	e.What, e.From, e.Text, e.Offset, e.ID = Message, "alice", "t three", "a9", ""
	return slices.Insert(h, i+1, e)
}

// exchanged has bob see the second message in the third place, and the other
// way round.
func exchanged(h History) History {
	for _, i := range h.where(func(e *Event) bool { return e.What == Message && e.User == "bob" && e.Seq > 1 }) {
		h[i].Text = map[string]string{"t two": "t three", "t three": "t two"}[h[i].Text]
	}
	return h
}

// reordered acknowledges the third message with a seq before the first.
func reordered(h History) History {
	for i := range h {
		if e := &h[i]; e.What == Ack {
			e.Seq = map[int64]int64{1: 3, 2: 2, 3: 1}[e.Seq]
			e.Written = written(e.Seq)
		}
	}
	return h
}

// late has bob shown the first message only after the third.
func late(h History) History {
	i := h.where(is(Message, "bob", 1))[0]
	e := h[i]
	h = drop(is(Message, "bob", 1))(h)
	j := h.where(is(Message, "bob", 3))[0]
	e.Conn, e.At, e.Offset = h[j].Conn, h[j].At, "b4"
	return slices.Insert(h, j+1, e)
}

// early has the tablet told that it is level although the third message was
// acknowledged long before it connected.
func early(h History) History {
	i := h.where(is(Synced, "alice", 0))[2]
	h = drop(func(e *Event) bool { return e.Conn == h[i].Conn && e.What == Message && e.Seq == 3 })(h)
	h = setCount("alice", 1)(h)
	for j := h.where(is(Connect, "alice", 0))[2]; j < len(h); j++ {
		h[j].At += time.Minute
		if h[j].Began > 0 {
			h[j].Began += time.Minute
		}
	}
	k := h.where(is(Settled, "alice", 0))[0]
	late := h[h.where(is(Message, "bob", 3))[0]]
	late.User, late.Device, late.Conn, late.Offset, late.At = "alice", "tablet", h[h.where(is(Synced, "alice", 0))[2]].Conn, "a4", h[k].At
	return slices.Insert(h, k, late)
}

// toCarol shows a direct message to a third person.
func toCarol(h History) History {
	i := h.where(is(Message, "bob", 3))[0]
	e := h[i]
	e.User, e.Device, e.Conn = "carol", "web", 99
	at := h[i].At
	return slices.Insert(h, i+1,
		Event{What: Connect, User: "carol", Device: "web", Conn: 99, At: at}, Event{What: Welcome, User: "carol", Device: "web", Conn: 99, At: at}, e)
}

func TestALostRedisExcusesRepetitionsAndNothingElse(t *testing.T) {
	lossy := change(func(e *Event) bool { return e.What == Begin }, 0, func(e *Event) { e.Lossy = true })
	again := repeat(is(Message, "bob", 3), 0)
	h := both(lossy, again)(talk()).renumbered()
	if found := Check(h); len(found) > 0 {
		t.Errorf("%+v", found)
	}
	if n := Count(h).Repeated; n != 1 {
		t.Errorf("%d counted as repeated", n)
	}
	other := both(lossy, again, change(is(Message, "bob", 3), 1, func(e *Event) { e.Text = "t else" }))
	expect(t, other(talk()).renumbered(), RuleDisagree, []Rule{RuleStranger})
}

func TestWhatHappensAtOnceIsNotJudged(t *testing.T) {
	refused := func(h History) History { // the first is refused for now, and comes after the second
		i := h.where(is(Ack, "alice", 1))[0]
		h[i].What, h[i].Code, h[i].Seq, h[i].Conversation = Refusal, chat.RateLimited, 0, ""
		j := h.where(is(Ack, "alice", 3))[0]
		send, ack := h[h.where(is(Send, "alice", 0))[0]], h[j]
		send.At, ack.At, ack.ID = h[j].At, h[j].At, "m1"
		ack.Seq, ack.Written = 1, written(1)
		return slices.Insert(h, j+1, send, ack)
	}
	if found := Check(both(refused)(talk()).renumbered()); len(found) > 0 {
		t.Errorf("refused and repeated: %+v", found)
	}
	unknown := drop(is(Ack, "alice", 3)) // kept without the sender hearing of it
	if found := Check(unknown(talk()).renumbered()); len(found) > 0 {
		t.Errorf("no ack: %+v", found)
	}
}

func TestReportsTellWhatWasFound(t *testing.T) {
	good, bad := Judge(talk()), Judge(drop(is(Message, "bob", 3))(talk()).renumbered())
	if !good.Pass || bad.Pass {
		t.Fatalf("good %v, bad %v", good.Pass, bad.Pass)
	}
	c := good.Counts
	if c.People != 2 || c.Devices != 3 || c.Sent != 5 || c.Altered != 1 || c.Acknowledged != 4 || c.Received != 6 || c.Reconnects != 2 ||
		c.Refused[chat.Conflict] != 1 || c.Kept != 3 || c.Interruption <= 0 || c.Conversations != 1 {
		t.Errorf("%+v", c)
	}
	for want, table := range map[string]string{"PASS": good.Table(), "FAIL": bad.Table(), "seq 3 of d was never shown to bob/web": bad.Table(), "conflict": good.Table()} {
		if !contains(table, want) {
			t.Errorf("no %q in\n%s", want, table)
		}
	}
}
