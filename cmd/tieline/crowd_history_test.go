package main_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// Witnessed has the crowd remember which message it heard where. It is said
// before anybody is connected.
func (c *crowd) Witnessed() { c.heardAt = map[seat]string{} }

// noteHeard is told of each message that somebody heard. Two messages that were
// given one seq are no longer one conversation for everybody.
func (c *crowd) noteHeard(f *frame) {
	if c.heardAt == nil {
		return
	}
	at := seat{f.Conversation, f.Seq}
	c.mu.Lock()
	defer c.mu.Unlock()
	if had, ok := c.heardAt[at]; ok && had != f.Text {
		c.t.Errorf("seq %d of %s is both %q and %q", f.Seq, f.Conversation, had, f.Text)
	}
	c.heardAt[at] = f.Text
}

// AgreesWithHistory compares what was acknowledged and heard with the history of
// each conversation, which has to be without holes, repeats or anything else.
func (c *crowd) AgreesWithHistory() {
	c.t.Helper()
	c.mu.Lock()
	said, heard := maps.Clone(c.said), maps.Clone(c.heardAt)
	c.mu.Unlock()
	readers, kept := map[chat.ConversationID]*member{}, map[seat]string{}
	for _, s := range said {
		readers[s.at.in] = s.by
	}
	for in, m := range readers {
		for i, text := range m.history(in) {
			kept[seat{in, int64(i + 1)}] = text
		}
	}
	for text, s := range said {
		if kept[s.at] != text {
			c.t.Errorf("%q was acknowledged as seq %d of %s, which is %q", text, s.at.seq, s.at.in, kept[s.at])
		}
	}
	for at, text := range heard {
		if kept[at] != text {
			c.t.Errorf("%q was heard as seq %d of %s, which is %q", text, at.seq, at.in, kept[at])
		}
	}
}

// history is all of a conversation, by seq, which has to begin with 1.
func (m *member) history(in chat.ConversationID) (texts []string) {
	c := m.crowd
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	for {
		next := int64(len(texts) + 1)
		page, err := c.s.api(m.token).Messages(ctx, in, client.History{AfterSeq: next - 1, BeforeSeq: next + wire.MaxHistory, Limit: wire.MaxHistory})
		if err != nil || len(page) == 0 {
			if err != nil {
				c.t.Errorf("the history of %s: %v", in, err)
			}
			return texts
		}
		for _, one := range page {
			if one.Seq != next || slices.Contains(texts, one.Text) {
				c.t.Errorf("the history of %s has %q at seq %d, behind %d messages", in, one.Text, one.Seq, len(texts))
				return texts
			}
			texts = append(texts, one.Text)
			next++
		}
	}
}

// saying is something acknowledged, and who is to hear it.
type saying struct {
	by   *member
	to   []*member
	at   seat
	live bool
	sent time.Time
	ack  time.Time
}

// lostOf counts, of what was acknowledged and is looked for, what was not heard
// by somebody whom it was for.
func (c *crowd) lostOf(which func(*saying) bool) (n int, example string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for text, s := range c.said {
		if !which(s) {
			continue
		}
		for _, m := range s.to {
			if m.timesHeard(text) == 0 {
				n++
				example = fmt.Sprintf("%q of %s for %s, acknowledged %v ago", text, s.by.name, m.name, time.Since(s.ack).Round(time.Millisecond))
			}
		}
	}
	return n, example
}
