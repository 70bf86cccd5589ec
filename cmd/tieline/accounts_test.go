package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
)

// S0.1, S0.2, S1.2, S4.2: signing up with everything, in by any of the names, and
// who one is then, on every node; the token is in the header, too.
func TestSigningUpAndIn(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	const password = "correct horse battery"
	s.keepSecret(password, "wrong horse battery")
	in := fmt.Sprintf(`{"username":"小明","password":%q,"nickname":"  Ming 😀 ","email":"Ming@Example.org","phone":"+86 138-0013-8000",
		"device":{"id":"my phone","platform":"ios","name":"Ming's phone"},"admin":true,"vip_until":"2099-01-01T00:00:00Z","unknown":1}`, password)
	a := s.Node("n1").Asks("POST", "/api/v1/auth/register", "", in)
	var g client.Grant
	a.into(s, &g)
	s.keepSecret(g.AccessToken, g.RefreshToken)
	if a.Status != 201 || a.Header.Get("Authorization") != "Bearer "+g.AccessToken || g.DeviceID != "my phone" || g.ExpiresIn != 3600 || g.RefreshToken == "" {
		t.Errorf("signing up answers %d, %v, %+v", a.Status, a.Header, g)
	}
	for _, n := range s.nodes {
		a := n.Asks("GET", "/api/v1/me", g.AccessToken, "")
		var me map[string]any
		a.into(s, &me)
		for field, want := range map[string]any{
			"id": string(g.User.ID), "username": "小明", "nickname": "Ming 😀", "sex": "unknown", "bio": "", "avatar_url": "",
			"email": "Ming@Example.org", "phone": "+8613800138000", "theme": "", "locale": "", "vip_until": nil, "admin": false,
		} {
			if got, ok := me[field]; !ok || got != want {
				t.Errorf("%s: %s is %v, want %v", n.id, field, got, want)
			}
		}
		if at, err := time.Parse("2006-01-02T15:04:05.000Z", fmt.Sprint(me["created_at"])); err != nil || time.Since(at) > time.Minute {
			t.Errorf("created at %v", me["created_at"])
		}
		for _, login := range []string{"小明", "ming@example.org", "+86 138 0013 8000", "+8613800138000"} {
			a := n.Asks("POST", "/api/v1/auth/login", "", fmt.Sprintf(`{"login":%q,"password":%q}`, login, password))
			var g client.Grant
			if a.into(s, &g); a.Status != 200 || g.User.Username != "小明" || g.DeviceID == "" || a.Header.Get("Authorization") != "Bearer "+g.AccessToken {
				t.Errorf("%s logs in as %+v", login, g)
			}
			s.keepSecret(g.AccessToken, g.RefreshToken)
		}
	}
	wrong := s.Node("n2").Asks("POST", "/api/v1/auth/login", "", `{"login":"小明","password":"wrong horse battery"}`, "Accept-Language", "zh")
	nobody := s.Node("n2").Asks("POST", "/api/v1/auth/login", "", `{"login":"nobody","password":"wrong horse battery"}`, "Accept-Language", "zh")
	wrong.is(s, 401, chat.BadCredentials)
	if string(wrong.Body) != string(nobody.Body) || wrong.Status != nobody.Status {
		t.Errorf("a wrong name is told from a wrong password: %s, %s", wrong.Body, nobody.Body)
	}
}

