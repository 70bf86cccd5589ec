package handlers

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tieline/tieline/pkg/account"
	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/messaging"
)

func TestBadBodiesAreRefusedAndNothingElse(t *testing.T) {
	b := newBench(t)
	b.accounts.login = func(account.Login) (account.Grant, error) {
		t.Error("a bad body reached the accounts")
		return account.Grant{}, nil
	}
	for _, body := range []string{
		" ", "hello", "null", "true", "7", `"text"`, "[]", "{", `{"login":}`, `{"login":"a"`, `{"login":"a"}{}`, "\x00", "{}\x00",
		"{\"login\":\"\xff\"}", `{"login":"\ud8"}`, "<xml/>", "login=a&password=b", "{\"x\":" + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + "}",
	} {
		b.refused(400, "malformed", "", "POST", "/api/v1/auth/login", body)
	}
	b.refused(400, "malformed", "", "POST", "/api/v1/auth/login", "", with("Content-Type", "application/json"))
	for body, field := range map[string]string{
		`{"login":7}`: "login", `{"device":[]}`: "device", `{"device":{"id":7}}`: "device.id", `{"password":{"a":1}}`: "password",
	} {
		b.refused(422, "invalid", field, "POST", "/api/v1/auth/login", body)
	}
}

func TestOnlyJSONIsTaken(t *testing.T) {
	b := newBench(t)
	b.accounts.login = func(account.Login) (account.Grant, error) { return granted(), nil }
	const body = `{"login":"a","password":"b"}`
	for _, typ := range []string{"application/json", "application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json"} {
		b.want(200, "", "POST", "/api/v1/auth/login", body, with("Content-Type", typ))
	}
	b.want(200, "", "POST", "/api/v1/auth/login", body, func(r *http.Request) { r.Header.Del("Content-Type") })
	for _, typ := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "json", ";;;", "text/json"} {
		b.refused(415, "unsupported_media", "", "POST", "/api/v1/auth/login", body, with("Content-Type", typ))
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(make([]byte, 64<<20)) // what unpacks to far more than any limit
	z.Close()
	b.refused(415, "unsupported_media", "", "POST", "/api/v1/auth/login", packed.String(), with("Content-Encoding", "gzip"))
}

func TestUnknownRoutesAndWrongMethods(t *testing.T) {
	b := newBench(t)
	for _, path := range []string{"/api/v1/nothing", "/api/v1/", "/api/v1", "/api/v2/me", "/api/v1/me/nothing", "/API/v1/me", "/nothing", "/..%2f..%2fetc/passwd", "/api/v1/%00"} {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
			b.refused(404, "not_found", "", method, path, "")
		}
	}
	for path, allow := range map[string]string{"/api/v1/users": "GET", "/api/v1/auth/login": "POST", "/api/v1/conversations/c/messages": "POST", "/healthz": "GET", "/": "GET"} {
		b.refused(405, "malformed", "", "PATCH", path, "{}")
		if a := b.do("PATCH", path, "{}"); !strings.Contains(a.header.Get("Allow"), allow) {
			t.Errorf("%s allows %q, want %s among it", path, a.header.Get("Allow"), allow)
		}
	}
	b.want(200, "", "GET", "/healthz/", "")
}

func TestLongAndBinaryQueriesAreRefused(t *testing.T) {
	b := newBench(t)
	for query, field := range map[string]string{
		"query=" + strings.Repeat("x", 257): "query", "query=%00": "query", "query=%FF": "query",
		"cursor=" + strings.Repeat("x", 2049): "cursor", "cursor=%00": "cursor", "limit=%FF": "limit",
	} {
		b.refused(422, "invalid", field, "GET", "/api/v1/users?"+query, "", as("alice"))
	}
}

