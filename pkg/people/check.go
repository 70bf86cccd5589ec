package people

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tieline/tieline/pkg/chat"
)

// line holds a text of one line to its bounds, without the spaces around it.
func line(field, s string, most int) (string, error) {
	s = strings.TrimSpace(s)
	switch {
	case !utf8.ValidString(s) || !chat.Printable(s):
		return "", chat.InvalidField(field, "format", "")
	case utf8.RuneCountInString(s) > most:
		return "", chat.OutOfBounds(field, "too_long", int64(most))
	}
	return s, nil
}

// checkTags holds tags to their bounds; each is kept once.
func checkTags(tags []string) ([]string, error) {
	out := []string{}
	for _, tag := range tags {
		tag, err := line("tags", tag, chat.MaxTag)
		switch {
		case err != nil:
			return nil, err
		case tag == "":
			return nil, chat.InvalidField("tags", "required", "")
		case !slices.Contains(out, tag):
			out = append(out, tag)
		}
		if len(out) > chat.MaxTags {
			return nil, chat.OutOfBounds("tags", "too_many", chat.MaxTags)
		}
	}
	return out, nil
}

func checkLabel(l chat.Label) (_ chat.Label, err error) {
	if l.Remark, err = line("remark", l.Remark, chat.MaxRemark); err == nil {
		l.Tags, err = checkTags(l.Tags)
	}
	return l, err
}

func checkChange(c chat.RelationChange) (chat.RelationChange, error) {
	if c.Remark != nil {
		remark, err := line("remark", *c.Remark, chat.MaxRemark)
		if err != nil {
			return c, err
		}
		c.Remark = &remark
	}
	if c.Tags != nil {
		tags, err := checkTags(c.Tags)
		if err != nil {
			return c, err
		}
		c.Tags = tags
	}
	return c, nil
}
