package realtime

import (
	"io"
	"time"
)

// Socket is what a node needs of a WebSocket. One goroutine reads, one writes
// texts; WriteControl and Close may come from any.
type Socket interface {
	NextReader() (messageType int, r io.Reader, err error)
	// WriteTexts sends text messages. A client that has taken nothing of them for
	// as long as patience is given up: a timeout, after which nothing is sent.
	WriteTexts(texts [][]byte, patience time.Duration) error
	WriteControl(messageType int, data []byte, deadline time.Time) error
	SetReadDeadline(time.Time) error
	SetPingHandler(func(string) error)
	SetPongHandler(func(string) error)
	Close() error
}

// Message types of RFC 6455, section 11.8.
const (
	textMessage  = 1
	closeMessage = 8
	pingMessage  = 9
	pongMessage  = 10
)
