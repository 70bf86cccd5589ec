package account_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/account"
	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/store"
	"github.com/tieline/tieline/pkg/store/storetest"
	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
)

func bcryptOf(t *testing.T, password string) string {
	t.Helper()
	h, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(h)
}

func argon2Of(password string) string {
	salt := []byte("some salt")
	sum := argon2.IDKey([]byte(password), salt, 1, 64, 1, 16)
	return "$argon2id$v=19$m=64,t=1,p=1$" + base64.RawStdEncoding.EncodeToString(salt) + "$" + base64.RawStdEncoding.EncodeToString(sum)
}

func TestImport(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := in(t, db, account.Options{})
		p.register("taken")
		lines := strings.Join([]string{
			`{"username":"ann","nickname":"Ann 😀","email":"ann@x.org","phone":"12345","password":"correct horse"}`,
			`{"username":"TAKEN"}`,
			``,
			`{"username":"bob","email":"ANN@x.org"}`,
			`{"username":"bob","unknown":{"fields":["are","ignored"]}}`,
			`not json`,
			`["username"]`,
			`{"username":7}`,
			`{"username":"x","password":"short"}`,
			`{"username":"both","password":"correct horse","password_hash":"` + bcryptOf(t, "x") + `"}`,
			`{"username":"cid","password_hash":"md5:0cc175b9c0f1b6a831c399e269772661"}`,
			`{"username":"cost","password_hash":"$2a$31$` + strings.Repeat("a", 53) + `"}`,
			`{"username":"memory","password_hash":"$argon2id$v=19$m=4294967295,t=1,p=1$c29tZSBzYWx0$` + strings.Repeat("a", 43) + `"}`,
			`{"username":"odd","password_hash":"$2a$10$` + strings.Repeat("é", 26) + `a"}`,
			`{"username":"huge","nickname":"` + strings.Repeat("x", 200000) + `"}`,
			`{"username":"dee"}`, // no newline at the end
		}, "\n")
		var got []string
		err := p.Import(p.ctx, strings.NewReader(lines), func(i account.Imported) error {
			got = append(got, fmt.Sprintf("%d %s %s %t", i.Line, i.Username, chat.KindOf(i.Err), i.ID != ""))
			return nil
		})
		wants(t, err, "")
		want := []string{
			"1 ann  true", "2 TAKEN username_taken false", "4 bob email_taken false", "5 bob  true", "6  malformed false", "7  malformed false", "8  malformed false",
			"9 x invalid false", "10 both invalid false", "11 cid invalid false", "12 cost invalid false", "13 memory invalid false", "14 odd invalid false", "15  malformed false", "16 dee  true",
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("have %q\nwant %q", got, want)
		}
		p.login("ann", "first")
		_, err = p.Login(p.ctx, account.Login{Login: "bob", Password: goodPassword})
		wants(t, err, chat.BadCredentials)
	})
}

func TestImportStopsWhenAsked(t *testing.T) {
	p := somewhere(t)
	stop := errors.New("stop")
	if err := p.Import(p.ctx, strings.NewReader(`{"username":"ann"}`), func(account.Imported) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
}

// Fifteen thousand people move in, and get a token each, in seconds (see -v).
func TestManyPeople(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := in(t, db, account.Options{})
		many := 4000
		if db.Dialect() == "sqlite" {
			many = 1000 // as fast, but not under the race detector
		}
		names := make([]string, many)
		var lines strings.Builder
		for i := range names {
			names[i] = fmt.Sprintf("user%05d", i)
			fmt.Fprintf(&lines, "{\"username\":%q}\n", names[i])
		}
		began := time.Now()
		var made int
		wants(t, p.Import(p.ctx, strings.NewReader(lines.String()), func(i account.Imported) error {
			made++
			return i.Err
		}), "")
		t.Logf("%d accounts in %v", made, time.Since(began))
		began = time.Now()
		var last account.Issued
		issued := map[chat.DeviceID]bool{}
		wants(t, p.Issue(p.ctx, names, chat.Desktop, time.Hour, func(i account.Issued) error {
			last = i
			issued[i.Device] = true
			return i.Err
		}), "")
		t.Logf("%d tokens in %v", len(issued), time.Since(began))
		if made != many || len(issued) != many || last.Username != names[many-1] {
			t.Errorf("%d made, %d issued, last %s", made, len(issued), last.Username)
		}
		id, err := p.Authenticate(p.ctx, last.AccessToken)
		if err != nil || id.User != last.User || id.Device != last.Device || id.Login != 1 {
			t.Error(id, err)
		}
	})
}

