package storetest

import (
	"fmt"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/store"
)

// wallWorld has ann and bob, who are friends, and eve.
type wallWorld struct {
	*store.Posts
	people        *store.People
	w             *world
	ann, bob, eve chat.User
	posts         int
}

func inEachWallWorld(t *testing.T, test func(t *testing.T, k *wallWorld)) {
	Each(t, func(t *testing.T, db *store.DB) {
		w := &world{store.NewAccounts(db), t, t.Context()}
		k := &wallWorld{store.NewPosts(db), store.NewPeople(db), w, w.signUp("ann"), w.signUp("bob"), w.signUp("eve"), 0}
		for _, pair := range []chat.Asking{{From: k.ann.ID, To: k.bob.ID}, {From: k.bob.ID, To: k.ann.ID}} {
			if _, _, err := k.people.Ask(w.ctx, pair); err != nil {
				t.Fatal(err)
			}
		}
		test(t, k)
	})
}

// post writes with ids in their order, which those of one millisecond have not.
func (k *wallWorld) post(from, wall chat.UserID, text string) (chat.Post, []chat.Event, error) {
	k.posts++
	return k.Add(k.w.ctx, chat.Post{ID: fmt.Sprintf("%026d", k.posts), Wall: wall, From: chat.Person{ID: from}, Text: text})
}

// texts shows posts in their order.
func texts(posts []chat.Post, err error) string {
	var out []string
	for _, p := range posts {
		out = append(out, p.Text)
	}
	if err != nil {
		return string(chat.KindOf(err))
	}
	return fmt.Sprint(out)
}

// S3.3, S2.5: who may read and write on whose wall, and who hears of it.
func TestWalls(t *testing.T) {
	inEachWallWorld(t, func(t *testing.T, k *wallWorld) {
		ctx := k.w.ctx
		_, told, err := k.post(k.eve.ID, k.ann.ID, "from eve")
		if err != nil || len(told) != 1 || told[0].To != k.ann.ID || told[0].Data.Post.From.Username != "eve" {
			t.Fatalf("%+v, %v", told, err)
		}
		own, told, err := k.post(k.ann.ID, k.ann.ID, "by ann")
		if err != nil || len(told) != 0 {
			t.Fatalf("%+v, %v", told, err)
		}
		if got := texts(k.List(ctx, k.bob.ID, k.ann.ID, "", 10)); got != "[by ann from eve]" {
			t.Error(got)
		}
		if got := texts(k.List(ctx, k.bob.ID, k.ann.ID, own.ID, 10)); got != "[from eve]" {
			t.Error(got)
		}
		if got := texts(k.Feed(ctx, k.bob.ID, "", 10)); got != "[by ann]" {
			t.Error(got)
		}
		if got := texts(k.Feed(ctx, k.eve.ID, "", 10)); got != "[]" {
			t.Error(got)
		}
		yes := true
		change := func(user, friend chat.UserID, c chat.RelationChange) {
			_, _, err := k.people.ChangeFriend(ctx, user, friend, c)
			wants(t, err, "")
		}
		change(k.bob.ID, k.ann.ID, chat.RelationChange{HideTheirs: &yes})
		if got := texts(k.Feed(ctx, k.bob.ID, "", 10)) + texts(k.List(ctx, k.bob.ID, k.ann.ID, "", 1)); got != "[][by ann]" {
			t.Error(got)
		}
		no := false
		change(k.bob.ID, k.ann.ID, chat.RelationChange{HideTheirs: &no})
		change(k.ann.ID, k.bob.ID, chat.RelationChange{HideMine: &yes})
		if got := texts(k.Feed(ctx, k.bob.ID, "", 10)) + texts(k.List(ctx, k.bob.ID, k.ann.ID, "", 1)); got != "[]forbidden" {
			t.Error(got)
		}
		_, _, err = k.post(k.bob.ID, k.ann.ID, "let me in")
		wants(t, err, chat.Forbidden)
		_, err = k.people.SetBlocked(ctx, k.ann.ID, k.eve.ID, true)
		wants(t, err, "")
		if got := texts(k.List(ctx, k.eve.ID, k.ann.ID, "", 1)) + texts(k.List(ctx, k.eve.ID, "nobody", "", 1)); got != "blockednot_found" {
			t.Error(got)
		}
	})
}

// Writers take their posts away, and owners what is on their walls.
func TestPostsAreRemoved(t *testing.T) {
	inEachWallWorld(t, func(t *testing.T, k *wallWorld) {
		ctx := k.w.ctx
		one, _, err := k.post(k.eve.ID, k.ann.ID, "one")
		wants(t, err, "")
		two, _, err := k.post(k.eve.ID, "", "two")
		wants(t, err, "")
		wants(t, k.Remove(ctx, k.bob.ID, one.ID, false), chat.Forbidden)
		wants(t, k.Remove(ctx, k.ann.ID, one.ID, true), chat.NotFound)
		wants(t, k.Remove(ctx, k.ann.ID, one.ID, false), "")
		wants(t, k.Remove(ctx, k.ann.ID, one.ID, false), chat.NotFound)
		wants(t, k.Remove(ctx, k.ann.ID, two.ID, true), chat.Forbidden)
		root := account("root")
		root.Admin = true
		_, err = k.w.CreateAll(ctx, []chat.Account{root})
		wants(t, err, "")
		wants(t, k.Remove(ctx, root.ID, two.ID, true), "")
		if got := texts(k.List(ctx, k.bob.ID, "", "", 10)); got != "[]" {
			t.Error(got)
		}
	})
}