// S0.2, S4.10: what is wrong with a sign-up is said of each field, in the
// reader's language; what is taken is taken, however it is written.
func TestSignUpsThatAreRefused(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	n := s.Node("n1")
	a := n.Asks("POST", "/api/v1/auth/register", "", `{"username":"a","password":"short","email":"nowhere","phone":"12","nickname":"\u0007","device":{"platform":"toaster"}}`, "Accept-Language", "zh-CN")
	a.is(s, 422, chat.Invalid)
	var fields []string
	for _, e := range a.Errors {
		if fields = append(fields, e.Field+" "+e.Code); e.Detail == "" || strings.ContainsAny(e.Detail, "abcdefg") {
			t.Errorf("%s is told so: %q", e.Field, e.Detail)
		}
	}
	slices.Sort(fields)
	if got, want := fmt.Sprint(fields), "[device.platform unknown email format nickname format password too_short phone format username too_short]"; got != want {
		t.Errorf("what is wrong is %s, want %s", got, want)
	}
	register := func(n *node, name, email, phone string) answer {
		return n.Asks("POST", "/api/v1/auth/register", "", fmt.Sprintf(`{"username":%q,"password":"correct horse battery","email":%q,"phone":%q}`, name, email, phone))
	}
	register(n, "Alice", "alice@example.org", "+1 555 0100").into(s, new(client.Grant))
	register(s.Node("n2"), "ALICE", "", "").is(s, 409, chat.UsernameTaken)
	register(s.Node("n2"), "ａｌｉｃｅ", "", "").is(s, 409, chat.UsernameTaken) // full width
	register(s.Node("n2"), "other", "ALICE@example.org", "").is(s, 409, chat.EmailTaken)
	register(s.Node("n2"), "other", "", "+15550100").is(s, 409, chat.PhoneTaken)
	register(n, "other", "", "").into(s, new(client.Grant)) // nothing of it was kept
	var in, taken atomic.Int32
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			switch a := register(s.nodes[i%2], "Highlander", "", ""); {
			case a.Status == 201:
				in.Add(1)
			case a.Code == chat.UsernameTaken:
				taken.Add(1)
			default:
				t.Errorf("%d %s", a.Status, a.Body)
			}
		})
	}
	all.Wait()
	if in.Load() != 1 || taken.Load() != 5 {
		t.Errorf("%d people have one name", in.Load())
	}
}

// S0.3, S3.7, S2.1: people are found by name, the beginning of their nickname,
// the whole of their phone number or address, and by nobody who is not signed
// in; everybody is listed page by page, and nobody's address is shown.
func TestFindingPeople(t *testing.T) {
	t.Parallel()
	s := newStory(t, nodes(1))
	alice, n := s.User("alice"), s.Node("n1")
	for i := range 5 {
		in := fmt.Sprintf(`{"username":"user%d","password":"correct horse battery","nickname":"王小%[1]d","email":"u%[1]d@example.org","phone":"+4930%[1]d00000"}`, i)
		n.Asks("POST", "/api/v1/auth/register", "", in).into(s, new(client.Grant))
	}
	find := func(query, cursor string) (names []string, next string) {
		a := n.Asks("GET", "/api/v1/users?limit=4&query="+query+"&cursor="+cursor, alice.grant.AccessToken, "")
		var page client.Page[map[string]any]
		a.into(s, &page)
		for _, u := range page.Items {
			names = append(names, fmt.Sprint(u["username"]))
			for _, hidden := range []string{"email", "phone", "theme", "locale", "admin"} {
				if v, ok := u[hidden]; ok {
					t.Errorf("%s of %s is shown: %v", hidden, u["username"], v)
				}
			}
		}
		return names, page.Next
	}
	for query, want := range map[string]string{
		"user3": "[user3]", "USER3": "[user3]", "%2B4930200000": "[user2]", "%2B49%2030%20200000": "[user2]", "u4%40EXAMPLE.org": "[user4]",
		"%E7%8E%8B%E5%B0%8F1": "[user1]", "example.org": "[]", "4930": "[]", "%25": "[]", "_": "[]", "nobody": "[]",
	} {
		if got, _ := find(query, ""); fmt.Sprint(got) != want {
			t.Errorf("for %s one finds %s, want %s", query, got, want)
		}
	}
	if got, next := find("%E7%8E%8B%E5%B0%8F", ""); len(got) != 4 || next == "" {
		t.Errorf("by the beginning of a nickname one finds %s, and then %q", got, next)
	}
	first, next := find("", "")
	second, last := find("", next)
	all := slices.Concat(first, second)
	if slices.Sort(all); fmt.Sprint(all) != "[alice user0 user1 user2 user3 user4]" || last != "" {
		t.Errorf("everybody is %s, then %s, then %q", first, second, last)
	}
}

