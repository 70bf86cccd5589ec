package main_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
)

// way is what an administrator is told of a message.
type way struct {
	Recipients []struct {
		User   chat.UserID `json:"user"`
		State  string      `json:"state"`
		Online bool        `json:"online"`
	} `json:"recipients"`
	Events []struct {
		Node  chat.NodeID `json:"node"`
		Stage string      `json:"stage"`
		User  chat.UserID `json:"user"`
	} `json:"events"`
	Silent []chat.NodeID `json:"silent_nodes"`
}

// Why did Bob not get it? Any node answers for all of them.
func TestTheWayOfAMessageIsKnown(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob := s.User("alice"), s.User("bob")
	root := chat.NewID() // the database is shared with other stories
	s.Tieline("a long password\n", "user", "add", root, "--admin")
	ctx, cancel := context.WithTimeout(t.Context(), startup)
	defer cancel()
	g, err := s.api("").Login(ctx, root, "a long password", nil)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(said Said) (w way) {
		t.Helper()
		path := fmt.Sprintf("/admin/messages/%s/%d/trace", said.Conversation, said.Seq)
		if err := s.api(g.AccessToken).Do(ctx, "GET", path, nil, &w); err != nil {
			t.Fatal(err)
		}
		return w
	}
	state := func(w way, of *User) string {
		for _, r := range w.Recipients {
			if r.User == of.ID {
				return r.State
			}
		}
		return "no recipient"
	}

	said := alice.On("n1").Says(bob, "hi")
	w := ask(said)
	if state(w, bob) != "queued" || state(w, alice) == "no recipient" || len(w.Silent) != 0 {
		t.Errorf("bob was never here: %+v", w)
	}
	var stages []string
	for _, e := range w.Events {
		if e.User == bob.ID || e.Stage == "committed" {
			stages = append(stages, e.Stage)
		}
	}
	if !slices.Equal(stages, []string{"committed", "queued", "published"}) {
		t.Errorf("stages: %v", stages)
	}
	bob.On("n2").Hears("hi")
	bob.eventually("the push is known", func() bool { return state(ask(said), bob) == "pushed" })
	bob.Reports()
	bob.eventually("the report is known", func() bool { return state(ask(said), bob) == "received" })
}
