package chat

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"strconv"
	"time"
)

// Ids are opaque strings of at most 64 characters on every edge. They are types
// here so that swapping two of them is a compile error.
type (
	// UserID names an account, for good.
	UserID string
	// DeviceID names one device of one user; two users may use the same.
	DeviceID string
	// NodeID names one running node; a restarted node may keep it.
	NodeID string
	// SessionID names one socket's tenure of a device. It is the fence by which
	// a late close of an old socket is told from its successor.
	SessionID string
	// ConversationID names a direct conversation or a room.
	ConversationID string
)

// Lobby is the room that everybody is a member of.
const Lobby ConversationID = "lobby"

// crockford is Crockford's base 32 in lower case: no i, l, o, u.
const crockford = "0123456789abcdefghjkmnpqrstvwxyz"

// NewID returns a ULID (github.com/ulid/spec) in lower case: 48 bits of Unix
// milliseconds, then 80 random bits, so ids sort by the time they were made and
// any node makes them without asking anyone.
func NewID() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(time.Now().UnixMilli())<<16)
	rand.Read(b[6:]) // never fails (crypto/rand)
	return encode32(b)
}

// IDAt returns what no id that is made from a time on is less than, and every
// earlier one is: ids sort by time, so a bound of time is a bound of ids.
func IDAt(t time.Time) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(max(t.UnixMilli(), 0))<<16)
	return encode32(b)
}

// SameID returns an id that is the same whoever makes it, and however often, of
// the same time, number and parts. Like those of NewID they sort by time, and
// within a millisecond by number.
func SameID(at time.Time, n int64, parts ...string) string {
	h := sha256.New()
	for _, p := range append(parts, strconv.FormatInt(n, 10)) {
		h.Write([]byte(p + "\x00"))
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(max(at.UnixMilli(), 0))<<16)
	binary.BigEndian.PutUint32(b[6:10], uint32(n))
	copy(b[10:], h.Sum(nil))
	return encode32(b)
}

// DirectID returns the id of the direct conversation of two people, the same
// whoever asks and on whichever node: a digest of the sorted pair.
func DirectID(a, b UserID) ConversationID {
	if b < a {
		a, b = b, a
	}
	sum := sha256.Sum256([]byte(string(a) + "\x00" + string(b)))
	return ConversationID("d" + encode32([16]byte(sum[:16])))
}

// MessageID returns the id of a message: its place says all there is to say.
func MessageID(c ConversationID, seq int64) string {
	return string(c) + "." + strconv.FormatInt(seq, 10)
}

// encode32 writes 128 bits as 26 base-32 digits, most significant first.
func encode32(b [16]byte) string {
	hi, lo := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	var out [26]byte
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = crockford[lo&31]
		lo = lo>>5 | hi<<59
		hi >>= 5
	}
	return string(out[:])
}
