package verify

import (
	"testing"

	"pgregory.net/rapid"
)

// live lets random things happen to a model, and returns the history.
func live(t *rapid.T, lossy bool) History {
	m := newModel(t, lossy)
	actions := map[string]func(*rapid.T){
		"connect": func(*rapid.T) {
			if d := m.device(); d.conn == 0 {
				m.connect(d, false)
			}
		},
		"send":    func(*rapid.T) { d := m.connected(); m.send(d, m.draft(d.user)) },
		"repeat":  func(*rapid.T) { m.repeat(m.connected()) },
		"twice":   func(*rapid.T) { m.twice(m.connected()) },
		"deliver": func(*rapid.T) { m.deliver(m.device().user) },
		"push": func(*rapid.T) {
			if d := m.device(); d.conn != 0 && d.at < len(m.queues[d.user]) {
				m.push(d)
			}
		},
		"report": func(*rapid.T) { m.report(m.connected()) },
		"read":   func(*rapid.T) { m.read(m.device()) },
		"leave": func(t *rapid.T) {
			if d := m.device(); d.conn != 0 {
				m.leave(d, rapid.SampledFrom([]string{HowBye, HowDrop, HowFreeze, HowReplace}).Draw(t, "how"))
			}
		},
	}
	if lossy {
		actions["lose"] = func(*rapid.T) {
			if m.number(0, 9) == 0 {
				m.lose()
			}
		}
	}
	t.Repeat(actions)
	return m.settle()
}

func TestNoCorrectHistoryIsBlamed(t *testing.T) {
	for name, lossy := range map[string]bool{"Redis stays": false, "Redis may be lost": true} {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			if found := Check(live(t, lossy)); len(found) > 0 {
				t.Fatalf("%+v", found)
			}
		}))
	}
}

// wounds are small changes to a correct history that break a promise, wherever
// they are made.
var wounds = map[string]func(h History, e *Event) bool{
	"a message is kept from a device": func(h History, e *Event) bool {
		was := *e
		return was.What == Message && acknowledged(h, was.spot()) && !tried(h, e) && hide(h, func(o *Event) bool {
			return o.What == Message && o.spot() == was.spot() && o.User == was.User && o.Device == was.Device
		})
	},
	"a message is kept from a reader": func(h History, e *Event) bool {
		n := e.N
		return e.What == Kept && acknowledged(h, e.spot()) && hide(h, func(o *Event) bool { return o.N == n })
	},
	"another text is shown": func(_ History, e *Event) bool {
		if e.What != Message && e.What != Kept {
			return false
		}
		e.Text += "!"
		return true
	},
	"another time is shown": func(_ History, e *Event) bool {
		if e.What != Message {
			return false
		}
		e.Written = written(e.Seq + 1)
		return true
	},
	"synced counts wrong": func(_ History, e *Event) bool { e.Count++; return e.What == Synced },
	"an ack names another place": func(h History, e *Event) bool {
		e.Seq += 1000
		return e.What == Ack
	},
	"somebody else is named": func(_ History, e *Event) bool {
		if e.What != Kept {
			return false
		}
		e.From += "x"
		return true
	},
	"a cursor goes back": func(_ History, e *Event) bool { e.Seq--; return e.What == Cursor },
}

// hide takes events out of what the rules look at.
func hide(h History, match func(*Event) bool) bool {
	for i := range h {
		if match(&h[i]) {
			h[i] = Event{N: h[i].N, At: h[i].At, What: Quiet}
		}
	}
	return true
}

func acknowledged(h History, at spot) bool {
	return len(h.where(func(e *Event) bool { return e.What == Ack && e.spot() == at })) > 0
}

// tried reports whether a device had sent a message itself.
func tried(h History, shown *Event) bool {
	for _, i := range h.where(func(e *Event) bool { return e.What == Send && e.Text == shown.Text }) {
		if len(h.where(func(e *Event) bool {
			return e.What == Send && e.User == shown.User && e.Device == shown.Device && e.ID == h[i].ID
		})) > 0 {
			return true
		}
	}
	return false
}

func TestEveryWoundIsFound(t *testing.T) {
	for name, wound := range wounds {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			h := live(t, false)
			from := rapid.IntRange(0, len(h)-1).Draw(t, "from")
			for i := range h {
				at := (from + i) % len(h)
				old := h[at]
				if wound(h, &h[at]) {
					if len(Check(h)) == 0 {
						t.Fatalf("nobody noticed at event %d: %+v", at+1, old)
					}
					return
				}
				h[at] = old
			}
		}))
	}
}
