// Package phrase is what refusals and mails say to people, in English and in Chinese.
//
// A code never changes and is for programs; the sentence beside it follows the
// reader's language. Both edges, HTTP and the socket, take it from here.
package phrase

import (
	"errors"
	"strings"

	"github.com/tieline/tieline/pkg/chat"
	"golang.org/x/text/language"
)

// Language is one that we have all sentences in.
type Language string

// The languages; English is spoken to whoever asks for neither.
const (
	English Language = "en"
	Chinese Language = "zh"
)

// catalogue is one language's sentences.
type catalogue struct {
	kinds   map[chat.Kind]entry
	reasons map[chat.Reason]string // of a session that ended
	fields  map[string]string      // by the code of a field error, or by "field code" where that says it better
	field   string                 // for a code that has no sentence
	mails   map[chat.MailKind]letter
}

// letter is a mail; {code} stands for its code.
type letter struct{ subject, text string }

type entry struct{ title, detail string }

var catalogues = map[Language]*catalogue{English: &english, Chinese: &chinese}

var (
	spoken  = []Language{English, Chinese}
	matcher = language.NewMatcher([]language.Tag{language.English, language.Chinese})
)

// Match picks the language for an Accept-Language header. Anything goes in.
func Match(acceptLanguage string) Language {
	if acceptLanguage == "" {
		return English
	}
	_, i := language.MatchStrings(matcher, acceptLanguage)
	return spoken[i]
}

// Detail says what went wrong in the language that an Accept-Language header, or
// the name of a language, asks for.
func Detail(err error, acceptLanguage string) string { return Match(acceptLanguage).Detail(err) }

// in returns the catalogue of a language, English for one that there is not.
func (l Language) in() *catalogue {
	if c := catalogues[l]; c != nil {
		return c
	}
	return &english
}

// Title names a kind of error in a few words.
func (l Language) Title(k chat.Kind) string {
	return l.in().kind(k).title
}

// Detail says what went wrong in a sentence. An English reader gets the error's
// own where it has one; causes are never shown.
func (l Language) Detail(err error) string {
	c, k := l.in(), chat.KindOf(err)
	var e *chat.Error
	if errors.As(err, &e) {
		if e.Safe != "" && c == &english {
			return e.Safe
		}
		if s := c.reasons[e.Reason]; s != "" && k == chat.SessionEnded {
			return s
		}
		if k == chat.Invalid && len(e.Fields) == 1 {
			if s := c.fields[e.Fields[0].Field+" "+e.Fields[0].Code]; s != "" {
				return s
			}
		}
	}
	return c.kind(k).detail
}

// Mail writes a mail: its subject, and its text in whole lines.
func (l Language) Mail(m chat.Mail) (subject, text string) {
	t := l.in().mails[m.Kind]
	code := strings.NewReplacer("{code}", spaced(m.Code))
	return code.Replace(t.subject), code.Replace(t.text)
}

// spaced writes a code in two halves, as people read it aloud.
func spaced(code string) string {
	half := len(code) / 2
	return code[:half] + " " + code[half:]
}

// Field says what is wrong with one field.
func (l Language) Field(f chat.FieldError) string {
	c := l.in()
	if f.Detail != "" && c == &english {
		return f.Detail
	}
	for _, key := range []string{f.Field + " " + f.Code, f.Code} {
		if s := c.fields[key]; s != "" {
			return s
		}
	}
	return c.field
}

func (c *catalogue) kind(k chat.Kind) entry {
	if e, ok := c.kinds[k]; ok {
		return e
	}
	return c.kinds[chat.Internal]
}
