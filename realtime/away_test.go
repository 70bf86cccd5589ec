package realtime

import (
	"testing"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// A socket that was not greeted when Redis went away is shown nothing by the
// way of the database either: it has no cursor yet.
func TestAwayModeShowsNothingBeforeTheWelcome(t *testing.T) {
	w := newWorld(t, false)
	n := w.node("n1")
	bob, web := w.person(nil, "bob")
	asked, goOn := n.db.holdUp(t, "Device")
	b := web.dial(n, "")
	<-asked
	m := chat.Message{Draft: chat.Draft{Kind: chat.Text, Text: "early"}, Conversation: "d1", Seq: 1, From: chat.Person{ID: "alice"}}
	n.showUnqueued(&chat.Delivery{Message: m, Recipients: []chat.UserID{bob.id}})
	goOn()
	b.expect(wire.Welcome)
	b.expect(wire.Synced)
	if texts := b.texts(); len(texts) > 0 {
		t.Errorf("shown %q", texts)
	}
}
