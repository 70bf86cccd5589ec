package verify

import (
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// Counts is what went on in a run, as far as its history tells.
type Counts struct {
	People        int               `json:"people"`
	Devices       int               `json:"devices"`
	Conversations int               `json:"conversations"`     // whose history was read
	Kept          int               `json:"kept"`              // messages found there
	Messages      int               `json:"messages"`          // ids that were sent
	Sent          int               `json:"sent"`              // times that any was
	Altered       int               `json:"altered"`           // of them with another body under an id that was taken
	Acknowledged  int               `json:"acknowledged"`      // answers, not ids
	NotLive       int               `json:"not_live"`          // of them with live=false
	Refused       map[chat.Kind]int `json:"refused,omitempty"` // by code
	Received      int               `json:"received"`          // messages shown, repetitions included
	Repeated      int               `json:"repeated"`          // of them to a device that had been shown them before
	Reads         int               `json:"reads"`
	Connects      int               `json:"connects"`
	Reconnects    int               `json:"reconnects"` // of them not the first of their device
	Failed        int               `json:"failed"`     // of them that did not get as far as "synced"
	FromHistory   int               `json:"from_history"`
	Gaps          int               `json:"gaps"`
	Interruption  time.Duration     `json:"interruption"` // the longest, from the first attempt to come back until level again
	SignIns       int               `json:"sign_ins"`
	Ended         int               `json:"ended"` // requests that ended other sessions
	Kicked        int               `json:"kicked"`
}

// Count counts a history.
func Count(h History) Counts {
	w := newWorld(h)
	n := Counts{Refused: map[chat.Kind]int{}, Devices: len(w.devices), Messages: len(w.letters), SignIns: len(w.grants), Reads: len(w.reads)}
	people, read := map[chat.UserID]bool{}, map[chat.ConversationID]bool{}
	for _, d := range w.devices {
		people[d.user] = true
		n.addDevice(d)
	}
	for _, p := range w.pulls {
		if p.done != nil {
			read[p.done.Conversation] = true
		}
	}
	for _, l := range w.letters {
		for _, a := range l.attempts {
			if a.send.body() != l.first().body() {
				n.Altered++
			}
		}
	}
	for i := range h {
		n.addEvent(&h[i])
	}
	n.People, n.Conversations, n.Kept = len(people), len(read), len(w.kept)
	return n
}

func (n *Counts) addEvent(e *Event) {
	switch e.What {
	case Send:
		n.Sent++
	case Ack:
		n.Acknowledged++
		if !e.Live {
			n.NotLive++
		}
	case Refusal:
		n.Refused[e.Code]++
	case End:
		n.Ended++
	case Kicked:
		if e.Reason != chat.Replaced {
			n.Kicked++
		}
	case Synced:
		if e.Source == "history" {
			n.FromHistory++
		}
	}
}

func (n *Counts) addDevice(d *device) {
	n.Received += len(d.shown) + len(d.again)
	n.Repeated += len(d.again)
	n.Gaps += len(d.gaps)
	var lost *Event // the first attempt to come back
	for i, x := range d.conns {
		n.Connects++
		if i > 0 {
			n.Reconnects++
		}
		if lost == nil {
			lost = x.connect
		}
		if x.synced == nil && (x.verdict() || x.welcome != nil && x.leave != nil) {
			lost = nil // it was not to come back, or was let in and did not stay
			continue
		}
		if x.synced == nil {
			n.Failed++
			continue
		}
		n.Interruption = max(n.Interruption, x.synced.At-lost.At)
		lost = nil
	}
}
