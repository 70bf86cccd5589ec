package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/store"
	"github.com/tieline/tieline/pkg/testserver"
)

// absence is a message of ann's that somebody missed, the n-th of a conversation.
func absence(user chat.UserID, at time.Time, n int64) chat.Absence {
	return chat.Absence{User: user, Message: &chat.Message{
		Draft: chat.Draft{Kind: chat.Text, Text: "hi 😀"}, Conversation: "c", Seq: n, From: chat.Person{ID: "ann"}, At: at,
	}}
}

// due lists the seqs of what is due, as "user seq".
func due(t *testing.T, hooks *store.Hooks, at time.Time) (list []chat.Hook, text string) {
	t.Helper()
	list, err := hooks.Due(t.Context(), at, 10)
	wants(t, err, "")
	var all []string
	for _, h := range list {
		var body struct{ Data struct{ Seq int64 } }
		if err := json.Unmarshal([]byte(h.Body), &body); err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint(h.User, body.Data.Seq))
	}
	return list, strings.Join(all, " ")
}

// Whoever tells of an absence, and however often, there is one hook of it; and of
// each user only the first is due.
func TestHooksOfOneUserComeInTheirOrder(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		hooks, at := store.NewHooks(db), time.Now()
		wants(t, hooks.Absent(t.Context(), []chat.Absence{absence("bob", at, 2), absence("bob", at, 1), absence("cid", at, 1)}), "")
		wants(t, hooks.Absent(t.Context(), []chat.Absence{absence("bob", at, 1), absence("bob", at, 300), absence("bob", at, 2)}), "")
		waiting, dead, err := hooks.Count(t.Context())
		wants(t, err, "")
		if waiting != 4 || dead != 0 {
			t.Errorf("%d wait, %d are dead", waiting, dead)
		}
		now := time.Now().Add(time.Second)
		list, text := due(t, hooks, now)
		if text != "bob1 cid1" && text != "cid1 bob1" {
			t.Fatalf("due are %s", text)
		}
		bobs := list[0]
		if bobs.User != "bob" {
			bobs = list[1]
		}
		wants(t, hooks.Failed(t.Context(), bobs.ID, now.Add(time.Hour), 1, strings.Repeat("漢", 100)), "")
		if _, text := due(t, hooks, now); text != "cid1" {
			t.Errorf("while bob's first waits, due are %s", text)
		}
		if list, text := due(t, hooks, now.Add(2*time.Hour)); text != "cid1 bob1" || list[1].Attempts != 1 || list[1].Error != strings.Repeat("漢", 66) {
			t.Errorf("later, due are %s: %+v", text, list)
		}
		wants(t, hooks.Failed(t.Context(), bobs.ID, time.Time{}, 10, "answered 500"), "")
		if _, text := due(t, hooks, now); text != "bob2 cid1" && text != "cid1 bob2" {
			t.Errorf("after the first is given up, due are %s", text)
		}
		given, err := hooks.List(t.Context(), true, "", 10)
		wants(t, err, "")
		rest, err := hooks.List(t.Context(), false, "", 2)
		wants(t, err, "")
		if len(given) != 1 || given[0].ID != bobs.ID || !given[0].DueAt.IsZero() || len(rest) != 2 || rest[0].ID < rest[1].ID {
			t.Errorf("given up %+v; wait %+v", given, rest)
		}
		wants(t, hooks.Forget(t.Context(), at.Add(-time.Second)), "")
		wants(t, hooks.Retry(t.Context(), "none", now), chat.NotFound)
		wants(t, hooks.Retry(t.Context(), bobs.ID, now), "")
		wants(t, hooks.Retry(t.Context(), bobs.ID, now), "")
		if list, text := due(t, hooks, now); text != "cid1 bob1" || list[1].Attempts != 0 {
			t.Errorf("tried anew, due are %s", text)
		}
		wants(t, hooks.Posted(t.Context(), bobs.ID), "")
		wants(t, hooks.Posted(t.Context(), bobs.ID), "")
		if _, text := due(t, hooks, now); !strings.Contains(text, "bob2") {
			t.Errorf("after the first, due are %s", text)
		}
	})
}

