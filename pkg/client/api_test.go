package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// recorded is a request as a server saw it.
type recorded struct{ line, body, token string }

// answering starts a server that answers everything in the same way.
func answering(t *testing.T, status int, header, body string) (*API, *recorded) {
	var got recorded
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = recorded{r.Method + " " + r.URL.RequestURI(), string(b), r.Header.Get("Authorization")}
		if header != "" {
			w.Header().Set("Retry-After", header)
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	t.Cleanup(srv.Close)
	return NewAPI(APIOptions{URLs: []string{srv.URL + "/"}, AccessToken: "me"}), &got
}

func TestCalls(t *testing.T) {
	ctx := context.Background()
	draft := chat.Draft{Kind: chat.Text, Text: "hi"}
	for _, c := range []struct {
		name       string
		do         func(*API) error
		line, body string
		public     bool
	}{
		{"Register", func(a *API) error {
			_, err := a.Register(ctx, Registration{Username: "al", Password: "pw", Device: &Place{Platform: chat.Web}})
			return err
		}, "POST /api/v1/auth/register", `{"username":"al","password":"pw","device":{"platform":"web"}}`, true},
		{"Login", func(a *API) error { _, err := a.Login(ctx, "al", "pw", nil); return err },
			"POST /api/v1/auth/login", `{"login":"al","password":"pw"}`, true},
		{"Refresh", func(a *API) error { _, err := a.Refresh(ctx, "r"); return err },
			"POST /api/v1/auth/refresh", `{"refresh_token":"r"}`, true},
		{"Logout", func(a *API) error { return a.Logout(ctx) }, "POST /api/v1/auth/logout", "", false},
		{"Ticket", func(a *API) error { _, err := a.Ticket(ctx); return err }, "POST /api/v1/auth/ticket", "", false},
		{"ChangePassword", func(a *API) error { return a.ChangePassword(ctx, "o", "n") },
			"POST /api/v1/auth/password", `{"old_password":"o","new_password":"n"}`, false},
		{"EmailCode", func(a *API) error { return a.EmailCode(ctx, "a@b.org", chat.ForReset) },
			"POST /api/v1/auth/email-code", `{"email":"a@b.org","purpose":"reset"}`, true},
		{"ResetPassword", func(a *API) error { return a.ResetPassword(ctx, "a@b.org", "1234 5678", "n") },
			"POST /api/v1/auth/password", `{"email":"a@b.org","email_code":"1234 5678","new_password":"n"}`, true},
		{"UpdateMe", func(a *API) error {
			_, err := a.UpdateMe(ctx, ProfileChange{Theme: new("dark"), Bio: new("")})
			return err
		}, "PATCH /api/v1/me", `{"bio":"","theme":"dark"}`, false},
		{"DeleteMe", func(a *API) error { return a.DeleteMe(ctx, "pw") }, "DELETE /api/v1/me", `{"password":"pw"}`, false},
		{"Me", func(a *API) error { _, err := a.Me(ctx); return err }, "GET /api/v1/me", "", false},
		{"RedeemVIP", func(a *API) error { _, err := a.RedeemVIP(ctx, "A-B"); return err }, "POST /api/v1/me/vip", `{"code":"A-B"}`, false},
		{"CreateCodes", func(a *API) error {
			_, err := a.CreateCodes(ctx, CodeOrder{Kind: chat.VIPCode, Count: 2, VIPDays: 30, TTL: time.Hour})
			return err
		}, "POST /api/v1/admin/codes", `{"kind":"vip","count":2,"vip_days":30,"ttl":"1h0m0s"}`, false},
		{"Codes", func(a *API) error { _, err := a.Codes(ctx, chat.InviteCode, "x", 5); return err },
			"GET /api/v1/admin/codes?cursor=x&kind=invite&limit=5", "", false},
		{"Devices", func(a *API) error { _, err := a.Devices(ctx); return err }, "GET /api/v1/me/devices", "", false},
		{"RemoveDevice", func(a *API) error { return a.RemoveDevice(ctx, "a/b") }, "DELETE /api/v1/me/devices/a%2Fb", "", false},
		{"RemoveOtherDevices", func(a *API) error { return a.RemoveOtherDevices(ctx) }, "DELETE /api/v1/me/devices", "", false},
		{"OpenDirect", func(a *API) error { _, err := a.OpenDirect(ctx, "bob"); return err },
			"POST /api/v1/conversations/direct", `{"user":"bob"}`, false},
		{"Conversations", func(a *API) error { _, err := a.Conversations(ctx, "x", 5); return err },
			"GET /api/v1/conversations?cursor=x&limit=5", "", false},
		{"Messages", func(a *API) error {
			_, err := a.Messages(ctx, "c", History{BeforeSeq: 9, AfterSeq: 2, Limit: 3})
			return err
		}, "GET /api/v1/conversations/c/messages?after_seq=2&before_seq=9&limit=3", "", false},
		{"PostMessage", func(a *API) error { _, err := a.PostMessage(ctx, "c", "id", draft); return err },
			"POST /api/v1/conversations/c/messages", `{"id":"id","message":{"kind":"text","text":"hi"}}`, false},
		{"MarkRead", func(a *API) error { return a.MarkRead(ctx, "c", 4) }, "PUT /api/v1/conversations/c/read", `{"seq":4}`, false},
		{"Presence", func(a *API) error { _, err := a.Presence(ctx, "u"); return err }, "POST /api/v1/presence", `{"users":["u"]}`, false},
		{"Card", func(a *API) error { _, err := a.Card(ctx, "u"); return err }, "GET /api/v1/users/u", "", false},
		{"AskFriend", func(a *API) error {
			_, err := a.AskFriend(ctx, "u", "hi", Label{Remark: "r", Tags: []string{"t"}})
			return err
		}, "POST /api/v1/friend-requests", `{"user":"u","message":"hi","remark":"r","tags":["t"],"moments":{"hide_mine":false,"hide_theirs":false}}`, false},
		{"FriendRequests", func(a *API) error { _, err := a.FriendRequests(ctx, Outgoing, "x", 5); return err },
			"GET /api/v1/friend-requests?cursor=x&direction=outgoing&limit=5", "", false},
		{"AcceptFriend", func(a *API) error { _, err := a.AcceptFriend(ctx, "r", Label{}); return err },
			"POST /api/v1/friend-requests/r/accept", `{"moments":{"hide_mine":false,"hide_theirs":false}}`, false},
		{"RejectFriend", func(a *API) error { _, err := a.RejectFriend(ctx, "r"); return err }, "POST /api/v1/friend-requests/r/reject", "", false},
		{"IgnoreFriend", func(a *API) error { _, err := a.IgnoreFriend(ctx, "r"); return err }, "POST /api/v1/friend-requests/r/ignore", "", false},
		{"Friends", func(a *API) error { _, err := a.Friends(ctx, "x", 5); return err }, "GET /api/v1/friends?cursor=x&limit=5", "", false},
		{"ChangeFriend", func(a *API) error {
			_, err := a.ChangeFriend(ctx, "u", FriendChange{Tags: &[]string{}, Starred: new(bool), Moments: &MomentsChange{HideMine: new(bool)}})
			return err
		}, "PATCH /api/v1/friends/u", `{"tags":[],"starred":false,"moments":{"hide_mine":false}}`, false},
		{"RemoveFriend", func(a *API) error { return a.RemoveFriend(ctx, "u") }, "DELETE /api/v1/friends/u", "", false},
		{"Blocks", func(a *API) error { _, err := a.Blocks(ctx, "", 0); return err }, "GET /api/v1/blocks", "", false},
		{"Block", func(a *API) error { return a.Block(ctx, "u") }, "PUT /api/v1/blocks/u", "", false},
		{"Unblock", func(a *API) error { return a.Unblock(ctx, "u") }, "DELETE /api/v1/blocks/u", "", false},
		{"Online", func(a *API) error { _, err := a.Online(ctx, "", 0); return err }, "GET /api/v1/presence/online", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, got := answering(t, 200, "", `{}`)
			if err := c.do(a); err != nil {
				t.Fatal(err)
			}
			if got.line != c.line || got.body != c.body {
				t.Errorf("asked %s %s\nwant  %s %s", got.line, got.body, c.line, c.body)
			}
			if want := map[bool]string{false: "Bearer me"}[c.public]; got.token != want {
				t.Errorf("Authorization %q, want %q", got.token, want)
			}
		})
	}
}

