package chat

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The bounds of a message.
const (
	MaxText     = 20000 // characters
	MaxMentions = 100
	MaxClientID = 64 // characters
)

// MessageKind is what a message shows.
type MessageKind string

// The kinds of messages; System is not for users.
const (
	Text    MessageKind = "text"
	Image   MessageKind = "image"
	File    MessageKind = "file"
	Sticker MessageKind = "sticker"
	System  MessageKind = "system"
)

// Person is the card of the sender that travels with each message.
type Person struct {
	ID        UserID
	Username  string
	Nickname  string
	AvatarURL string
}

// Target is where a message goes: exactly one of its fields is set.
type Target struct {
	User         UserID
	Room         ConversationID
	Conversation ConversationID
}

// Draft is what a sender says; everything else of a Message is ours to say.
type Draft struct {
	Kind     MessageKind
	Text     string
	Media    string
	ReplyTo  int64
	Mentions []UserID
}

// Message is something said, as the database has it.
type Message struct {
	Draft
	Conversation ConversationID
	Seq          int64 // its place in the conversation, from 1, without holes
	ClientID     string
	From         Person
	To           Target // User or Room, as those who read it see it
	At           time.Time
	EditedAt     time.Time
	Recalled     bool
	Reactions    map[string]int // how many people reacted with what
}

// RecallWithin is how long people may recall what they said.
const RecallWithin = 2 * time.Minute

// Reaction is one person's to a message: On, or taken back.
type Reaction struct {
	Emoji string
	On    bool
}

// MaxEmoji is how long a reaction may be, in characters: emoji are made of many.
const MaxEmoji = 16

// IsEmoji reports whether a text can be a reaction: short, and seen.
func IsEmoji(s string) bool {
	n := 0
	for _, r := range s {
		n++
		if r == utf8.RuneError || r <= ' ' || r == 0x7f || unicode.IsSpace(r) || unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Bidi_Control, r) {
			return false
		}
	}
	return n > 0 && n <= MaxEmoji
}

// Check says what is wrong with a draft, or returns nil.
func (d *Draft) Check() error {
	switch d.Kind {
	case Text:
		if strings.TrimSpace(d.Text) == "" {
			return InvalidField("message.text", "required", "")
		}
	case Image, File, Sticker:
		if d.Media == "" && strings.TrimSpace(d.Text) == "" {
			return InvalidField("message.media", "required", "")
		}
	case "":
		return InvalidField("message.kind", "required", "")
	default:
		return InvalidField("message.kind", "unknown", "")
	}
	switch {
	case !utf8.ValidString(d.Text):
		return InvalidField("message.text", "format", "")
	case utf8.RuneCountInString(d.Text) > MaxText:
		return OutOfBounds("message.text", "too_long", MaxText)
	case len(d.Media) > 64:
		return OutOfBounds("message.media", "too_long", 64)
	case d.ReplyTo < 0:
		return InvalidField("message.reply_to", "format", "")
	case len(d.Mentions) > MaxMentions:
		return OutOfBounds("message.mentions", "too_long", MaxMentions)
	}
	for _, m := range d.Mentions {
		if m == "" || len(m) > 64 {
			return InvalidField("message.mentions", "format", "")
		}
	}
	return nil
}

// Digest tells a repeated send from another one under the same client id. It
// covers where the message goes and everything the sender said.
func (d *Draft) Digest(to ConversationID) [16]byte {
	h := sha256.New()
	part := func(s string) {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	part(string(to))
	part(string(d.Kind))
	part(d.Text)
	part(d.Media)
	part(strconv.FormatInt(d.ReplyTo, 10))
	for _, m := range d.Mentions {
		part(string(m))
	}
	return [16]byte(h.Sum(nil)[:16])
}
