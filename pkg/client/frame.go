package client

import (
	"bytes"
	"encoding/json"

	"github.com/tieline/tieline/pkg/wire"
)

// The types of frames that a user of a Raw tells apart; package wire has them
// all, with their fields.
const (
	TypeWelcome = wire.Welcome
	TypeMessage = wire.Message
	TypeEvent   = wire.Event
	TypeGap     = wire.Gap
	TypeSynced  = wire.Synced
	TypeAck     = wire.Ack
	TypeError   = wire.Error
	TypeKicked  = wire.Kicked
	TypeDrain   = wire.Drain
)

// Frame is one frame from the server.
type Frame struct {
	Type string
	Data []byte // the whole frame, type included
}

// Into decodes the frame into one of package wire's frame types.
func (f Frame) Into(v any) error { return json.Unmarshal(f.Data, v) }

// ParseFrame finds the type of a frame that NextInto has read. Data is p itself.
func ParseFrame(p []byte) Frame { return Frame{Type: frameType(p), Data: p} }

// Offset returns the offset of a queued frame, "" of any other.
func (f Frame) Offset() string { return frameOffset(f.Data) }

var (
	typePrefix   = []byte(`{"type":"`)
	offsetPrefix = []byte(`,"offset":"`)
)

// frameType finds the type, which is the first field of every frame; a frame
// that is written in another way is decoded.
func frameType(p []byte) string {
	if name, _, ok := leading(p, typePrefix); ok {
		return internType(name)
	}
	var f struct{ Type string }
	_ = json.Unmarshal(p, &f) // what is no JSON has no type
	return f.Type
}

// frameOffset finds the offset of a queued frame, which is its second field.
func frameOffset(p []byte) string {
	if _, rest, ok := leading(p, typePrefix); ok {
		if offset, _, ok := leading(rest, offsetPrefix); ok {
			return string(offset)
		}
	}
	var f struct{ Offset string }
	_ = json.Unmarshal(p, &f) // what is no JSON has no offset
	return f.Offset
}

// leading returns the text between prefix and the next quote, and what follows
// it. A text with an escape in it is left to the decoder.
func leading(p, prefix []byte) (text, rest []byte, ok bool) {
	p, ok = bytes.CutPrefix(p, prefix)
	if !ok {
		return nil, nil, false
	}
	text, rest, ok = bytes.Cut(p, []byte{'"'})
	return text, rest, ok && bytes.IndexByte(text, '\\') < 0
}

// internType spares an allocation for the types that come in great numbers.
func internType(name []byte) string {
	for _, known := range [...]string{wire.Message, wire.Ack, wire.Presence, wire.Signal, wire.Typing, wire.Receipt} {
		if string(name) == known {
			return known
		}
	}
	return string(name)
}
