package handlers

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/media"
)

// form is a form with one file, as a browser sends it.
func form(t *testing.T, field, name string, content []byte) (body, contentType string) {
	t.Helper()
	var b strings.Builder
	w := multipart.NewWriter(&b)
	w.WriteField("note", "what comes before is skipped")
	part, err := w.CreateFormFile(field, name)
	if err != nil {
		t.Fatal(err)
	}
	part.Write(content)
	w.Close()
	return b.String(), w.FormDataContentType()
}

// S0.4
func TestAnAvatarIsTakenOutOfItsForm(t *testing.T) {
	b := newBench(t)
	send := func(field, name string, content []byte) answer {
		body, typ := form(t, field, name, content)
		return b.do("PUT", "/api/v1/me/avatar", body, as("alice"), with("Content-Type", typ))
	}
	if a := send("file", "../../x.exe", []byte("data")); a.status != 200 || canonical(t, a.body) != canonical(t, []byte(alicesOwn)) {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := send("file", "", bytes.Repeat([]byte("x"), media.MaxAvatar)); a.status != 200 {
		t.Errorf("the largest: %d %s", a.status, a.body)
	}
	if got, want := fmt.Sprint(b.owners.did), fmt.Sprintf("[u-alice 4 bytes data u-alice %d bytes xxxx]", media.MaxAvatar); got != want {
		t.Errorf("kept %s, want %s", got, want)
	}
	for name, a := range map[string]answer{
		"413 too_large":    send("file", "", make([]byte, media.MaxAvatar+1)),
		"422 \"required\"": send("file", "", nil),
		"422 invalid":      send("avatar", "", []byte("data")),
		"400 malformed":    b.do("PUT", "/api/v1/me/avatar", "--x\r\nhello", as("alice"), with("Content-Type", "multipart/form-data; boundary=x")),
		"400 form":         b.do("PUT", "/api/v1/me/avatar", "x", as("alice"), with("Content-Type", "multipart/form-data")),
		"415 unsupported":  b.do("PUT", "/api/v1/me/avatar", "{}", as("alice")),
		"415 encoding":     b.do("PUT", "/api/v1/me/avatar", "x", as("alice"), with("Content-Type", "multipart/form-data; boundary=x"), with("Content-Encoding", "gzip")),
		"401 unauth":       b.do("PUT", "/api/v1/me/avatar", "x"),
	} {
		status, says, _ := strings.Cut(name, " ")
		if fmt.Sprint(a.status) != status || !strings.Contains(string(a.body), says) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if n := len(b.owners.did); n != 2 {
		t.Errorf("%d were kept", n)
	}
}

// S0.4: pictures are shown to anybody, and kept by browsers for good.
func TestAvatarsAreShown(t *testing.T) {
	b := newBench(t)
	a := b.want(200, "", "GET", "/avatars/u-1.png", "")
	for header, want := range map[string]string{
		"Content-Type": "image/png", "X-Content-Type-Options": "nosniff", "Cache-Control": "public, max-age=31536000, immutable",
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Etag": `"u-1.png"`,
	} {
		if got := a.header.Get(header); got != want {
			t.Errorf("%s: %q, want %q", header, got, want)
		}
	}
	if string(a.body) != "a picture" {
		t.Errorf("%q", a.body)
	}
	if a := b.want(304, "", "GET", "/avatars/u-1.png", "", with("If-None-Match", a.header.Get("Etag"))); len(a.body) != 0 {
		t.Errorf("%q", a.body)
	}
	for _, path := range []string{"/avatars/u-2.png", "/avatars/..%2fsecret", "/avatars/%00", "/avatars/"} {
		b.refused(404, "not_found", "", "GET", path, "")
	}
}

// Only an upload may have a large body, whichever way it is sent.
func TestOnlyUploadsAreLarge(t *testing.T) {
	b := newBench(t)
	base := "http://" + b.serve()
	most := uploads["PUT /api/v1/me/avatar"]
	for _, c := range []struct {
		method, path string
		size         int
		status       int
	}{
		{"PUT", "/api/v1/me/avatar", maxBody + 1, 415}, // it is no form, but it was read
		{"PUT", "/api/v1/me/avatar?x=y", most, 415},
		{"PUT", "/api/v1/me/avatar", most + 1, 413},
		{"POST", "/api/v1/me/avatar", maxBody + 1, 413},
		{"POST", "/api/v1/me/vip", maxBody, 400},
		{"POST", "/api/v1/me/vip", maxBody + 1, 413},
		{"PUT", "/api/v1/conversations/lobby/read", maxBody + 1, 413},
		{"POST", "/api/v1/auth/login", most, 413},
	} {
		for _, chunked := range []bool{false, true} {
			r, _ := http.NewRequest(c.method, base+c.path, bytes.NewReader(bytes.Repeat([]byte("x"), c.size)))
			if chunked {
				r.Body, r.ContentLength = io.NopCloser(r.Body), -1
			}
			r.Header.Set("Authorization", "Bearer alice")
			r.Header.Set("Content-Type", "application/json")
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				// It may say so, and close, before all of it was sent.
				if c.status != 413 {
					t.Errorf("%s %s with %d bytes, chunked %t: %v", c.method, c.path, c.size, chunked, err)
				}
				continue
			}
			text, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode != c.status || c.status == 413 && !strings.Contains(string(text), string(chat.TooLarge)) {
				t.Errorf("%s %s with %d bytes, chunked %t: %d %s, want %d", c.method, c.path, c.size, chunked, resp.StatusCode, text, c.status)
			}
		}
	}
	http.DefaultClient.CloseIdleConnections()
}
