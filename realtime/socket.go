package realtime

import (
	"io"
	"time"
)

// Socket is what a node needs of a WebSocket; the server library's connection
// and the client library's both have it. One goroutine reads, one writes data;
// WriteControl and Close may come from any.
type Socket interface {
	NextReader() (messageType int, r io.Reader, err error)
	WriteMessage(messageType int, data []byte) error
	WriteControl(messageType int, data []byte, deadline time.Time) error
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
	SetReadLimit(bytes int64)
	SetPongHandler(func(string) error)
	Close() error
}

// Message types of RFC 6455, section 11.8.
const (
	textMessage  = 1
	closeMessage = 8
	pingMessage  = 9
)
