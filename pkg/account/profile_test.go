package account_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/tieline/tieline/pkg/account"
	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/store"
	"github.com/tieline/tieline/pkg/store/storetest"
)

// album keeps what it is given, and forgets it.
type album struct {
	kept      []string
	forgotten []string
	err       error
}

func (a *album) Keep(_ context.Context, user chat.UserID, upload []byte) (string, error) {
	a.kept = append(a.kept, string(upload))
	return "/avatars/" + string(upload), a.err
}

func (a *album) Forget(_ context.Context, url string) { a.forgotten = append(a.forgotten, url) }

// S0.4: an avatar takes the place of the one before, and goes with the account.
func TestAvatars(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		pictures := &album{}
		p := in(t, db, account.Options{Avatars: pictures})
		ann := p.register("ann").User
		for i, name := range []string{"one", "two"} {
			u, err := p.SetAvatar(p.ctx, ann.ID, []byte(name))
			if wants(t, err, ""); u.AvatarURL != "/avatars/"+name || u.Username != "ann" {
				t.Errorf("%+v", u)
			}
			if e := p.events; len(e) != i+1 || e[i].Name != chat.ProfileUpdated || e[i].Data.User.AvatarURL != u.AvatarURL || len(p.reg.related) != i+1 {
				t.Errorf("told %+v, %v", e, p.reg.related)
			}
		}
		pictures.err = chat.E("album", chat.UnsupportedMedia, nil)
		_, err := p.SetAvatar(p.ctx, ann.ID, []byte("three"))
		wants(t, err, chat.UnsupportedMedia)
		pictures.err = nil
		_, err = p.SetAvatar(p.ctx, "nobody", []byte("four"))
		wants(t, err, chat.Unauthorized)
		wants(t, p.Remove(p.ctx, ann.ID, goodPassword), "")
		if got := fmt.Sprintf("%q", pictures.forgotten); got != `["" "/avatars/one" "/avatars/two"]` {
			t.Errorf("forgotten are %s", got)
		}
		_, err = in(t, db, account.Options{}).SetAvatar(p.ctx, ann.ID, []byte("five"))
		wants(t, err, chat.Unavailable)
	})
}

// S3.5, S4.2: what one says of oneself, in part or all; the theme among it.
func TestChangingTheProfile(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := in(t, db, account.Options{})
		g := p.register("ann")
		other, err := p.Register(p.ctx, account.Registration{Username: "bob", Password: goodPassword, Email: "bob@x.org", Phone: "12345"})
		wants(t, err, "")
		change := func(c account.ProfileChange) chat.User {
			t.Helper()
			u, err := p.ChangeProfile(p.ctx, g.User.ID, c, "zh")
			wants(t, err, "")
			if got, err := p.User(p.ctx, g.User.ID); err != nil || got != u {
				t.Errorf("is %+v, answered %+v, %v", got, u, err)
			}
			return u
		}
		want := g.User
		want.Nickname, want.Sex, want.Bio, want.Email, want.Phone = "Ann 😀", "female", "hi\n\nthere", "Ann@x.org", "+491511234"
		want.Theme, want.Locale, want.CreatedAt = "dark", "zh-Hant-TW", change(account.ProfileChange{}).CreatedAt
		if n := len(p.events); n != 0 {
			t.Errorf("%d events of nothing", n)
		}
		got := change(account.ProfileChange{
			Nickname: new(" Ann 😀 "), Sex: new("female"), Bio: new("hi\r\n\r\nthere "), Email: new("Ann@x.org"), Phone: new("+49 151 1234"),
			Theme: new("dark"), Locale: new("zh-hant-tw"),
		})
		if got != want {
			t.Errorf("%+v\nwant %+v", got, want)
		}
		if e := p.events; len(e) != 1 || e[0].To != want.ID || e[0].Name != chat.ProfileUpdated || e[0].Data.User == nil || *e[0].Data.User != want.Person() {
			t.Errorf("%+v", e)
		}
		want.Theme = ""
		if got := change(account.ProfileChange{Theme: new("")}); got != want {
			t.Errorf("%+v\nwant %+v", got, want)
		}
		if len(p.reg.related) != 1 || p.reg.related[0] != (chat.Pair{A: want.ID, B: want.ID}) {
			t.Errorf("nodes were told of %v", p.reg.related)
		}
		for _, c := range []struct {
			change account.ProfileChange
			want   chat.Kind
		}{
			{account.ProfileChange{Email: new("BOB@x.org")}, chat.EmailTaken},
			{account.ProfileChange{Phone: new("1 23 45")}, chat.PhoneTaken},
			{account.ProfileChange{Sex: new("")}, chat.Invalid},
		} {
			_, err := p.ChangeProfile(p.ctx, want.ID, c.change, "")
			wants(t, err, c.want)
		}
		if len(p.mails) > 0 {
			t.Errorf("%+v", p.mails)
		}
		change(account.ProfileChange{Email: new("ann@X.ORG")}) // the same, written otherwise
		want.Nickname, want.Bio, want.Email, want.Phone, want.Locale = "ann", "", "", "", ""
		if got := change(account.ProfileChange{Nickname: new(""), Bio: new(""), Email: new(""), Phone: new(""), Locale: new("")}); got != want {
			t.Errorf("%+v\nwant %+v", got, want)
		}
		if m := p.mail(); m != (chat.Mail{To: "ann@X.ORG", Kind: chat.MailAddressChanged, Language: "zh"}) {
			t.Errorf("%+v", m)
		}
		_, err = p.ChangeProfile(p.ctx, other.User.ID, account.ProfileChange{Email: new("ann@x.org"), Phone: new("+491511234")}, "") // free again
		wants(t, err, "")
		_, err = p.ChangeProfile(p.ctx, "nobody", account.ProfileChange{Sex: new("male")}, "")
		wants(t, err, chat.Unauthorized)
	})
}

