package account_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/account"
	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/store"
	"github.com/tieline/tieline/pkg/store/storetest"
)

// S0.2: register with user name, password, e-mail address and phone number.
func TestRegister(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := in(t, db, account.Options{AccessTTL: 10 * time.Minute})
		g, err := p.Register(p.ctx, account.Registration{
			Username: "Ann.漢字_1", Password: goodPassword, Email: " Ann@Example.org ", Phone: "+49 (151) 123-456",
			Device: account.Place{ID: "Ann's phone 手机", Platform: chat.IOS, Name: "iPhone"},
		})
		wants(t, err, "")
		u := g.User
		if u.Username != "Ann.漢字_1" || u.Nickname != "Ann.漢字_1" || u.Email != "Ann@Example.org" || u.Phone != "+49151123456" || u.Sex != "unknown" || u.Admin || u.CreatedAt.IsZero() {
			t.Errorf("%+v", u)
		}
		if g.Device != "Ann's phone 手机" || g.ExpiresIn != 10*time.Minute || g.RefreshToken == "" {
			t.Errorf("%+v", g)
		}
		if id := p.whoIs(g); id.User != u.ID || id.Device != g.Device || id.Login != 1 {
			t.Errorf("%+v", id)
		}
		got, err := p.User(p.ctx, u.ID)
		if err != nil || got.Phone != u.Phone || got.ID != u.ID {
			t.Error(got, err)
		}
		for _, c := range []struct {
			r    account.Registration
			want chat.Kind
		}{
			{account.Registration{Username: "ANN.漢字_1"}, chat.UsernameTaken},
			{account.Registration{Username: "Ａnn.漢字_1"}, chat.UsernameTaken}, // full width
			{account.Registration{Username: "bob", Email: "ann@EXAMPLE.org"}, chat.EmailTaken},
			{account.Registration{Username: "bob", Phone: "+49151123456"}, chat.PhoneTaken},
			{account.Registration{Username: "bob"}, ""},
		} {
			c.r.Password = goodPassword
			_, err := p.Register(p.ctx, c.r)
			wants(t, err, c.want)
		}
	})
}

func TestWhatRegistrationsAreRefused(t *testing.T) {
	p := somewhere(t)
	long := strings.Repeat("x", 200)
	for _, c := range []struct {
		r    account.Registration
		want string
	}{
		{account.Registration{}, "username required, password required"},
		{account.Registration{Username: "a", Password: "1234567"}, "username too_short, password too_short"},
		{account.Registration{Username: long, Password: long}, "username too_long, password too_long"},
		{account.Registration{Username: "two words", Password: goodPassword}, "username format"},
		{account.Registration{Username: "a@b.example", Password: goodPassword}, "username format"},
		{account.Registration{Username: "nul\x00nul", Password: goodPassword}, "username format"},
		{account.Registration{Username: "zero\u200bwidth", Password: goodPassword}, "username format"},
		{account.Registration{Username: "filler\u3164", Password: goodPassword}, "username format"},
		{account.Registration{Username: "emoji😀", Password: goodPassword}, "username format"},
		{account.Registration{Username: "\u0301abc", Password: goodPassword}, "username format"},
		{account.Registration{Username: "zal\u0301\u0302\u0303\u0304\u0305\u0306\u0307go", Password: goodPassword}, "username format"},
		{account.Registration{Username: "\ufdfa\ufdfa\ufdfa", Password: goodPassword}, "username format"}, // becomes words
		{account.Registration{Username: "bad\xff", Password: goodPassword}, "username format"},
		{account.Registration{Username: "ann", Password: "pass\xffword"}, "password format"},
		{account.Registration{Username: "ann", Password: goodPassword, Nickname: long}, "nickname too_long"},
		{account.Registration{Username: "ann", Password: goodPassword, Nickname: "a\nb"}, "nickname format"},
		{account.Registration{Username: "ann", Password: goodPassword, Nickname: "a\u202eb"}, "nickname format"},
		{account.Registration{Username: "ann", Password: goodPassword, Email: "nobody"}, "email format"},
		{account.Registration{Username: "ann", Password: goodPassword, Email: "Ann <ann@x.org>"}, "email format"},
		{account.Registration{Username: "ann", Password: goodPassword, Email: "a@b@c"}, "email format"},
		{account.Registration{Username: "ann", Password: goodPassword, Email: "a\x00@b.org"}, "email format"},
		{account.Registration{Username: "ann", Password: goodPassword, Email: long + "@" + long}, "email too_long"},
		{account.Registration{Username: "ann", Password: goodPassword, Phone: "call me"}, "phone format"},
		{account.Registration{Username: "ann", Password: goodPassword, Phone: "1234"}, "phone format"},
		{account.Registration{Username: "ann", Password: goodPassword, Phone: "1234567890123456"}, "phone format"},
		{account.Registration{Username: "ann", Password: goodPassword, Device: account.Place{ID: chat.DeviceID(long)}}, "device.id too_long"},
		{account.Registration{Username: "ann", Password: goodPassword, Device: account.Place{ID: "a\nb"}}, "device.id format"},
		{account.Registration{Username: "ann", Password: goodPassword, Device: account.Place{Platform: "fridge", Name: long}}, "device.platform unknown, device.name too_long"},
	} {
		if _, err := p.Register(p.ctx, c.r); complaints(err) != c.want {
			t.Errorf("%+q: %s, want %s", c.r, complaints(err), c.want)
		}
	}
}

