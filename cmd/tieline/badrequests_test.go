package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
)

// S0.1, section 2: every call of the API wants a token.
func TestEveryCallWantsAToken(t *testing.T) {
	t.Parallel()
	s := newStory(t, nodes(1))
	n := s.Node("n1")
	for _, op := range apiOf(t, n).operations {
		if op.open {
			continue
		}
		n.Asks(op.method, op.at("x"), "", `{}`).is(s, 401, chat.Unauthorized)
		n.Asks(op.method, op.at("x"), "x", `{}`).is(s, 401, chat.TokenInvalid)
	}
	for _, path := range []string{"/api/v1/", "/api/v1/nothing", "/api/v2/me", "/nothing", "/..%2f..%2fetc/passwd", "/docs/x/y", "/openapi.yaml?x=%ff", "/" + strings.Repeat("x", 7000)} {
		for _, method := range []string{"GET", "DELETE"} {
			if a := n.Asks(method, path, "x", ""); a.Status >= 500 || a.Status >= 400 && a.Code == "" {
				t.Errorf("%s %.100s: %d %.300s", method, path, a.Status, a.Body)
			}
		}
	}
}

// Whatever is sent to any route, as an administrator, none answers with an error
// of the server's own or drops the connection, and every refusal is a problem
// with a known code. The routes, their parameters and their fields are read from
// the node's own OpenAPI document, so new ones are covered by themselves.
func TestNoRequestBreaksANode(t *testing.T) {
	t.Parallel()
	attackRoutes(t, 4)
}

// attackRoutes sends one in so many of the requests that there are: each value
// somewhere, and something to each field.
func attackRoutes(t *testing.T, oneIn int) {
	s := newStory(t, nodes(1))
	alice, bob, n := s.User("alice"), s.User("bob"), s.Node("n1")
	api := apiOf(t, n)
	api.ids = map[string]string{"conversation": "lobby", "seq": "1", "id": string(bob.ID), "user": string(bob.ID)}
	work := make(chan attack)
	var attackers sync.WaitGroup
	var sent, taken atomic.Int64
	for i := range 4 {
		name := fmt.Sprint("root", i)
		s.Tieline("the password of root", "user", "add", name, "--admin")
		a := &attacker{t: t, n: n, name: name, codes: api.codes}
		a.logsIn()
		attackers.Go(func() {
			for w := range work {
				if status := a.sends(w); status >= 200 && status < 400 {
					taken.Add(1)
				}
				sent.Add(1)
			}
		})
	}
	dice := rand.New(rand.NewPCG(1, 2)) // the same each time
	for _, op := range api.operations {
		for _, w := range api.attacksOn(op) {
			if dice.IntN(oneIn) == 0 {
				work <- w
			}
		}
	}
	close(work)
	attackers.Wait()
	t.Logf("%d requests to %d operations, %d with success", sent.Load(), len(api.operations), taken.Load())
	if n := int64(100 * len(api.operations) / oneIn); sent.Load() < n || taken.Load() < sent.Load()/20 {
		t.Errorf("%d requests, of at least %d, and %d with success: they do not get far", sent.Load(), n, taken.Load())
	}
	alice.On("n1").StaysOn()
}

// attack is a request that nobody would send who means well.
type attack struct {
	method, path string
	header       map[string]string
	body         string
}

func (w attack) String() string {
	return fmt.Sprintf("%s %.150s %v with %.200q", w.method, w.path, w.header, w.body)
}

// attacker sends attacks as an administrator, one after the other.
type attacker struct {
	t     *testing.T
	n     *node
	name  string
	token string
	codes []string
}

func (a *attacker) logsIn() {
	status, _, body := a.asks(attack{
		method: "POST", path: "/api/v1/auth/login", header: map[string]string{"Content-Type": "application/json"},
		body: fmt.Sprintf(`{"login":%q,"password":"the password of root"}`, a.name),
	})
	var grant struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(body, &grant); err != nil || grant.AccessToken == "" {
		a.t.Errorf("%s cannot log in: %d %s", a.name, status, body)
	}
	a.token = grant.AccessToken
}

// sends holds the answer to what may be answered to anything, and returns its
// status.
func (a *attacker) sends(w attack) int {
	status, header, body := a.asks(w)
	var p struct {
		Code   string
		Errors []struct{ Field, Code, Detail string }
	}
	switch {
	case status == 0: // told already
	case status >= 500:
		a.t.Errorf("%s is answered %d %.300s", w, status, body)
	case status < 400:
	case header.Get("Content-Type") != "application/problem+json" || json.Unmarshal(body, &p) != nil || !slices.Contains(a.codes, p.Code):
		a.t.Errorf("%s is refused with no problem: %d %s %.300s", w, status, header.Get("Content-Type"), body)
	case p.Code == string(chat.Invalid) && (len(p.Errors) == 0 || p.Errors[0].Field == "" || p.Errors[0].Code == "" || p.Errors[0].Detail == ""):
		a.t.Errorf("%s is invalid, but where? %s", w, body)
	case status == http.StatusUnauthorized && p.Code != string(chat.BadCredentials):
		a.logsIn() // that was the end of its session
	}
	return status
}

// asks returns the status 0 where there was no answer.
func (a *attacker) asks(w attack) (int, http.Header, []byte) {
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, w.method, a.n.URL(), strings.NewReader(w.body))
	if err != nil {
		a.t.Error(err)
		return 0, nil, nil
	}
	r.URL = &url.URL{Scheme: "http", Host: a.n.addr, Opaque: w.path} // as it is, well-formed or not
	if a.token != "" {
		r.Header.Set("Authorization", "Bearer "+a.token)
	}
	for name, value := range w.header {
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		// Who is still sending what is too long may miss the answer.
		if len(w.body) < tooLong || !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
			a.t.Errorf("%s is not answered: %v", w, err)
		}
		return 0, nil, nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		a.t.Errorf("%s is not answered to its end: %v", w, err)
		return 0, nil, nil
	}
	return resp.StatusCode, resp.Header, body
}
