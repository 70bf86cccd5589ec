package realtime

import (
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// What was missed is missed since the first interruption that was not put right
// yet, whatever comes between.
func TestHealingReachesBackToTheFirstInterruption(t *testing.T) {
	w := newWorld(t, false)
	n := w.node("n1")
	bob, phone := w.person(n, "bob")
	b := phone.connect(n, "")
	tried := make(chan struct{}, 100)
	n.db.hook(func(call string) error {
		if call != "EndedSince" {
			return nil
		}
		tried <- struct{}{}
		return away(call)
	})
	n.Restored(time.Now().Add(-time.Second))
	<-tried
	n.Restored(time.Now().Add(time.Hour))
	// Nobody told Redis of it.
	if _, err := w.users.EndDevice(t.Context(), bob.id, "web", 0, chat.DeviceRemoved); err != nil {
		t.Fatal(err)
	}
	n.db.hook(nil)
	if f := b.expect(wire.Kicked); f.Reason != string(chat.DeviceRemoved) {
		t.Errorf("kicked: %s", f.raw)
	}
	b.closedWith(wire.CloseKicked)
}