// S1.6, S2.1: what is over is over: a refresh token works once, and whoever uses
// an old one ends the whole session, also when many do so at the same time.
func TestRefreshTokensWorkOnce(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob := s.User("alice"), s.User("bob")
	alice.On("n1")
	bob.On("n1")
	stolen := alice.grant.RefreshToken
	alice.Refreshes()
	alice.StaysOn()
	old := alice.grant
	s.Node("n2").Asks("POST", "/api/v1/auth/refresh", "", fmt.Sprintf(`{"refresh_token":%q}`, stolen)).is(s, 401, chat.TokenInvalid)
	alice.Within(time.Second).IsKicked(chat.SignedOut)
	alice.grant = old
	alice.IsOut(chat.SignedOut)

	var once, refused atomic.Int32
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), soon)
			defer cancel()
			switch _, err := s.nodes[i%2].api("").Refresh(ctx, bob.grant.RefreshToken); chat.KindOf(err) {
			case "":
				once.Add(1)
			case chat.TokenInvalid, chat.SessionEnded:
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if once.Load() != 1 || refused.Load() != 5 {
		t.Errorf("one refresh token worked %d times", once.Load())
	}
	bob.IsKicked(chat.SignedOut)
}

// Promise 9: whatever goes wrong with credentials, no log and no metric shows
// one; the story's end looks at the logs.
func TestCredentialsAreNotWrittenDown(t *testing.T) {
	t.Parallel()
	s := newStory(t, nodes(1), setting("TIELINE_LOG", "text"))
	alice, n := s.User("alice"), s.Node("n1")
	const wrong = "a password that is wrong"
	s.keepSecret(wrong, "a new password of alice", "INVIT-E0000-00000-00000-00000", "garbage.in.token", "garbage-in-ticket", "garbage-refresh")
	n.Asks("POST", "/api/v1/auth/login", "", fmt.Sprintf(`{"login":"alice","password":%q}`, wrong))
	n.Asks("POST", "/api/v1/auth/login?password="+strings.ReplaceAll(wrong, " ", "%20"), "", fmt.Sprintf(`{"login":"alice","password":%q`, wrong))
	n.Asks("POST", "/api/v1/auth/login", "", fmt.Sprintf(`{"login":%q,"password":{"is":%[1]q}}`, wrong))
	n.Asks("POST", "/api/v1/auth/refresh", "", `{"refresh_token":"garbage-refresh"}`)
	n.Asks("POST", "/api/v1/auth/register", "", `{"username":"x y","password":"a password that is wrong","invite_code":"INVIT-E0000-00000-00000-00000"}`)
	n.Asks("GET", "/api/v1/me?token="+alice.grant.AccessToken, "garbage.in.token", "")
	n.Asks("GET", "/nothing?token="+alice.grant.AccessToken, "", "")
	one := ticket(alice.device)
	for range 2 {
		conn := n.Knock().Query("ticket", one).dial()
		first(conn)
		conn.Close()
	}
	for _, k := range []*knock{
		n.Knock().Query("token", "garbage.in.token"), n.Knock().Query("ticket", "garbage-in-ticket"), n.Knock().Offers("tieline.v1", "bearer.garbage.in.token"),
		n.Knock().Query("token", alice.grant.AccessToken), n.Knock().Offers("bearer." + alice.grant.AccessToken),
	} {
		conn := k.dial()
		first(conn)
		conn.Close()
	}
	n.Asks("GET", "/ws?token="+alice.grant.AccessToken+"&ticket="+one, "", "").is(s, 426, chat.Malformed)
	n.Asks("GET", "/ws?token="+alice.grant.AccessToken, "", "", "Upgrade", "websocket", "Connection", "Upgrade") // half a handshake
	s.Redis.Pause()
	n.Asks("POST", "/api/v1/auth/ticket", alice.grant.AccessToken, "").is(s, 503, chat.Unavailable)
	n.Knock().Query("ticket", "garbage-in-ticket").dial().Close()
	s.Redis.Resume()
	alice.ChangesPassword("a new password of alice")
	metrics := string(n.Asks("GET", "/metrics", "", "").Body)
	for _, secret := range s.secret {
		if strings.Contains(metrics, secret) {
			t.Errorf("/metrics shows %q", secret)
		}
	}
	if !strings.Contains(metrics, "tieline_") || !json.Valid(n.Asks("GET", "/readyz", "", "").Body) {
		t.Error("there are no metrics")
	}
}
