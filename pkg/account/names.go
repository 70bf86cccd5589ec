package account

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// foldKey is the form in which names are compared: without differences of
// compatibility, composition and case, so that "ＢＯＢ" is "bob" and "straße" is
// "STRASSE". It is its own fold.
func foldKey(s string) string {
	fold := cases.Fold() // has state: one each time
	for range 4 {        // folding may undo composing and the other way round, a few times at most
		next := norm.NFKC.String(fold.String(norm.NFKC.String(s)))
		if next == s {
			break
		}
		s = next
	}
	return s
}

// cutKey keeps a key within a column of n characters.
func cutKey(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// maxMarks is how many accents may stand on one letter of a name.
const maxMarks = 4

// plainName reports whether a name consists of letters and digits of any script,
// '_', '-' and '.'. Marks belong to letters in many scripts; what cannot be seen
// does not belong into a name.
func plainName(s string) bool {
	marks := maxMarks // none at the beginning
	for _, r := range s {
		switch {
		case unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
			return false
		case unicode.IsLetter(r):
			marks = 0
		case unicode.Is(unicode.Nd, r), r == '_', r == '-', r == '.':
			marks = maxMarks
		case unicode.IsMark(r) && marks < maxMarks:
			marks++
		default:
			return false
		}
	}
	return true
}

// phoneKey is the form in which phone numbers are kept and compared: digits,
// after a plus if there was one; "" for what is no phone number.
func phoneKey(s string) string {
	var b strings.Builder
	for _, r := range norm.NFKC.String(s) {
		switch {
		case r >= '0' && r <= '9', r == '+' && b.Len() == 0:
			b.WriteRune(r)
		case r == ' ', r == '-', r == '(', r == ')', r == '.', r == '/':
		default:
			return ""
		}
	}
	key := b.String()
	if digits := len(strings.TrimPrefix(key, "+")); digits < 5 || digits > 15 {
		return ""
	}
	return key
}