func TestIssue(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := in(t, db, account.Options{Policy: chat.Single})
		g := p.register("ann")
		off := p.register("off").User
		wants(t, p.SetDisabled(p.ctx, off.ID, true), "")
		p.reg.kicks()
		var got []string
		var tokens []string
		wants(t, p.Issue(p.ctx, []string{"ANN", "nobody", "ann", "off", "", "\xff"}, "", time.Minute, func(i account.Issued) error {
			got = append(got, fmt.Sprintf("%q %s", i.Username, chat.KindOf(i.Err)))
			if i.Err == nil {
				tokens = append(tokens, i.AccessToken)
				if left := time.Until(i.ExpiresAt); left < 58*time.Second || left > 61*time.Second || i.User != g.User.ID {
					t.Errorf("%+v", i)
				}
			}
			return nil
		}), "")
		want := `["ANN"  "nobody" not_found "ann"  "off" not_found "" not_found "\xff" not_found]`
		if fmt.Sprint(got) != want {
			t.Errorf("have %v\nwant %v", got, want)
		}
		p.refuses(tokens[0], chat.SessionEnded, chat.SignedInElsewhere)
		if _, err := p.Authenticate(p.ctx, tokens[1]); err != nil {
			t.Error(err)
		}
		if got := p.reg.kicks(); !strings.Contains(got, "first signed_in_elsewhere") {
			t.Error("kicked:", got)
		}
		err := p.Issue(p.ctx, nil, "fridge", -1, nil)
		if got := complaints(err); got != "platform unknown, ttl too_small" {
			t.Error(got)
		}
	})
}

// S3.6: VIP by a one-time code.
func TestCodes(t *testing.T) {
	p := somewhere(t)
	g := p.register("ann")
	codes, err := p.CreateCodes(p.ctx, account.CodeOrder{Kind: chat.VIPCode, Count: 3, VIPDays: 30, TTL: time.Hour})
	if err != nil || len(codes) != 3 || codes[0] == codes[1] {
		t.Fatal(codes, err)
	}
	typed := strings.ToLower(strings.NewReplacer("-", " ", "0", "o", "1", "l").Replace(codes[0]))
	u, err := p.RedeemVIP(p.ctx, g.User.ID, " "+typed+" ")
	wants(t, err, "")
	first := u.VIPUntil
	if d := time.Until(first); d < 29*24*time.Hour || d > 31*24*time.Hour {
		t.Error(first)
	}
	u, err = p.RedeemVIP(p.ctx, g.User.ID, codes[1])
	if err != nil || !u.VIPUntil.Equal(first.AddDate(0, 0, 30)) {
		t.Error(u.VIPUntil, err)
	}
	for _, bad := range []string{"", codes[0], codes[2] + "0", codes[2][1:], "é" + codes[2][1:], strings.Repeat("-", 100000), "\x00"} {
		_, err := p.RedeemVIP(p.ctx, g.User.ID, bad)
		wants(t, err, chat.CodeInvalid)
	}
	for _, c := range []struct {
		o    account.CodeOrder
		want string
	}{
		{account.CodeOrder{}, "kind unknown, vip_days too_small"},
		{account.CodeOrder{Kind: chat.VIPCode, Count: -1, VIPDays: 99999, TTL: -1}, "count too_small, vip_days too_large, ttl too_small"},
		{account.CodeOrder{Kind: chat.InviteCode, Count: 1001, TTL: 1 << 62}, "count too_large, ttl too_large"},
	} {
		if _, err := p.CreateCodes(p.ctx, c.o); complaints(err) != c.want {
			t.Errorf("%+v: %s", c.o, complaints(err))
		}
	}
}

// S0.3, S2.1, S3.7: find a user by name or phone number, and list everybody.
func TestSearch(t *testing.T) {
	p := somewhere(t)
	for i, name := range []string{"Ann", "Anna", "Bob", "张三丰"} {
		_, err := p.Register(p.ctx, account.Registration{
			Username: name, Password: goodPassword, Nickname: "Nick " + name, Email: fmt.Sprintf("user%d@x.org", i), Phone: fmt.Sprint(1380000 + i),
		})
		wants(t, err, "")
	}
	for query, want := range map[string]int{"": 4, "ann": 2, "ANN": 2, "nick": 4, "ick": 0, "张": 1, "138 0002": 1, "138000": 0, "User1@x.ORG": 1, "user1@": 0, "%": 0, "_nn": 0} {
		page, next, err := p.Search(p.ctx, "", query, "", 0)
		if err != nil || len(page) != want || next != "" {
			t.Errorf("%q: %d users, next %q, %v", query, len(page), next, err)
		}
	}
	var all int
	for cursor, pages := "", 0; ; {
		page, next, err := p.Search(p.ctx, "", "", cursor, 3)
		wants(t, err, "")
		if all += len(page); next == "" {
			break
		}
		if cursor, pages = next, pages+1; pages > 3 {
			t.Fatal("no end")
		}
	}
	if all != 4 {
		t.Errorf("%d by pages", all)
	}
	_, _, err := p.Search(p.ctx, "", "\xff", "", -1)
	if got := complaints(err); got != "query format, limit too_small" {
		t.Error(got)
	}
	for _, cursor := range []string{"'", "nobody", "-", "AA"} {
		if _, _, err := p.Search(p.ctx, "", "", cursor, 0); complaints(err) != "cursor format" {
			t.Errorf("%q: %v", cursor, err)
		}
	}
	u, err := p.Named(p.ctx, "aNN")
	if err != nil || u.Username != "Ann" {
		t.Error(u, err)
	}
	_, err = p.Named(p.ctx, "\xff")
	wants(t, err, chat.NotFound)
}
