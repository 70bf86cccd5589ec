package hook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// maxAnswer is how much of an answer is read, so that the connection can be used
// again; nothing of it is looked at.
const maxAnswer = 64 << 10

// post posts one hook. Any 2xx in time will do. No error names the address,
// which may have a password in it.
func (p *Poster) post(ctx context.Context, h *chat.Hook) error {
	ctx, cancel := context.WithTimeout(ctx, p.o.Timing.Within)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.o.URL, strings.NewReader(h.Body))
	if err != nil {
		return errors.New("the address is none")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "tieline")
	req.Header.Set("Tieline-Id", h.ID)
	req.Header.Set("Tieline-Signature", sign(p.o.Secret, time.Now(), h.Body))
	resp, err := p.client.Do(req)
	if err != nil {
		var where *url.Error
		if errors.As(err, &where) {
			err = where.Err
		}
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("no answer within %v", p.o.Timing.Within)
		}
		return err
	}
	defer resp.Body.Close()
	io.CopyN(io.Discard, resp.Body, maxAnswer) // an error is the connection's, and the answer is known
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("answered %d", resp.StatusCode)
	}
	return nil
}

// sign returns the header by which a receiver knows that we posted a body, and
// when: t=UNIX,v1=HEX, the HMAC-SHA256 of "UNIX.BODY".
func sign(secret string, at time.Time, body string) string {
	t := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(t + "." + body))
	return "t=" + t + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}