func TestPutAvatarSendsAForm(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file, _, err := r.FormFile("file")
		if err != nil {
			t.Error(err)
			return
		}
		b, err := io.ReadAll(file)
		if err != nil || string(b) != "picture" || r.Method+" "+r.URL.Path != "PUT /api/v1/me/avatar" || r.Header.Get("Authorization") != "Bearer me" {
			t.Errorf("%s %s: %q, %v", r.Method, r.URL, b, err)
		}
		io.WriteString(w, `{"avatar_url":"/avatars/x"}`)
	}))
	defer srv.Close()
	u, err := NewAPI(APIOptions{URLs: []string{srv.URL}, AccessToken: "me"}).PutAvatar(t.Context(), []byte("picture"))
	if err != nil || u.AvatarURL != "/avatars/x" {
		t.Errorf("%+v, %v", u, err)
	}
}

func TestAnswers(t *testing.T) {
	a, _ := answering(t, 201, "", `{"access_token":"a","refresh_token":"r","expires_in":3600,"device_id":"d",
		"user":{"id":"u","username":"al","vip_until":null,"created_at":"2026-01-02T03:04:05.678Z"}}`)
	g, err := a.Login(t.Context(), "al", "pw", nil)
	if err != nil || g.DeviceID != "d" || g.User.ID != "u" || g.ExpiresIn != 3600 || g.User.VIPUntil != nil {
		t.Errorf("grant %+v, %v", g, err)
	}
	a, _ = answering(t, 200, "", `{"items":[{"conversation":"c","seq":1,"text":"x"}],"next":"n"}`)
	if m, err := a.Messages(t.Context(), "c", History{}); err != nil || len(m) != 1 || m[0].Text != "x" {
		t.Errorf("messages %+v, %v", m, err)
	}
	a, _ = answering(t, 200, "", `not json`)
	if _, err := a.Me(t.Context()); err == nil {
		t.Error("nonsense was taken for an answer")
	}
}

