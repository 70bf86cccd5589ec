package verify

import "github.com/tieline/tieline/pkg/chat"

// reader is somebody's read cursor of a conversation.
type reader struct {
	user chat.UserID
	in   chat.ConversationID
}

// readBack: how far somebody has read never goes back, and is never less than
// what the server has confirmed.
func (c *checker) readBack() {
	known := map[reader][]*Event{}
	for _, e := range append(append([]*Event{}, c.reads...), c.cursors...) {
		if e.Conn == 0 && e.Code == "" {
			key := reader{e.User, e.Conversation}
			known[key] = append(known[key], e)
		}
	}
	for _, e := range c.cursors {
		for _, before := range known[reader{e.User, e.Conversation}] {
			if before.At < e.Began && before.Seq > e.Seq {
				c.report(RuleReadBack, evidence(before, e), "%s had read %s up to seq %d, and later the server said %d", e.User, e.Conversation, before.Seq, e.Seq)
				break
			}
		}
	}
}

// receiptsBack: of what was read in order, on one connection or one after the other
// over HTTP, the receipts come in that order.
func (c *checker) receiptsBack() {
	type reading struct {
		reader
		seq int64
	}
	read := map[reading]*Event{}
	for _, e := range c.reads {
		if key := (reading{reader{e.User, e.Conversation}, e.Seq}); read[key] == nil {
			read[key] = e
		}
	}
	for _, x := range c.conns {
		newest := map[reader]*Event{}
		for _, e := range x.receipts {
			key := reader{e.From, e.Conversation}
			before := newest[key]
			newest[key] = e
			if before == nil || before.Seq <= e.Seq {
				continue
			}
			lower, higher := read[reading{key, e.Seq}], read[reading{key, before.Seq}]
			if lower != nil && higher != nil && lower.precedes(higher) {
				c.report(RuleReadBack, evidence(lower, higher, before, e), "%s was told that %s had read %s up to seq %d, and after that, up to seq %d",
					x.device, e.From, e.Conversation, before.Seq, e.Seq)
			}
		}
	}
}

// precedes reports whether one read was certainly done before another.
func (e *Event) precedes(later *Event) bool {
	if e.Conn == 0 {
		return e.At < later.Began || later.Conn != 0 && e.N < later.N
	}
	return e.Conn == later.Conn && e.N < later.N
}