// What was given up long ago goes, and nothing else.
func TestHooksGivenUpAreForgotten(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		hooks, at := store.NewHooks(db), time.Now()
		old := at.Add(-time.Hour)
		wants(t, hooks.Absent(t.Context(), []chat.Absence{absence("ann", old, 1), absence("bob", old, 1), absence("cid", at, 1)}), "")
		list, _ := due(t, hooks, at.Add(time.Second))
		for _, h := range list {
			if h.User != "ann" {
				wants(t, hooks.Failed(t.Context(), h.ID, time.Time{}, 10, "x"), "")
			}
		}
		wants(t, hooks.Forget(t.Context(), at.Add(-time.Minute)), "")
		waiting, dead, err := hooks.Count(t.Context())
		wants(t, err, "")
		if waiting != 1 || dead != 1 {
			t.Errorf("%d wait, %d are dead", waiting, dead)
		}
	})
}

// One holder at a time, however many ask; another when its time is up.
func TestALeaseHasOneHolder(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		hooks, now := store.NewHooks(db), time.Now()
		var holders atomic.Int32
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				ours, err := hooks.Hold(context.Background(), fmt.Sprint("n", i), now, now.Add(time.Minute))
				if err != nil {
					t.Error(err)
				}
				if ours {
					holders.Add(1)
				}
			})
		}
		all.Wait()
		if holders.Load() != 1 {
			t.Fatalf("%d hold it", holders.Load())
		}
		hold := func(who string, at, until time.Time) bool {
			t.Helper()
			ours, err := hooks.Hold(t.Context(), who, at, until)
			wants(t, err, "")
			return ours
		}
		later := now.Add(time.Minute + time.Second)
		if hold("m1", now, later) || !hold("m1", later, later.Add(time.Minute)) || hold("m2", later, later) || !hold("m1", later, later) {
			t.Error("the lease went to the wrong one")
		}
		if !hold("m2", later.Add(time.Millisecond), later.Add(time.Minute)) {
			t.Error("a lease that was given up is not free")
		}
	})
}

// A hook is committed with what it tells of, where somebody wants to be told.
func TestHooksAreKeptWithWhatTheyTellOf(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { hooksAreKept(t, "sqlite://"+filepath.Join(t.TempDir(), "tieline.db")) })
	t.Run("mariadb", func(t *testing.T) { hooksAreKept(t, testserver.Database(t)) })
}

func hooksAreKept(t *testing.T, url string) {
	for _, wanted := range []bool{true, false} {
		db := OpenWith(t, url, store.Options{Hooks: wanted})
		w, hooks := &world{store.NewAccounts(db), t, t.Context()}, store.NewHooks(db)
		u := w.signUp(fmt.Sprint("user", wanted))
		a := account("another")
		a.UsernameKey = u.Username
		_, err := w.Create(w.ctx, chat.SignUp{Account: a, Device: device(a.ID, "d", chat.Web)})
		wants(t, err, chat.UsernameTaken)
		_, err = store.NewReports(db).Add(w.ctx, complaint(u.ID, chat.ReportTarget{Room: chat.Lobby}))
		wants(t, err, "")
		list, err := hooks.List(w.ctx, false, "", 10)
		wants(t, err, "")
		if len(list) != 2 { // those of the first time
			t.Fatalf("wanted %t: %+v", wanted, list)
		}
		if list[0].Name != chat.ReportCreated || list[1].Name != chat.UserRegistered || list[0].User != list[1].User ||
			!strings.Contains(list[1].Body, `"username":"usertrue"`) || !strings.Contains(list[0].Body, `"target":{"room":"lobby"}`) {
			t.Errorf("%+v", list)
		}
		if wanted {
			continue
		}
		_, err = w.Remove(w.ctx, list[0].User, "hash of usertrue")
		wants(t, err, "")
		if list, err := hooks.List(w.ctx, false, "", 10); err != nil || len(list) > 0 {
			t.Errorf("of an account that was removed, programs are still to be told %+v, %v", list, err)
		}
	}
}
