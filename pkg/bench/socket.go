package bench

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/tieline/tieline/pkg/client"
)

const (
	connectWait  = 20 * time.Second       // for one socket, up to synced
	connectTries = 20                     // before giving up on a node that says "later"
	retryAfter   = 100 * time.Millisecond // between them, growing
	reportEvery  = 64                     // frames between two "received"
	idleBuffer   = 512                    // bytes a socket that only idles reads into
)

// open connects as somebody and returns once everything missed has been read,
// and reported as received. A node that is busy is asked again; retried counts
// that.
func open(ctx context.Context, url string, a *account, buffer int, retried *atomic.Int64) (*client.Raw, error) {
	for try := 1; ; try++ {
		s, err := openOnce(ctx, url, a, buffer)
		var closed *client.CloseError
		if err == nil || try == connectTries || ctx.Err() != nil || errors.As(err, &closed) && closed.Final() {
			return s, err
		}
		retried.Add(1)
		select {
		case <-time.After(time.Duration(try) * retryAfter):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func openOnce(ctx context.Context, url string, a *account, buffer int) (*client.Raw, error) {
	ctx, cancel := context.WithTimeout(ctx, connectWait)
	defer cancel()
	s, err := client.DialRaw(ctx, client.RawOptions{URL: url, Token: a.Token, Device: a.Device, Offset: a.offset, Buffer: buffer})
	if err != nil {
		return nil, err
	}
	for {
		f, err := s.Next(ctx)
		if err != nil {
			s.Close()
			return nil, err
		}
		if f.Type == client.TypeSynced {
			if a.offset = f.Offset(); a.offset != "" {
				err = s.Received(a.offset)
			}
			if err != nil {
				s.Close()
				return nil, err
			}
			return s, nil
		}
	}
}

// loop reads frames until the socket ends.
func loop(s *client.Raw, frame func(p []byte)) {
	buf := make([]byte, 0, 1024)
	for {
		p, err := s.NextInto(buf)
		if err != nil {
			return
		}
		frame(p)
		buf = p
	}
}
