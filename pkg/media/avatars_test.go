package media

import (
	"context"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
)

// S0.4: an avatar is kept until it is forgotten, each under a name of its own,
// also where the picture is the same.
func TestAvatarsAreKept(t *testing.T) {
	dir := t.TempDir()
	a := NewAvatars(Folder(dir), slog.New(slog.DiscardHandler))
	upload := asPNG(t, quartered(300, 300))
	seen := map[string]bool{}
	for range 3 {
		url, err := a.Keep(t.Context(), "u1", upload)
		if err != nil || path.Dir(url) != "/avatars" || seen[url] {
			t.Fatalf("%q, %v", url, err)
		}
		seen[url] = true
		content, mediaType, err := a.Open(t.Context(), path.Base(url))
		if err != nil || mediaType != "image/jpeg" || len(content) == 0 {
			t.Errorf("%s: %s, %d bytes, %v", url, mediaType, len(content), err)
		}
	}
	for url := range seen {
		for range 2 {
			a.Forget(t.Context(), url)
		}
		if _, _, err := a.Open(t.Context(), path.Base(url)); chat.KindOf(err) != chat.NotFound {
			t.Error(err)
		}
	}
	for _, url := range []string{"", "/a.png", "/avatars/../../x", "https://example.org/avatars/x"} {
		a.Forget(t.Context(), url)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "avatars")); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestOnlyAvatarsAreOpened(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "avatars"), nil, 0o600); err != nil { // whoever looks there sees that
		t.Fatal(err)
	}
	a := NewAvatars(Folder(dir), slog.New(slog.DiscardHandler))
	for _, name := range []string{"", ".", "..", "../secret", "u1", "u1.jpg", "u1-x.jpg", "u1-01kaaaaaaaaaaaaaaaaaaaaaaa.svg", "u1-01kaaaaaaaaaaaaaaaaaaaaaaa.jpg\n", "/avatars/x", "u/1-01kaaaaaaaaaaaaaaaaaaaaaaa.jpg"} {
		if _, _, err := a.Open(t.Context(), name); chat.KindOf(err) != chat.NotFound {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// Pictures are decoded two at a time, and whoever waits does so no longer than
// they may.
func TestThereIsRoomForTwo(t *testing.T) {
	a := NewAvatars(Folder(t.TempDir()), slog.New(slog.DiscardHandler))
	upload := asPNG(t, quartered(30, 30))
	over, end := context.WithCancel(t.Context())
	end()
	for held := range 3 {
		if held > 0 && !a.room.TryAcquire(MaxPixels/2) {
			t.Fatalf("%d at a time are too many", held)
		}
		_, err := a.Keep(over, "u1", upload)
		if held == 2 && chat.KindOf(err) != chat.Unavailable {
			t.Errorf("beside %d: %v", held, err)
		}
		if held < 2 {
			if _, err := a.Keep(t.Context(), "u1", upload); err != nil {
				t.Errorf("beside %d: %v", held, err)
			}
		}
	}
}
