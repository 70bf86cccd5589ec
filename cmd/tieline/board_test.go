package main_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// S3.3: what one writes on another's wall, on one node, they hear of on another;
// the board is everybody's.
func TestWallsAndTheBoard(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob := s.User("alice"), s.User("bob")
	bob.On("n2")
	posts := func(path string, want ...string) {
		t.Helper()
		for _, n := range s.nodes {
			var page client.Page[wire.PostBody]
			a := n.Asks("GET", "/api/v1"+path, bob.grant.AccessToken, "")
			a.into(s, &page)
			if len(page.Items) != len(want) {
				t.Fatalf("%s has %s", path, a.Body)
			}
			for i, text := range want {
				if page.Items[i].Text != text || page.Items[i].From.ID != alice.ID {
					t.Errorf("%s: %+v, want %q", path, page.Items[i], text)
				}
			}
		}
	}
	write := func(path, text string) {
		alice.does(func(ctx context.Context, a *client.API) error {
			return a.Do(ctx, http.MethodPost, path, map[string]string{"text": text}, nil)
		})
	}
	write("/users/"+string(bob.ID)+"/wall", "was here")
	bob.HearsEvent("wall.posted")
	posts("/users/"+string(bob.ID)+"/wall", "was here")
	write("/board", "one")
	write("/board", "two")
	posts("/board", "two", "one")
	bob.IsRefused(chat.Invalid, "", func(ctx context.Context, a *client.API) error {
		return a.Do(ctx, http.MethodPost, "/board", map[string]string{"text": " "}, nil)
	})
}
