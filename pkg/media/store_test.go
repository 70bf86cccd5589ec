package media

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
)

func content(t *testing.T, s Store, key string) string {
	t.Helper()
	file, err := s.Open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	b, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAFolderKeepsFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "when needed")
	s := Folder(dir)
	if _, err := s.Open(t.Context(), "a/b"); chat.KindOf(err) != chat.NotFound {
		t.Error(err)
	}
	if err := s.Delete(t.Context(), "a/b"); err != nil {
		t.Error(err)
	}
	for _, text := range []string{"one", "two", ""} {
		if err := s.Put(t.Context(), "a/b", []byte(text)); err != nil || content(t, s, "a/b") != text {
			t.Errorf("%q: %v", text, err)
		}
	}
	for range 2 {
		if err := s.Delete(t.Context(), "a/b"); err != nil {
			t.Error(err)
		}
	}
	if _, err := s.Open(t.Context(), "a/b"); chat.KindOf(err) != chat.NotFound {
		t.Error(err)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "a")); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// Whoever reads while others write sees one file or another, whole.
func TestNobodyReadsHalfAFile(t *testing.T) {
	s := Folder(t.TempDir())
	one, two := bytes.Repeat([]byte("1"), 1<<20), bytes.Repeat([]byte("2"), 1<<20)
	if err := s.Put(t.Context(), "k", one); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for _, b := range [][]byte{one, two} {
		all.Go(func() {
			for range 20 {
				if err := s.Put(t.Context(), "k", b); err != nil {
					t.Error(err)
				}
			}
		})
		all.Go(func() {
			for range 20 {
				if got := content(t, s, "k"); got != string(one) && got != string(two) {
					t.Errorf("%d bytes, mixed", len(got))
				}
			}
		})
	}
	all.Wait()
}

func TestNoKeyLeadsOutOfTheFolder(t *testing.T) {
	top := t.TempDir()
	if err := os.WriteFile(filepath.Join(top, "secret"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(top, "media"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(top, "secret"), filepath.Join(top, "media", "link")); err != nil {
		t.Fatal(err)
	}
	s := Folder(filepath.Join(top, "media"))
	for _, key := range []string{"../secret", "a/../../secret", filepath.Join(top, "secret"), "link"} {
		if _, err := s.Open(t.Context(), key); err == nil {
			t.Errorf("%s was opened", key)
		}
	}
	for _, key := range []string{"../secret", filepath.Join(top, "secret")} {
		if s.Put(t.Context(), key, []byte("mine")) == nil || s.Delete(t.Context(), key) == nil {
			t.Errorf("%s was changed", key)
		}
	}
	if b, err := os.ReadFile(filepath.Join(top, "secret")); err != nil || string(b) != "secret" {
		t.Errorf("it is %q now, %v", b, err)
	}
}

func TestAStoreThatIsNotThereIsUnavailable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, s := range []Store{Absent{}, Folder(file)} {
		_, err := s.Open(t.Context(), "k")
		for _, err := range []error{err, s.Put(t.Context(), "k", nil), s.Delete(t.Context(), "k")} {
			if chat.KindOf(err) != chat.Unavailable {
				t.Errorf("%T: %v", s, err)
			}
		}
	}
}
