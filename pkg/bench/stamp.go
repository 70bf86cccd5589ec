package bench

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"strconv"

	"github.com/tieline/tieline/pkg/chat"
)

// A stamp is what this package finds its messages by, in whatever frame they
// come back: printable, of a fixed length, never escaped by JSON. It is the id of
// a message (so an ack carries it) and the beginning of its text.
//
//	~M, part of the run (8 hex digits), pair (4), number (8), intended send time (16)
const (
	stampMark = "~M"
	stampLen  = len(stampMark) + 8 + 4 + 8 + 16
)

// stamp is what a message says about itself.
type stamp struct {
	pair int
	n    uint32 // counts the messages of the pair, from 0
	at   int64  // when it was meant to be sent, on the run's clock
}

// newPartID returns eight hex digits that no other part of any run has.
func newPartID() string {
	var b [4]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

const hexDigits = "0123456789abcdef"

func appendHex(b []byte, v uint64, digits int) []byte {
	for i := digits - 1; i >= 0; i-- {
		b = append(b, hexDigits[v>>(4*i)&15])
	}
	return b
}

func parseHex(b []byte) (v uint64) {
	for _, c := range b {
		v <<= 4
		switch {
		case '0' <= c && c <= '9':
			v |= uint64(c - '0')
		case 'a' <= c && c <= 'f':
			v |= uint64(c-'a') + 10
		}
	}
	return v
}

func (s stamp) append(b []byte, part string) []byte {
	b = append(b, stampMark...)
	b = append(b, part...)
	b = appendHex(b, uint64(s.pair), 4)
	b = appendHex(b, uint64(s.n), 8)
	return appendHex(b, uint64(s.at), 16)
}

// findStamp finds a stamp of the part that mark (stampMark and the part's id)
// belongs to.
func findStamp(frame, mark []byte) (s stamp, ok bool) {
	i := bytes.Index(frame, mark)
	if i < 0 || len(frame)-i < stampLen {
		return s, false
	}
	p := frame[i+len(mark):]
	return stamp{pair: int(parseHex(p[:4])), n: uint32(parseHex(p[4:12])), at: int64(parseHex(p[12:28]))}, true
}

// template is a send frame of one pair that only lacks its stamps.
type template struct {
	part, middle, tail string
	buf                []byte
}

func newTemplate(part string, to chat.UserID, body int) *template {
	fill := bytes.Repeat([]byte{'x'}, body-stampLen)
	return &template{
		part:   part,
		middle: `","to":{"user":` + strconv.Quote(string(to)) + `},"message":{"kind":"text","text":"`,
		tail:   string(fill) + `"}}`,
	}
}

// frame returns the frame; it is good until the next call.
func (t *template) frame(s stamp) []byte {
	b := append(t.buf[:0], `{"type":"send","id":"`...)
	b = s.append(b, t.part)
	b = append(b, t.middle...)
	b = s.append(b, t.part)
	t.buf = append(b, t.tail...)
	return t.buf
}

// numbers is a set of message numbers.
type numbers []uint64

// set puts a number in; false: it was in already.
func (b *numbers) set(n uint32) bool {
	i, m := int(n/64), uint64(1)<<(n%64)
	for len(*b) <= i {
		*b = append(*b, 0)
	}
	if (*b)[i]&m != 0 {
		return false
	}
	(*b)[i] |= m
	return true
}

// without counts what is in b and not in other.
func (b numbers) without(other numbers) (n int64) {
	for i, w := range b {
		if i < len(other) {
			w &^= other[i]
		}
		for ; w != 0; w &= w - 1 {
			n++
		}
	}
	return n
}
