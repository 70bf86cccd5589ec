package storetest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/store"
)

// One edits one's own text and nobody else's, and both hear of it.
func TestATextIsEdited(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		u := k.people("ann", "bob")
		c := k.direct(u[0], u[1])
		k.append(says(u[0], c.ID, "1", "helo"))
		m, told, err := k.Edit(k.ctx, u[0].ID, c.ID, 1, "hello")
		wants(t, err, "")
		if m.Text != "hello" || m.EditedAt.IsZero() || names(told) != "[message.edited message.edited]" || told[0].Data.Message.Text != "hello" {
			t.Errorf("%+v, %+v", m, told)
		}
		if _, told, err := k.Edit(k.ctx, u[0].ID, c.ID, 1, "hello"); err != nil || len(told) != 0 {
			t.Errorf("the same again: %v, %v", told, err)
		}
		if all := k.all(c.ID); all[0].Text != "hello" || all[0].EditedAt.IsZero() || all[0].Seq != 1 {
			t.Errorf("the history: %+v", all)
		}
		_, _, err = k.Edit(k.ctx, u[1].ID, c.ID, 1, "hacked")
		wants(t, err, chat.Forbidden)
		_, _, err = k.Edit(k.ctx, u[0].ID, c.ID, 2, "nothing")
		wants(t, err, chat.NotFound)
		_, _, err = k.Edit(k.ctx, "eve", c.ID, 1, "hacked")
		wants(t, err, chat.NotFound)
		_, err = store.NewPeople(k.db).SetBlocked(k.ctx, u[1].ID, u[0].ID, true)
		wants(t, err, "")
		_, _, err = k.Edit(k.ctx, u[0].ID, c.ID, 1, "by another way")
		wants(t, err, chat.Blocked)
		_, _, err = k.Recall(k.ctx, u[0].ID, c.ID, 1) // which says nothing
		wants(t, err, "")
	})
}

// What is recalled is gone, but for its place; one's own can be for a while.
func TestAMessageIsRecalled(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		u := k.people("ann", "bob")
		c := k.direct(u[0], u[1])
		k.append(says(u[0], c.ID, "1", "secret"), says(u[0], c.ID, "2", "old"))
		_, _, err := k.React(k.ctx, u[1].ID, c.ID, 1, chat.Reaction{Emoji: "\U0001F44D", On: true})
		wants(t, err, "")
		_, _, err = k.Recall(k.ctx, u[1].ID, c.ID, 1)
		wants(t, err, chat.Forbidden)
		_, told, err := k.Recall(k.ctx, u[0].ID, c.ID, 1)
		wants(t, err, "")
		if m := told[0].Data.Message; len(told) != 2 || m.Text != "" || !m.Recalled || len(m.Reactions) != 0 {
			t.Errorf("%+v", told)
		}
		if _, told, err := k.Recall(k.ctx, u[0].ID, c.ID, 1); err != nil || len(told) != 0 {
			t.Errorf("again: %v, %v", told, err)
		}
		if all := k.all(c.ID); all[0].Text != "" || !all[0].Recalled || all[0].Seq != 1 || all[1].Text != "old" {
			t.Errorf("the history: %+v", all)
		}
		_, _, err = k.Edit(k.ctx, u[0].ID, c.ID, 1, "back")
		wants(t, err, chat.Conflict)
		_, _, err = k.React(k.ctx, u[1].ID, c.ID, 1, chat.Reaction{Emoji: "x", On: true})
		wants(t, err, chat.Conflict)
		again := says(u[0], c.ID, "1", "secret")
		k.append(again)
		if !again.Repeated || again.Seq != 1 {
			t.Errorf("its send repeated: %+v", again)
		}
	})
}

// In a room its owner and admins recall anybody's, whenever it was said.
func TestWhoRecallsInARoom(t *testing.T) {
	inEachHouse(t, chat.Public, 10, func(t *testing.T, h *house) {
		h.join(h.u[1])
		h.join(h.u[2])
		p := says(h.u[1], h.room.ID, "1", "rude")
		h.append(p)
		_, _, err := h.Recall(h.ctx, h.u[2].ID, h.room.ID, 1)
		wants(t, err, chat.Forbidden)
		_, told, err := h.Recall(h.ctx, h.u[0].ID, h.room.ID, 1)
		if err != nil || len(told) != 3 || told[0].Data.User.Username != "ann" {
			t.Errorf("%+v, %v", told, err)
		}
		_, err = h.rooms.Remove(h.ctx, h.u[0].ID, h.u[1].ID, h.room.ID)
		wants(t, err, "")
		_, _, err = h.React(h.ctx, h.u[1].ID, h.room.ID, 1, chat.Reaction{Emoji: "x", On: true})
		wants(t, err, chat.NotAMember)
	})
}

// A reaction is there once a person and kind, however often, and by how many at
// a time, it is given.
func TestReactionsAreCounted(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		u := k.people("ann", "bob")
		c := k.direct(u[0], u[1])
		k.append(says(u[0], c.ID, "1", "hi"), says(u[0], c.ID, "2", "there"))
		var giving sync.WaitGroup
		for i := range 16 {
			giving.Go(func() {
				emoji := []string{"\U0001F44D", "\u2764\ufe0f"}[i%2]
				if _, _, err := k.React(k.ctx, u[i/2%2].ID, c.ID, 1, chat.Reaction{Emoji: emoji, On: true}); err != nil {
					t.Error(err)
				}
			})
		}
		giving.Wait()
		if got := fmt.Sprint(k.all(c.ID)[0].Reactions, k.all(c.ID)[1].Reactions); got != "map[\u2764\ufe0f:2 \U0001F44D:2] map[]" {
			t.Error(got)
		}
		m, told, err := k.React(k.ctx, u[0].ID, c.ID, 1, chat.Reaction{Emoji: "\U0001F44D"})
		if err != nil || m.Reactions["\U0001F44D"] != 1 || names(told) != "[message.reacted message.reacted]" || told[1].Data.Reaction.On {
			t.Errorf("%+v, %+v, %v", m, told, err)
		}
	})
}

// In the lobby everybody is told another way; one who does it, like anybody.
func TestTheLobbyIsTooLargeToBeTold(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		u := k.people("ann", "bob")
		k.append(says(u[0], chat.Lobby, "1", "hi"))
		_, told, err := k.React(k.ctx, u[1].ID, chat.Lobby, 1, chat.Reaction{Emoji: "x", On: true})
		if err != nil || len(told) != 1 || told[0].To != u[1].ID {
			t.Errorf("%+v, %v", told, err)
		}
		_, _, err = k.Recall(k.ctx, u[1].ID, chat.Lobby, 1)
		wants(t, err, chat.Forbidden)
		root := account("root")
		root.Admin = true
		_, err = k.w.CreateAll(k.ctx, []chat.Account{root})
		wants(t, err, "")
		_, _, err = k.Recall(k.ctx, root.ID, chat.Lobby, 1)
		wants(t, err, "")
	})
}
