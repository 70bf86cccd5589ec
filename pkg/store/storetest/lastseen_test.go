package storetest

import (
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

func TestLastSeenOnAnyDevice(t *testing.T) {
	inEach(t, func(t *testing.T, w *world) {
		ann, bob := w.signUp("ann"), w.signUp("bob")
		later := time.Now().UTC().Truncate(time.Microsecond).Add(time.Hour)
		w.signIn(ann, "phone", chat.IOS, chat.Multi, 10)
		w.signIn(ann, "tab", chat.Web, chat.Multi, 10)
		wants(t, w.SaveProgress(w.ctx, []chat.Progress{
			{User: ann.ID, Device: "phone", Seen: later.Add(100 * time.Millisecond)}, {User: ann.ID, Device: "tab", Seen: later},
		}), "")
		seen, err := w.LastSeen(w.ctx, []chat.UserID{ann.ID, "nobody", bob.ID, ann.ID})
		wants(t, err, "")
		if len(seen) != 2 || !seen[ann.ID].Equal(later.Add(100*time.Millisecond)) || time.Since(seen[bob.ID]) > time.Minute || seen[bob.ID].After(time.Now()) {
			t.Errorf("%v", seen)
		}
		if seen, err := w.LastSeen(w.ctx, nil); err != nil || len(seen) != 0 {
			t.Error(seen, err)
		}
	})
}
