package board

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
)

// wood is the posts and the teller of a Board.
type wood struct {
	Directory
	posts []chat.Post
	told  int
	full  error
}

func (w *wood) Add(_ context.Context, p chat.Post) (chat.Post, []chat.Event, error) {
	if w.full == nil {
		w.posts = append(w.posts, p)
	}
	return p, []chat.Event{{}}, w.full
}

func (w *wood) Feed(_ context.Context, _ chat.UserID, before string, limit int) (page []chat.Post, err error) {
	for _, p := range w.posts {
		if p.ID > before && len(page) < limit {
			page = append(page, p)
		}
	}
	return page, nil
}

func (w *wood) Tell(events []chat.Event) { w.told += len(events) }

// What is kept is told of, and nothing else.
func TestWhatMayBePosted(t *testing.T) {
	for text, want := range map[string]chat.Kind{
		" hi ": "", strings.Repeat("\u6f22", chat.MaxPost): "", " \n": chat.Invalid, "\xff": chat.Invalid, strings.Repeat("x", chat.MaxPost+1): chat.Invalid,
	} {
		w := &wood{}
		p, err := New(w, w).Post(t.Context(), "ann", "bob", text)
		if chat.KindOf(err) != want || (want == "") != (w.told == 1) || want == "" && (p.Text != strings.TrimSpace(text) || p.Wall != "bob" || p.From.ID != "ann" || p.ID == "") {
			t.Errorf("%.10q: %+v, %v, told %d", text, p, err, w.told)
		}
	}
	w := &wood{full: chat.E("test", chat.Unavailable, nil)}
	if _, err := New(w, w).Post(t.Context(), "ann", "", "hi"); chat.KindOf(err) != chat.Unavailable || w.told != 0 {
		t.Error(err, w.told)
	}
}

func TestPagesEnd(t *testing.T) {
	w := &wood{posts: []chat.Post{{ID: "1"}, {ID: "2"}, {ID: "3"}}}
	var seen []string
	for cursor := ""; ; {
		page, next, err := New(w, w).Feed(t.Context(), "ann", cursor, 2)
		if err != nil || len(page) == 0 {
			t.Fatal(page, err)
		}
		for _, p := range page {
			seen = append(seen, p.ID)
		}
		if cursor = next; next == "" {
			break
		}
	}
	if got := fmt.Sprint(seen); got != "[1 2 3]" {
		t.Error(got)
	}
}
