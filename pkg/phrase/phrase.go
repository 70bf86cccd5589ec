// Package phrase is what refusals and mails say to people, in English and in Chinese.
//
// A code never changes and is for programs; the sentence beside it follows the
// reader's language. Both edges, HTTP and the socket, take it from here.
package phrase

import (
	"errors"
	"strings"

	"github.com/tieline/tieline/pkg/chat"
	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/message/catalog"
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
	// fields are by the code of a field error, or by "field code" where that says
	// it better; with " %d" behind that, they name the limit.
	fields map[string]catalog.Message
	field  string // for a code that has no sentence
	mails  map[chat.MailKind]letter
}

// letter is a mail; {code} stands for its code.
type letter struct{ subject, text string }

type entry struct{ title, detail string }

// say is a sentence; %d in it is the limit, written as the language does.
func say(sentence string) catalog.Message { return catalog.String(sentence) }

// count is a sentence that differs for one and for more.
func count(one, other string) catalog.Message {
	return plural.Selectf(1, "%d", plural.One, one, plural.Other, other)
}

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

// printers fill limits into the sentences of each catalogue.
var printers = map[*catalogue]*message.Printer{
	&english: newPrinter(language.English, english.fields),
	&chinese: newPrinter(language.Chinese, chinese.fields),
}

func newPrinter(tag language.Tag, sentences map[string]catalog.Message) *message.Printer {
	b := catalog.NewBuilder(catalog.Fallback(tag))
	for key, sentence := range sentences {
		if err := b.Set(tag, key, sentence); err != nil {
			panic("phrase: " + key + ": " + err.Error()) // built in, so broken for everybody
		}
	}
	return message.NewPrinter(tag, message.Catalog(b))
}

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

// Detail says what went wrong in a sentence; of a single field, what is wrong
// with it. An English reader gets the error's own where it has one; causes are
// never shown.
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
			return l.only(e.Fields[0])
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
	sentence, _ := l.in().say(f)
	return sentence
}

// only says what is wrong with the only wrong field, and which one that is where
// the sentence does not.
func (l Language) only(f chat.FieldError) string {
	sentence, ofField := l.in().say(f)
	if ofField {
		return sentence
	}
	return f.Field + ": " + sentence
}

// say finds the sentence that tells most of a field error; ofField where it was
// made for this field.
func (c *catalogue) say(f chat.FieldError) (sentence string, ofField bool) {
	if f.Detail != "" && c == &english {
		return f.Detail, false
	}
	for _, key := range []string{f.Field + " " + f.Code, f.Code} {
		if f.Limit != 0 && c.fields[key+" %d"] != nil {
			return printers[c].Sprintf(key+" %d", f.Limit), key != f.Code
		}
	}
	for _, key := range []string{f.Field + " " + f.Code, f.Code} {
		if c.fields[key] != nil {
			return printers[c].Sprintf(key), key != f.Code
		}
	}
	return c.field, false
}

func (c *catalogue) kind(k chat.Kind) entry {
	if e, ok := c.kinds[k]; ok {
		return e
	}
	return c.kinds[chat.Internal]
}
