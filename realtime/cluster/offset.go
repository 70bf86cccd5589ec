package cluster

import (
	"strconv"
	"strings"

	"github.com/tieline/tieline/pkg/chat"
)

// Offset is how far a device has come: a position in its user's queue under one
// generation, the commit time of the newest message it has seen, by which the
// history fills in when the generation is another, and its seq in each room
// that has a log instead of queues.
//
// On the wire it is opaque and safe in a URL: "gen.pos.ms", then "~room_seq"
// for each such room.
type Offset struct {
	Generation int64
	Position   int64
	At         int64 // Unix milliseconds
	Rooms      []RoomSeq
}

// RoomSeq is how far a device has come in one room.
type RoomSeq struct {
	Room chat.ConversationID
	Seq  int64
}

// maxRooms bounds what a client can make a node parse.
const maxRooms = 64

// Room returns the seq in a room and whether the offset knows of it.
func (o *Offset) Room(r chat.ConversationID) (int64, bool) {
	for _, s := range o.Rooms {
		if s.Room == r {
			return s.Seq, true
		}
	}
	return 0, false
}

// SetRoom notes the seq in a room.
func (o *Offset) SetRoom(r chat.ConversationID, seq int64) {
	for i := range o.Rooms {
		if o.Rooms[i].Room == r {
			o.Rooms[i].Seq = seq
			return
		}
	}
	o.Rooms = append(o.Rooms, RoomSeq{r, seq})
}

// Clone returns an offset that shares nothing with this one.
func (o Offset) Clone() Offset {
	o.Rooms = append([]RoomSeq(nil), o.Rooms...)
	return o
}

// String is the offset as clients carry it.
func (o Offset) String() string { return string(o.Append(nil)) }

// Append appends the offset as clients carry it.
func (o *Offset) Append(b []byte) []byte {
	b = strconv.AppendInt(b, o.Generation, 10)
	b = append(b, '.')
	b = strconv.AppendInt(b, o.Position, 10)
	b = append(b, '.')
	b = strconv.AppendInt(b, o.At, 10)
	return appendRooms(b, o.Rooms)
}

func appendRooms(b []byte, rooms []RoomSeq) []byte {
	for _, r := range rooms {
		b = append(b, '~')
		b = append(b, r.Room...)
		b = append(b, '_')
		b = strconv.AppendInt(b, r.Seq, 10)
	}
	return b
}

// ParseOffset reads an offset; false when it is none of ours.
func ParseOffset(s string) (Offset, bool) {
	parts := strings.Split(s, "~")
	if len(s) > 4096 || len(parts) > maxRooms+1 {
		return Offset{}, false
	}
	head := strings.Split(parts[0], ".")
	if len(head) != 3 {
		return Offset{}, false
	}
	var o Offset
	for i, to := range []*int64{&o.Generation, &o.Position, &o.At} {
		n, ok := natural(head[i])
		if !ok {
			return Offset{}, false
		}
		*to = n
	}
	for _, p := range parts[1:] {
		room, seq, _ := strings.Cut(p, "_")
		n, ok := natural(seq)
		if !ok || !plain(room) {
			return Offset{}, false
		}
		o.SetRoom(chat.ConversationID(room), n)
	}
	return o, true
}

// plain reports whether a room's id is one that fits into an offset, and into a
// frame as it is.
func plain(id string) bool {
	for _, b := range []byte(id) {
		if b != '-' && (b < '0' || b > '9') && (b < 'a' || b > 'z') && (b < 'A' || b > 'Z') {
			return false
		}
	}
	return id != "" && len(id) <= 64
}

// natural reads a number from 0 that a script can hold without rounding.
func natural(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n >= 0 && n < 1<<53 && s[0] != '+'
}
