package main_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// S4.6, S2.7: a socket is opened with a token in the subprotocol, which is
// answered so that browsers stay, in the header or in the URL, or with a ticket;
// the first one found counts.
func TestCredentialsOfASocket(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice := s.User("alice")
	token, bearer := alice.grant.AccessToken, "bearer."+alice.grant.AccessToken
	for _, n := range s.nodes {
		n.Knock().Offers("tieline.v1", bearer).Opens(alice.device, "tieline.v1")
		n.Knock().Offers(bearer, "tieline.v1").Opens(alice.device, "tieline.v1")
		n.Knock().Header("Authorization", "Bearer "+token).Opens(alice.device, "")
		n.Knock().Header("Authorization", "bearer "+token).Offers("tieline.v1").Opens(alice.device, "tieline.v1")
		n.Knock().Query("ticket", ticket(alice.device)).Opens(alice.device, "")
		n.Knock().Query("ticket", ticket(alice.device)).Offers("tieline.v1").Opens(alice.device, "tieline.v1")
		n.Knock().Query("token", token).Opens(alice.device, "")
	}
	n := s.Node("n1")
	n.Knock().Offers("tieline.v1", bearer).Header("Authorization", "Bearer x").Query("ticket", "x").Query("token", "x").Opens(alice.device, "tieline.v1")
	n.Knock().Header("Authorization", "Bearer "+token).Query("ticket", "x").Query("token", "x").Opens(alice.device, "")
	n.Knock().Query("ticket", ticket(alice.device)).Query("token", "x").Opens(alice.device, "")
	n.Knock().Offers("tieline.v1", "bearer.x").Header("Authorization", "Bearer "+token).IsRefused(chat.TokenInvalid, wire.CloseInvalid)
	n.Knock().Header("Authorization", "Bearer x").Query("token", token).IsRefused(chat.TokenInvalid, wire.CloseInvalid)
	n.Knock().Query("ticket", "x").Query("token", token).IsRefused(chat.TokenInvalid, wire.CloseInvalid)
}

// ticket asks for a ticket over HTTP.
func ticket(d *device) string {
	d.s.t.Helper()
	var got struct {
		Ticket    string
		ExpiresIn int `json:"expires_in"`
	}
	d.s.running()[0].Asks("POST", "/api/v1/auth/ticket", d.grant.AccessToken, "").into(d.s, &got)
	if got.Ticket == "" || got.ExpiresIn != 30 {
		d.s.t.Fatalf("the ticket is %+v", got)
	}
	d.s.keepSecret(got.Ticket)
	return got.Ticket
}

// S2.7: a ticket works once, however many try it at the same time and wherever.
func TestATicketWorksOnce(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice := s.User("alice")
	one := ticket(alice.device)
	var opened atomic.Int32
	var tries sync.WaitGroup
	for i := range 8 {
		tries.Go(func() {
			conn, _, err := s.nodes[i%2].Knock().Query("ticket", one).try()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			switch f, text, err := first(conn); {
			case err == nil && f.Type == wire.Welcome:
				opened.Add(1)
			case err != nil || f.Code != chat.TokenInvalid:
				t.Errorf("%v %s, want a welcome or %s", err, text, chat.TokenInvalid)
			}
		})
	}
	tries.Wait()
	if n := opened.Load(); n != 1 {
		t.Errorf("a ticket opened %d sockets", n)
	}
}

// S2.7, promise 6: a ticket opens no more than its session does: whoever was
// signed out, disabled or removed in between is told so, as with a token.
func TestATicketOfASessionThatEnded(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob := s.User("alice"), s.User("bob")
	alices, bobs := ticket(alice.device), ticket(bob.device)
	alice.SignsOut()
	s.Tieline("", "user", "disable", "bob")
	s.Node("n1").Knock().Query("ticket", alices).dialKicked(chat.SignedOut)
	s.Node("n2").Knock().Query("ticket", bobs).IsRefused(chat.AccountDisabled, wire.CloseDisabled)
}

