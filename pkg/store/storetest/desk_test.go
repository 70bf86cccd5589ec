package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/store"
)

// complaint is one of somebody, about something.
func complaint(from chat.UserID, about chat.ReportTarget) chat.Report {
	return chat.Report{ID: chat.NewID(), From: chat.Person{ID: from}, Target: about, Reason: "spam 😀", Detail: "a\x00b", CreatedAt: time.Now()}
}

// S2.6
func TestComplaintsAreAboutWhatOneMayKnow(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		w := &world{store.NewAccounts(db), t, t.Context()}
		ann, bob, cid := w.signUp("ann"), w.signUp("bob"), w.signUp("cid")
		messages, reports := store.NewMessages(db), store.NewReports(db)
		c, err := messages.OpenDirect(w.ctx, ann.ID, bob.ID)
		wants(t, err, "")
		said := &chat.Pending{Delivery: chat.Delivery{Message: chat.Message{
			Draft: chat.Draft{Kind: chat.Text, Text: "buy 😀"}, Conversation: c.ID, ClientID: "1", From: bob.Person(),
		}}}
		wants(t, messages.Append(w.ctx, "n", 1, []*chat.Pending{said}), "")

		for _, about := range []chat.ReportTarget{
			{User: "nobody"}, {Room: "nowhere"}, {Room: c.ID}, {Conversation: c.ID, Seq: 2}, {Conversation: "nowhere", Seq: 1}, {Conversation: chat.Lobby, Seq: 1},
		} {
			_, err := reports.Add(w.ctx, complaint(ann.ID, about))
			wants(t, err, chat.NotFound)
		}
		_, err = reports.Add(w.ctx, complaint(cid.ID, chat.ReportTarget{Conversation: c.ID, Seq: 1}))
		wants(t, err, chat.NotFound)

		for _, about := range []chat.ReportTarget{{User: bob.ID}, {Room: chat.Lobby}, {Conversation: c.ID, Seq: 1}} {
			r, err := reports.Add(w.ctx, complaint(ann.ID, about))
			wants(t, err, "")
			if r.From != ann.Person() || (r.Text == "buy 😀") != (about.Seq == 1) {
				t.Errorf("%+v", r)
			}
		}
		list, err := reports.List(w.ctx, true, "", 10)
		wants(t, err, "")
		if len(list) != 3 || list[0].Target.Seq != 1 || list[0].Text != "buy 😀" || list[0].Detail != "a\x00b" || list[2].From != ann.Person() || !list[2].ResolvedAt.IsZero() {
			t.Errorf("%+v", list)
		}
		rest, err := reports.List(w.ctx, true, list[0].ID, 1)
		wants(t, err, "")
		if len(rest) != 1 || rest[0].ID != list[1].ID {
			t.Errorf("after the first: %+v", rest)
		}
	})
}

// S2.6: of a public room anybody may complain, of a private one its members.
func TestComplaintsAreAboutRooms(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		w := &world{store.NewAccounts(db), t, t.Context()}
		ann, bob := w.signUp("ann"), w.signUp("bob")
		rooms, reports := store.NewRooms(db, 200), store.NewReports(db)
		for visibility, kind := range map[chat.Visibility]chat.Kind{chat.Public: "", chat.Private: chat.NotFound} {
			id := chat.ConversationID(chat.NewID())
			_, _, err := rooms.Create(w.ctx, chat.Room{ID: id, Name: "room", Visibility: visibility, Owner: ann.ID}, "room")
			wants(t, err, "")
			_, err = reports.Add(w.ctx, complaint(ann.ID, chat.ReportTarget{Room: id}))
			wants(t, err, "")
			_, err = reports.Add(w.ctx, complaint(bob.ID, chat.ReportTarget{Room: id}))
			wants(t, err, kind)
		}
	})
}

// S2.6: a complaint is closed once, however many try.
func TestAComplaintIsClosedOnce(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		w := &world{store.NewAccounts(db), t, t.Context()}
		ann := w.signUp("ann")
		reports := store.NewReports(db)
		r, err := reports.Add(w.ctx, complaint(ann.ID, chat.ReportTarget{Room: chat.Lobby}))
		wants(t, err, "")
		wants(t, reports.Resolve(w.ctx, "none", ann.ID, time.Now()), chat.NotFound)
		wants(t, reports.Resolve(w.ctx, r.ID, ann.ID, time.Now()), "")
		wants(t, reports.Resolve(w.ctx, r.ID, ann.ID, time.Now()), chat.Conflict)
		open, err := reports.List(w.ctx, true, "", 10)
		wants(t, err, "")
		closed, err := reports.List(w.ctx, false, "", 10)
		wants(t, err, "")
		if len(open) != 0 || len(closed) != 1 || closed[0].ResolvedBy != ann.ID || closed[0].ResolvedAt.IsZero() {
			t.Errorf("open %+v, closed %+v", open, closed)
		}
	})
}

func TestTheLogOnlyGrows(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		ctx, log := context.Background(), store.NewAudit(db)
		var ids []string
		for i := range 3 {
			d := chat.Deed{ID: fmt.Sprint("a", i), At: time.Now(), Actor: chat.Operator, Action: "user.kick", Target: "漢", Detail: "😀\x00"}
			wants(t, log.Add(ctx, d), "")
			wants(t, log.Add(ctx, d), chat.Conflict)
			ids = append(ids, d.ID)
		}
		first, err := log.List(ctx, "", 2)
		wants(t, err, "")
		rest, err := log.List(ctx, first[1].ID, 2)
		wants(t, err, "")
		if got := fmt.Sprint(first[0].ID, first[1].ID, rest[0].ID, len(rest)); got != fmt.Sprint(ids[2], ids[1], ids[0], 1) {
			t.Errorf("the log has %s", got)
		}
		if d := rest[0]; d.Target != "漢" || d.Detail != "😀\x00" || time.Since(d.At) > time.Minute {
			t.Errorf("%+v", d)
		}
	})
}
