package chat

import "unicode"

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