func TestProblems(t *testing.T) {
	for _, c := range []struct {
		status       int
		header, body string
		want         Error
	}{
		{422, "", `{"status":422,"code":"invalid","detail":"d","errors":[{"field":"username","code":"too_short","detail":"s"}]}`,
			Error{Code: chat.Invalid, Detail: "d", Fields: []chat.FieldError{{Field: "username", Code: "too_short", Detail: "s"}}}},
		{401, "", `{"code":"session_ended","title":"t","reason":"signed_in_elsewhere"}`,
			Error{Code: chat.SessionEnded, Detail: "t", Reason: chat.SignedInElsewhere}},
		{429, "7", `{"code":"rate_limited","detail":"d"}`,
			Error{Code: chat.RateLimited, Detail: "d", Retry: true, RetryAfter: 7 * time.Second}},
		{502, "", `<html>`, Error{Code: chat.Unavailable, Detail: "502 Bad Gateway", Retry: true}},
		{404, "soon", ``, Error{Code: chat.NotFound, Detail: "404 Not Found"}},
	} {
		a, _ := answering(t, c.status, c.header, c.body)
		_, err := a.Me(t.Context())
		c.want.Status = c.status
		var e *Error
		if !errors.As(err, &e) || fmt.Sprintf("%+v", *e) != fmt.Sprintf("%+v", c.want) {
			t.Errorf("%d: %+v\nwant %+v", c.status, e, c.want)
		}
		if chat.KindOf(err) != c.want.Code || !errors.Is(err, &chat.Error{Kind: c.want.Code}) {
			t.Errorf("%d: kind %s", c.status, chat.KindOf(err))
		}
	}
}

func TestRequestsGoToANodeThatIsThere(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	a, got := answering(t, 200, "", `{}`)
	a = NewAPI(APIOptions{URLs: []string{gone.URL, a.bases[0]}})
	if _, err := a.Me(t.Context()); err != nil || got.line == "" {
		t.Errorf("Me: %v", err)
	}
	if _, err := NewAPI(APIOptions{URLs: []string{gone.URL}}).Me(t.Context()); err == nil {
		t.Error("an answer from nobody")
	}
}

func TestTokensRefreshOnce(t *testing.T) {
	var refreshed atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := refreshed.Add(1)
		json.NewEncoder(w).Encode(Grant{AccessToken: fmt.Sprint("access-", n), RefreshToken: fmt.Sprint("refresh-", n), ExpiresIn: 3600})
	}))
	defer srv.Close()
	var kept []string
	tokens := NewTokens(NewAPI(APIOptions{URLs: []string{srv.URL}}), Grant{AccessToken: "old", RefreshToken: "r"},
		func(g Grant) { kept = append(kept, g.RefreshToken) })
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if got, err := tokens.Token(context.Background()); err != nil || got != "access-1" {
				t.Errorf("token %q, %v", got, err)
			}
		})
	}
	wg.Wait()
	if len(kept) != 1 || kept[0] != "refresh-1" || refreshed.Load() != 1 {
		t.Errorf("refreshed %d times, kept %v", refreshed.Load(), kept)
	}
}