// S2.9, S1.3, S2.7, S0.1: expired, illegal, of nobody, of somebody disabled: each
// is told apart, over the socket by its close code and over HTTP by its status,
// in the reader's language, on every node.
func TestCredentialsThatAreRefused(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob := s.User("alice"), s.User("bob")
	s.Tieline("", "user", "disable", "bob")
	later, earlier := time.Now().Add(time.Hour).Unix(), time.Now().Add(-time.Second).Unix()
	good := jwt.MapClaims{"sub": alice.ID, "device": alice.id, "exp": later}
	s.Node("n2").Knock().Query("token", s.minted(good)).Opens(alice.device, "") // no login: others may mint such
	with := func(name string, v any) jwt.MapClaims {
		c := jwt.MapClaims{}
		for k, was := range good {
			c[k] = was
		}
		if c[name] = v; v == nil {
			delete(c, name)
		}
		return c
	}
	const expired, illegal, unknown, disabled = "token 已过期! 请重新获取令牌", "Token 令牌不合法!", "用户不存在", "你已被禁用"
	for name, refusal := range map[string]struct {
		token  string
		code   chat.Kind
		status int
		closed int
		detail string
	}{
		"expired":           {s.minted(with("exp", earlier)), chat.TokenExpired, 401, wire.CloseExpired, expired},
		"another key":       {s.signed(jwt.SigningMethodHS256, good, []byte(strings.Repeat("x", 32))), chat.TokenInvalid, 401, wire.CloseInvalid, illegal},
		"another key, old":  {s.signed(jwt.SigningMethodHS256, with("exp", earlier), []byte(strings.Repeat("x", 32))), chat.TokenInvalid, 401, wire.CloseInvalid, illegal},
		"no signature":      {s.signed(jwt.SigningMethodNone, good, jwt.UnsafeAllowNoneSignatureType), chat.TokenInvalid, 401, wire.CloseInvalid, illegal},
		"another algorithm": {s.signed(jwt.SigningMethodHS512, good, []byte(storyKey)), chat.TokenInvalid, 401, wire.CloseInvalid, illegal},
		"no device":         {s.minted(with("device", nil)), chat.TokenInvalid, 401, wire.CloseInvalid, illegal},
		"nobody":            {s.minted(with("sub", nil)), chat.TokenInvalid, 401, wire.CloseInvalid, illegal},
		"for ever":          {s.minted(with("exp", nil)), chat.TokenInvalid, 401, wire.CloseInvalid, illegal},
		"unknown device":    {s.minted(with("device", "unknown")), chat.TokenInvalid, 401, wire.CloseInvalid, illegal},
		"no token":          {"garbage", chat.TokenInvalid, 401, wire.CloseInvalid, illegal},
		"unknown user":      {s.minted(with("sub", chat.NewID())), chat.Unauthorized, 401, wire.CloseUnknownUser, unknown},
		"disabled":          {bob.grant.AccessToken, chat.AccountDisabled, 403, wire.CloseDisabled, disabled},
	} {
		for _, n := range s.nodes {
			a := n.Asks("GET", "/api/v1/me", refusal.token, "", "Accept-Language", "zh-CN,zh;q=0.9,en;q=0.8")
			if a.Status != refusal.status || a.Code != refusal.code || !strings.Contains(a.Detail, refusal.detail) {
				t.Errorf("%s: %s answers %d %s", name, n.id, a.Status, a.Body)
			}
			f := n.Knock().Offers("tieline.v1", "bearer."+refusal.token).Header("Accept-Language", "zh-TW").IsRefused(refusal.code, refusal.closed)
			if !strings.Contains(f.Detail, refusal.detail) {
				t.Errorf("%s: %s says %q", name, n.id, f.Detail)
			}
		}
	}
	f := s.Node("n1").Knock().Header("Accept-Language", "fr").IsRefused(chat.Unauthorized, wire.CloseInvalid)
	if !strings.HasPrefix(f.Detail, "Nobody is signed in") {
		t.Errorf("without any credential one is told %q", f.Detail)
	}
	s.Node("n1").Asks("GET", "/api/v1/me", "", "").is(s, 401, chat.Unauthorized)
}

// S1.3: a socket does not end when its token expires; the next connect is
// refused, and a refresh helps.
func TestATokenThatExpires(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, n := s.User("alice"), s.Node("n2")
	// A life as short as it can be, and yet long enough to connect with, however
	// busy the machine is.
	for life, in := time.Second, false; !in; life *= 2 {
		expires := jwt.NewNumericDate(time.Now().Add(life))
		alice.grant.AccessToken = s.minted(jwt.MapClaims{"sub": alice.ID, "device": alice.id, "exp": expires})
		line := alice.Tries("n1").line
		in = line.await(soon, func() bool { return len(line.queues[client.TypeSynced]) > 0 }) == nil
	}
	alice.eventually("its token expires", func() bool {
		return n.Asks("GET", "/api/v1/me", alice.grant.AccessToken, "").Code == chat.TokenExpired
	})
	alice.StaysOn()
	n.Knock().Header("Authorization", "Bearer "+alice.grant.AccessToken).IsRefused(chat.TokenExpired, wire.CloseExpired)
	alice.Refreshes()
	alice.StaysOn() // what is new is the token, not the session
	old := alice.TakesOver("n2")
	old.ClosedWith(wire.CloseReplaced)
	alice.StaysOn()
}

// The handshake itself is plain: what is no handshake is told so, and one from a
// foreign page is refused before it is one.
func TestHandshakesThatAreNone(t *testing.T) {
	t.Parallel()
	s := newStory(t, nodes(1), setting("TIELINE_ORIGINS", "https://chat.example"))
	alice, n := s.User("alice"), s.Node("n1")
	n.Asks("GET", "/ws", alice.grant.AccessToken, "").is(s, 426, chat.Malformed)
	for origin, status := range map[string]int{
		"https://chat.example": 101, "http://" + n.addr: 101, "": 101, // S4.10
		"https://evil.example": 403, "https://chat.example.evil.example": 403, "null": 403,
	} {
		k := n.Knock().Header("Authorization", "Bearer "+alice.grant.AccessToken)
		if origin != "" {
			k.Header("Origin", origin)
		}
		conn, got, err := k.try()
		if err == nil {
			conn.Close()
		}
		if got != status {
			t.Errorf("from %q: %d %v, want %d", origin, got, err, status)
		}
	}
}
