package chat

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// CheckText returns nil for a text that says something and has at most so many
// characters, else what is wrong with the field.
func CheckText(field, s string, most int) error {
	switch {
	case strings.TrimSpace(s) == "":
		return InvalidField(field, "required", "")
	case !utf8.ValidString(s):
		return InvalidField(field, "format", "")
	case utf8.RuneCountInString(s) > most:
		return OutOfBounds(field, "too_long", int64(most))
	}
	return nil
}

// Printable reports whether a text of one line shows as what it is: no control
// characters, no broken encoding, none that turn the direction of what follows.
func Printable(s string) bool {
	for _, r := range s {
		if r == unicode.ReplacementChar || unicode.IsControl(r) || r == '\u2028' || r == '\u2029' ||
			unicode.Is(unicode.Bidi_Control, r) {
			return false
		}
	}
	return true
}