// Fiber's own strings are pieces of a buffer that the next request overwrites.
func TestWhatAHandlerKeepsStaysAsItWas(t *testing.T) {
	b := newBench(t)
	var kept, want []string
	b.accounts.search = func(_ chat.UserID, query, cursor string, _ int) ([]chat.User, string, error) {
		kept = append(kept, query, cursor)
		return nil, "", nil
	}
	b.messenger.history = func(_ chat.UserID, c chat.ConversationID, _ messaging.Page) ([]chat.Message, error) {
		kept = append(kept, string(c))
		return nil, nil
	}
	base := "http://" + b.serve() + "/api/v1"
	for i := range 20 {
		query, cursor, conversation := fmt.Sprintf("query-%03d", i), fmt.Sprintf("cursor-%03d", i), fmt.Sprintf("conversation-%03d", i)
		want = append(want, query, cursor, conversation)
		for _, path := range []string{"/users?query=" + query + "&cursor=" + cursor, "/conversations/" + conversation + "/messages"} {
			r, _ := http.NewRequest("GET", base+path, http.NoBody)
			r.Header.Set("Authorization", "Bearer alice")
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	}
	http.DefaultClient.CloseIdleConnections()
	if !slices.Equal(kept, want) {
		t.Errorf("kept %v", kept)
	}
}

// serve makes the app listen, for what httptest cannot say, and returns its
// address.
func (b *bench) serve() string {
	b.t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- b.app.Listener(ln) }()
	b.t.Cleanup(func() {
		if err := b.app.Shutdown(); err != nil {
			b.t.Error(err)
		}
		if err := <-done; err != nil {
			b.t.Error(err)
		}
	})
	return ln.Addr().String()
}

// raw sends bytes and reads one answer.
func raw(t *testing.T, addr, request string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(text))
	return resp
}

func TestWhatTheServerItselfRefusesIsAProblemToo(t *testing.T) {
	b := newBench(t)
	addr := b.serve()
	for name, test := range map[string]struct {
		request string
		status  int
		code    chat.Kind
	}{
		"a body over the limit": {
			fmt.Sprintf("POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", maxBody+1),
			413, chat.TooLarge,
		},
		"headers over the limit":     {"GET /ws?token=secret HTTP/1.1\r\nHost: x\r\nX-Long: " + strings.Repeat("x", maxHeaders) + "\r\n\r\n", 431, chat.TooLarge},
		"a header with a space":      {"GET / HTTP/1.1\r\nHost: x\r\nAuthorization : Bearer secret\r\n\r\n", 400, chat.Malformed},
		"not HTTP":                   {"secret hello\r\n\r\n", 400, chat.Malformed},
		"a length that is none":      {"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: secret\r\n\r\n", 400, chat.Malformed},
		"a method that is none":      {"SHOUT /api/v1/me HTTP/1.1\r\nHost: x\r\n\r\n", 405, chat.Malformed},
		"a method nothing answers":   {"TRACE /api/v1/me HTTP/1.1\r\nHost: x\r\n\r\n", 405, chat.Malformed},
		"a path that does not parse": {"GET /api/v1/users/%zz HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\n\r\n", 404, chat.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			resp := raw(t, addr, test.request)
			text, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != test.status || resp.Header.Get("Content-Type") != "application/problem+json" ||
				!strings.Contains(string(text), `"code":"`+string(test.code)+`"`) {
				t.Errorf("%d %s %s; want %d %s", resp.StatusCode, resp.Header.Get("Content-Type"), text, test.status, test.code)
			}
			if strings.Contains(string(text), "secret") {
				t.Errorf("the answer quotes the request: %s", text)
			}
		})
	}
	if strings.Contains(b.log.String(), "secret") {
		t.Errorf("the log quotes a request: %s", b.log)
	}
}

func TestTheAccessLogHasNoCredentials(t *testing.T) {
	b := newBench(t)
	b.accounts.login = func(account.Login) (account.Grant, error) {
		g := granted()
		g.AccessToken, g.RefreshToken = "secret-access", "secret-refresh"
		return g, nil
	}
	b.do("POST", "/api/v1/auth/login", `{"login":"alice","password":"secret-password","device":{"platform":"web"}}`)
	b.do("POST", "/api/v1/auth/login", `{"login":"alice","password":{"secret":1}}`)
	b.do("POST", "/api/v1/auth/login", `secret`)
	b.do("POST", "/api/v1/auth/ticket", "", as("alice"))
	b.do("GET", "/api/v1/me", "", as("secret-token"))
	b.do("GET", "/ws?token=secret&ticket=secret", "")
	b.do("GET", "/nothing?token=secret", "")
	log := b.log.String()
	for _, want := range []string{"path=/api/v1/auth/login", "method=POST", "status=401", "path=/ws", "status=426", "addr="} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %s:\n%s", want, log)
		}
	}
	if strings.Contains(log, "secret") {
		t.Errorf("the log has a credential:\n%s", log)
	}
}

func TestALongPathDoesNotFillTheLog(t *testing.T) {
	b := newBench(t)
	b.do("GET", "/"+strings.Repeat("x", 2000), "")
	if n := len(b.log.String()); n == 0 || n > 600 {
		t.Errorf("%d bytes in the log", n)
	}
}
