package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// Raw is one socket and nothing else: what the server sent is what Next
// returns, in that order, duplicates and refusals included; nothing is repeated,
// resumed or acknowledged by itself. Pings are answered while a read is under
// way. One goroutine may read while any number write.
type Raw struct {
	conn    *websocket.Conn
	timeout time.Duration

	wmu sync.Mutex   // around writes, which the connection wants one at a time
	end atomic.Int64 // when reads end whatever comes, in Unix nanoseconds; 0: they do not

	// Owned by the reader.
	idle    time.Duration // 0: reads wait for ever
	reason  chat.Reason
	refused *Error
	ended   *CloseError
}

// Next returns the next frame. When the socket has ended it returns a
// *CloseError, and again at each further call. A ctx that ends during the call
// ends the socket for reading.
func (r *Raw) Next(ctx context.Context) (Frame, error) {
	stop := context.AfterFunc(ctx, func() { r.endReads(time.Unix(1, 0)) })
	p, err := r.NextInto(nil)
	if !stop() && err != nil {
		return Frame{}, ctx.Err()
	}
	if err != nil {
		return Frame{}, err
	}
	return ParseFrame(p), nil
}

// NextInto is Next for loops that must not allocate: the frame is read into
// buf's room, which grows when needed, and returned. Only Close or SetIdle
// interrupt it.
func (r *Raw) NextInto(buf []byte) ([]byte, error) {
	if r.ended != nil {
		return nil, r.ended
	}
	if r.idle > 0 {
		r.extend()
	}
	_, body, err := r.conn.NextReader()
	if err == nil {
		buf, err = readAll(body, buf[:0])
	}
	if err != nil {
		r.ended = r.closeError(err)
		return nil, r.ended
	}
	r.noteFarewell(buf)
	return buf, nil
}

// SetIdle makes reads fail when nothing, not even a ping, comes for d. It
// belongs to the reading goroutine.
func (r *Raw) SetIdle(d time.Duration) { r.idle = d }

// extend gives the peer another idle time, but not beyond the end of reads.
func (r *Raw) extend() {
	_ = r.conn.SetReadDeadline(time.Now().Add(r.idle)) // fails where the next read does
	if end := r.end.Load(); end != 0 {                 // endReads may have come in between
		_ = r.conn.SetReadDeadline(time.Unix(0, end))
	}
}

func (r *Raw) endReads(at time.Time) {
	r.end.Store(at.UnixNano())
	_ = r.conn.SetReadDeadline(at)
}

// Write sends one frame as it stands.
func (r *Raw) Write(p []byte) error {
	r.wmu.Lock()
	defer r.wmu.Unlock()
	_ = r.conn.SetWriteDeadline(time.Now().Add(r.timeout)) // never fails: it is noted for the write
	return r.conn.WriteMessage(websocket.TextMessage, p)
}

// Send encodes a frame, usually a wire.ClientFrame, and writes it.
func (r *Raw) Send(frame any) error {
	p, err := json.Marshal(frame)
	if err != nil {
		return err
	}
	return r.Write(p)
}

// Received reports everything up to an offset as received: it will not be sent
// to this device again.
func (r *Raw) Received(offset string) error { return r.Write(receivedFrame(offset)) }

// Bye says goodbye with a close frame. The reader should read on: the socket
// has ended when Next says so, or after wait at the latest.
func (r *Raw) Bye(wait time.Duration) error {
	msg := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	err := r.conn.WriteControl(websocket.CloseMessage, msg, time.Now().Add(wait))
	r.endReads(time.Now().Add(wait))
	return err
}

// hurry bounds whatever the socket is doing now.
func (r *Raw) hurry(wait time.Duration) {
	at := time.Now().Add(wait)
	r.endReads(at)
	_ = r.conn.NetConn().SetWriteDeadline(at)
}

// Close cuts the connection at once, without a goodbye, as a crash would.
func (r *Raw) Close() error { return r.conn.Close() }

// pong answers a ping; it runs within a read.
func (r *Raw) pong(data string) error {
	if r.idle > 0 {
		r.extend()
	}
	err := r.conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(r.timeout))
	if errors.Is(err, websocket.ErrCloseSent) {
		return nil
	}
	return err
}

// noteFarewell remembers what usually comes right before a close.
func (r *Raw) noteFarewell(p []byte) {
	switch frameType(p) {
	case wire.Kicked:
		var k wire.KickedFrame
		if json.Unmarshal(p, &k) == nil {
			r.reason = k.Reason
		}
	case wire.Error:
		var e wire.ErrorFrame
		if json.Unmarshal(p, &e) == nil && e.Re == "" {
			r.refused = refusal(e)
		}
	}
}

func (r *Raw) closeError(err error) *CloseError {
	e := &CloseError{Code: closeBroken, Reason: r.reason, Refusal: r.refused, Err: err}
	var c *websocket.CloseError
	if errors.As(err, &c) && c.Code != websocket.CloseAbnormalClosure {
		e.Code, e.Text, e.Err = c.Code, c.Text, nil
	}
	return e
}

// readAll is io.ReadAll into a buffer of the caller's.
func readAll(from io.Reader, buf []byte) ([]byte, error) {
	if cap(buf) == 0 {
		buf = make([]byte, 0, 512)
	}
	for {
		n, err := from.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
	}
}
