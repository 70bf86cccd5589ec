package store

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// A text begins with a prefix exactly where it is in the range of it.
func TestPrefixesAreRanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.StringOfN(rapid.RuneFrom([]rune("ab\x00\uD7FF\uE000\uFFFF\U0001F600\U0010FFFE\U0010FFFF")), 0, 4, -1)
		prefix, s := letters.Draw(t, "prefix"), letters.Draw(t, "text")
		end := prefixEnd(prefix)
		if !utf8.ValidString(end) {
			t.Fatalf("the range of %q ends at %q", prefix, end)
		}
		if in := s >= prefix && (end == "" || s < end); in != strings.HasPrefix(s, prefix) {
			t.Fatalf("%q is in the range of %q to %q: %t", s, prefix, end, in)
		}
	})
}

// Where a page ended is read back out of its cursor, whatever the names.
func TestSpotsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringOf(rapid.Rune().Filter(func(r rune) bool { return r != 0 }))
		s := spot{way: rapid.SampledFrom([]way{byEmail, byPhone, byUsername, byNickname, byID}).Draw(t, "way"), key: name.Draw(t, "key"), name: name.Draw(t, "name")}
		if back, ok := readSpot(s.cursor()); !ok || back != s {
			t.Fatalf("%+v reads back as %+v, %t", s, back, ok)
		}
	})
}

// A cursor that was made up is refused, or is one that a page might have given.
func FuzzSpots(f *testing.F) {
	for _, s := range []string{"", "-", "AA", spot{byNickname, "ann", "ann"}.cursor(), "YQ", "ZgAA"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		s, ok := readSpot(cursor)
		if !ok || cursor == "" {
			return
		}
		if back, ok := readSpot(s.cursor()); !ok || back != s {
			t.Fatalf("%q is %+v, which reads back as %+v, %t", cursor, s, back, ok)
		}
	})
}