func TestWhatProfilesAreRefused(t *testing.T) {
	p := somewhere(t)
	g := p.register("ann")
	for _, c := range []struct {
		change account.ProfileChange
		want   string
	}{
		{account.ProfileChange{Nickname: new("a\nb"), Sex: new("robot"), Bio: new("a\x00b"), Email: new("x"), Phone: new("x"), Theme: new("a\tb"), Locale: new("not a tag")},
			"nickname format, sex unknown, bio format, email format, phone format, theme format, locale format"},
		{account.ProfileChange{Nickname: new(strings.Repeat("字", 65)), Bio: new(strings.Repeat("字", 501)), Theme: new(strings.Repeat("字", 65)), Locale: new(strings.Repeat("en-", 30))},
			"nickname too_long, bio too_long, theme too_long, locale too_long"},
		{account.ProfileChange{Nickname: new("\xff"), Bio: new("\xff"), Theme: new("\xff"), Locale: new("\xff")}, "nickname format, bio format, theme format, locale format"},
		{account.ProfileChange{Bio: new("\u202eabc"), Theme: new("\u200babc"), Locale: new("xx-yyyyyyyyyyy")}, "bio format, theme format, locale format"},
		{account.ProfileChange{Nickname: new(strings.Repeat("字", 64)), Bio: new(strings.Repeat("字", 500)), Theme: new(strings.Repeat("字", 64)), Locale: new("de-CH-1996")}, "<nil>"},
	} {
		_, err := p.ChangeProfile(p.ctx, g.User.ID, c.change, "")
		if got := complaints(err); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

// Removing an account signs it out, forgets its owner and frees its names.
func TestRemovingAnAccount(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := in(t, db, account.Options{})
		r := account.Registration{Username: "ann", Password: goodPassword, Email: "ann@x.org", Phone: "12345", Device: account.Place{ID: "first"}}
		g, err := p.Register(p.ctx, r)
		wants(t, err, "")
		other := p.login("ann", "second")
		p.reg.kicks()
		wants(t, p.Remove(p.ctx, g.User.ID, "wrong password"), chat.BadCredentials)
		if got := complaints(p.Remove(p.ctx, g.User.ID, "")); got != "password required" {
			t.Error(got)
		}
		p.whoIs(g)
		wants(t, p.Remove(p.ctx, g.User.ID, goodPassword), "")
		if got := p.reg.kicks(); got != "first account_removed, second account_removed" {
			t.Error("kicked:", got)
		}
		p.reg.set(func() { clear(p.reg.states) }) // also by the word of the database
		for _, gone := range []account.Grant{g, other} {
			p.refuses(gone.AccessToken, chat.Unauthorized, "")
			_, err := p.Refresh(p.ctx, gone.RefreshToken)
			wants(t, err, chat.Unauthorized)
		}
		for _, login := range []string{"ann", "ann@x.org", "12345"} {
			_, err := p.Login(p.ctx, account.Login{Login: login, Password: goodPassword})
			wants(t, err, chat.BadCredentials)
		}
		wants(t, p.Remove(p.ctx, g.User.ID, goodPassword), chat.Unauthorized)
		_, err = p.User(p.ctx, g.User.ID)
		wants(t, err, chat.NotFound)
		again, err := p.Register(p.ctx, r)
		wants(t, err, "")
		if again.User.ID == g.User.ID {
			t.Error("the new ann is the old one")
		}
		if len(p.reg.related) != 1 || p.reg.related[0].A != g.User.ID {
			t.Errorf("nodes were told of %v", p.reg.related)
		}
	})
}