func TestWhatRegistrationsAreFine(t *testing.T) {
	p := somewhere(t)
	for _, r := range []account.Registration{
		{Username: "张三丰"}, {Username: "हिन्दी"}, {Username: "ไทยไทย"}, {Username: "O'K"[:1] + "_-."}, {Username: "123"}, {Username: "Ünïcödé"},
		{Username: strings.Repeat("ß", 32)}, {Username: "nick", Nickname: " 😀 it's me "}, {Username: "uni.mail", Email: "jörg@exämple.de"},
		{Username: "local", Email: "root@localhost"}, {Username: "plus", Email: "a.b+c_d@mail.example.org"}, {Username: "china", Phone: "138 0013 8000"},
		{Username: "mobile", Device: account.Place{Platform: chat.Android, Name: strings.Repeat("字", 128)}},
	} {
		r.Password = "contraseña segura 密碼 \x00\t"
		g, err := p.Register(p.ctx, r)
		if err != nil {
			t.Errorf("%+v: %v", r, err)
			continue
		}
		if _, err := p.Login(p.ctx, account.Login{Login: r.Username, Password: r.Password}); err != nil {
			t.Errorf("%s cannot log in: %v", r.Username, err)
		}
		if g.User.Nickname == "" || strings.TrimSpace(g.User.Nickname) != g.User.Nickname {
			t.Errorf("%q", g.User.Nickname)
		}
	}
}

func TestModesOfRegistration(t *testing.T) {
	db := storetest.SQLite(t)
	try := func(mode string, r account.Registration) error {
		p := in(t, db, account.Options{Registration: mode})
		r.Password = goodPassword
		_, err := p.Register(p.ctx, r)
		return err
	}
	wants(t, try(account.Closed, account.Registration{Username: "ann"}), chat.Forbidden)
	if got := complaints(try(account.Email, account.Registration{Username: "ann"})); got != "email required" {
		t.Error(got)
	}
	wants(t, try(account.Email, account.Registration{Username: "ann", Email: "ann@x.org"}), chat.CodeInvalid)
	wants(t, try(account.Email, account.Registration{Username: "ann", Email: "ann@x.org", EmailCode: "123456"}), chat.CodeInvalid)
	wants(t, try(account.Invite, account.Registration{Username: "ann"}), chat.CodeInvalid)
	wants(t, try(account.Invite, account.Registration{Username: "ann", InviteCode: "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA"}), chat.CodeInvalid)
	p := in(t, db, account.Options{})
	codes, err := p.CreateCodes(p.ctx, account.CodeOrder{Kind: chat.InviteCode})
	wants(t, err, "")
	wants(t, try(account.Invite, account.Registration{Username: "ann", InviteCode: strings.ToLower(codes[0])}), "")
	wants(t, try(account.Invite, account.Registration{Username: "bob", InviteCode: codes[0]}), chat.CodeInvalid)
}

// S3.6: eight sign up with one invitation at once; one gets in.
func TestAnInvitationWorksOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := in(t, db, account.Options{Registration: account.Invite})
		codes, err := p.CreateCodes(p.ctx, account.CodeOrder{Kind: chat.InviteCode})
		wants(t, err, "")
		var wg sync.WaitGroup
		errs := make([]error, 8) // each hashes a password, which takes its time
		for i := range errs {
			wg.Go(func() {
				_, errs[i] = p.Register(p.ctx, account.Registration{
					Username: "user" + strings.Repeat("x", i), Password: goodPassword, InviteCode: codes[0],
				})
			})
		}
		wg.Wait()
		var in int
		for _, err := range errs {
			if err == nil {
				in++
				continue
			}
			wants(t, err, chat.CodeInvalid)
		}
		if in != 1 {
			t.Errorf("%d got in", in)
		}
	})
}

// While Redis is away nobody signs up or in, and nothing is left behind.
func TestNoRedisNoSigningIn(t *testing.T) {
	p := somewhere(t)
	p.register("ann")
	p.reg.set(func() { p.reg.down = true })
	_, err := p.Register(p.ctx, account.Registration{Username: "bob", Password: goodPassword})
	wants(t, err, chat.Unavailable)
	_, err = p.Login(p.ctx, account.Login{Login: "ann", Password: goodPassword})
	wants(t, err, chat.Unavailable)
	p.reg.set(func() { p.reg.down = false })
	p.register("bob")
}
