package people

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tieline/tieline/pkg/chat"
)

// What is accepted of a note about somebody fits, each tag once, and is accepted
// again as it was kept. Tags are separated by lines here.
func FuzzLabels(f *testing.F) {
	f.Add("from work", "work\nfriends\nwork")
	f.Add(" \u202e", "\u2028\n\x00")
	f.Add(strings.Repeat("😀", 65), strings.Repeat("x\n", 50))
	f.Fuzz(func(t *testing.T, remark, tags string) {
		l, err := checkLabel(chat.Label{Remark: remark, Tags: strings.Split(tags, "\n")})
		if err != nil {
			if chat.KindOf(err) != chat.Invalid {
				t.Fatal(err)
			}
			return
		}
		if utf8.RuneCountInString(l.Remark) > chat.MaxRemark || len(l.Tags) > chat.MaxTags || !chat.Printable(l.Remark) {
			t.Fatalf("%+v does not fit", l)
		}
		for i, tag := range l.Tags {
			if tag == "" || utf8.RuneCountInString(tag) > chat.MaxTag || !chat.Printable(tag) || slices.Contains(l.Tags[:i], tag) {
				t.Fatalf("%q among %q", tag, l.Tags)
			}
		}
		again, err := checkLabel(l)
		if err != nil || again.Remark != l.Remark || !slices.Equal(again.Tags, l.Tags) {
			t.Fatalf("%+v becomes %+v, %v", l, again, err)
		}
		if c, err := checkChange(chat.RelationChange{Remark: &remark, Tags: strings.Split(tags, "\n")}); err != nil || *c.Remark != l.Remark || !slices.Equal(c.Tags, l.Tags) {
			t.Fatalf("a change to %+v is one to %+v, %v", l, c, err)
		}
	})
}
