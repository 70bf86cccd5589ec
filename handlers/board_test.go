package handlers

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
)

// fakeBoard notes what is asked of it.
type fakeBoard struct{ did []string }

func (f *fakeBoard) note(what ...any) []chat.Post {
	f.did = append(f.did, fmt.Sprint(what...))
	return []chat.Post{{ID: "p1", Wall: bob.ID, From: alice.Person(), Text: "hi", At: born}}
}

func (f *fakeBoard) Post(_ context.Context, from, wall chat.UserID, text string) (chat.Post, error) {
	return f.note(from, " on ", wall, ": ", text)[0], nil
}

func (f *fakeBoard) Wall(_ context.Context, reader, wall chat.UserID, cursor string, limit int) ([]chat.Post, string, error) {
	return f.note(reader, " reads ", wall, " ", cursor, limit), "more", nil
}

func (f *fakeBoard) Feed(_ context.Context, reader chat.UserID, cursor string, limit int) ([]chat.Post, string, error) {
	return f.note(reader, " feeds ", cursor, limit), "", nil
}

func (f *fakeBoard) Remove(_ context.Context, by chat.UserID, id string, onBoard bool) error {
	f.note(by, " removes ", id, " ", onBoard)
	return nil
}

// S3.3: what the routes of walls and of the board do.
func TestBoardsOverHTTP(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		method, target, body string
		status               int
		did                  string
	}{
		{"POST", "/api/v1/users/u-bob/wall", `{"text":"hi"}`, 201, "u-alice on u-bob: hi"},
		{"GET", "/api/v1/users/u-bob/wall?cursor=c&limit=2", "", 200, "u-alice reads u-bob c2"},
		{"GET", "/api/v1/wall", "", 200, "u-alice feeds 50"},
		{"DELETE", "/api/v1/wall/p1", "", 204, "u-alice removes p1 false"},
		{"POST", "/api/v1/board", `{"text":"hi"}`, 201, "u-alice on : hi"},
		{"GET", "/api/v1/board", "", 200, "u-alice reads  50"},
		{"DELETE", "/api/v1/board/p1", "", 204, "u-alice removes p1 true"},
	} {
		b.board.did = nil
		got := b.do(c.method, c.target, c.body, as("alice"))
		if got.status != c.status || !slices.Equal(b.board.did, []string{c.did}) {
			t.Errorf("%s %s: %d %s, did %q", c.method, c.target, got.status, got.body, b.board.did)
		}
	}
}
