package account

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/tieline/tieline/pkg/chat"
)

func FuzzReadAccessToken(f *testing.F) {
	tk := newTokens([]byte("0123456789abcdef0123456789abcdef"))
	good, err := tk.access(chat.Device{User: "ann", ID: "phone", Login: 3}, time.Now().Add(time.Hour))
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{good, "", "..", "a.b.c", good[:len(good)-1], strings.ToUpper(good)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := tk.read(s)
		switch kind := chat.KindOf(err); {
		case kind == chat.TokenInvalid || kind == chat.TokenExpired:
		case err != nil:
			t.Fatal(err)
		case id.User != "ann" || id.Device != "phone" || id.Login != 3:
			t.Fatalf("%q was forged: %+v", s, id)
		}
	})
}

func FuzzReadRefreshToken(f *testing.F) {
	tk := newTokens([]byte("0123456789abcdef0123456789abcdef"))
	secret := []byte("the same thirty-two bytes always")
	hash := sha256.Sum256(secret)
	good := tk.refreshToken(chat.Device{User: "ann", ID: "phone", Login: 3}, secret)
	for _, s := range []string{good, "", ".", "AA.AA", strings.Repeat("A", 90), "_____w8." + good} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := tk.readRefresh(s)
		if err != nil {
			if chat.KindOf(err) != chat.TokenInvalid {
				t.Fatal(err)
			}
			return
		}
		if r.User == "" || r.Device == "" || r.Login < 0 {
			t.Fatalf("%q: %+v", s, r)
		}
		if r.Issued && (r.User != "ann" || r.Device != "phone" || r.Login != 3 || !bytes.Equal(r.Hash, hash[:])) {
			t.Fatalf("%q was forged: %+v", s, r)
		}
	})
}

// Every refresh token reads back as what it was made of, whatever is in the id
// of a device.
func FuzzRefreshTokensReadBack(f *testing.F) {
	tk := newTokens([]byte("0123456789abcdef0123456789abcdef"))
	f.Add("phone", int64(1))
	f.Add("a.b\x01手机", int64(1<<62))
	f.Fuzz(func(t *testing.T, device string, login int64) {
		if device == "" || login < 0 || len(device) > 256 {
			return
		}
		secret, hash := newSecret()
		r, err := tk.readRefresh(tk.refreshToken(chat.Device{User: "u", ID: chat.DeviceID(device), Login: login}, secret))
		if err != nil || !r.Issued || r.User != "u" || string(r.Device) != device || r.Login != login || !bytes.Equal(r.Hash, hash) {
			t.Fatalf("%q %d: %+v, %v", device, login, r, err)
		}
	})
}

// A name that is accepted fits its columns, and its normal form is a name again
// and its own normal form.
func FuzzProfiles(f *testing.F) {
	f.Add("ann", "Ann", "ann@x.org", "12345")
	f.Add("ﷺﷺﷺ", "ﷺ", "ﬃ@x.org", "+１２３４５")
	f.Add("İstanbul", "\u0345\u0345", "é@é", "()")
	f.Fuzz(func(t *testing.T, username, nickname, email, phone string) {
		var p problems
		a := profile{username, nickname, email, phone}.check(&p)
		if len(p) > 0 {
			return
		}
		for _, s := range []struct {
			text string
			most int
		}{{a.Username, 64}, {a.UsernameKey, 128}, {a.Nickname, 64}, {a.NicknameKey, 255}, {a.Email, 254}, {a.EmailKey, 254}, {a.Phone, 32}} {
			if !utf8.ValidString(s.text) || utf8.RuneCountInString(s.text) > s.most {
				t.Fatalf("%q does not fit", s.text)
			}
		}
		if foldKey(a.UsernameKey) != a.UsernameKey || !plainName(a.UsernameKey) || strings.ContainsAny(a.Username, "@ \x00") {
			t.Fatalf("%q has key %q", a.Username, a.UsernameKey)
		}
		if keys := loginKeys(a.Username); keys.Username != a.UsernameKey {
			t.Fatalf("%q cannot log in as %q", a.UsernameKey, keys.Username)
		}
		if a.EmailKey != "" && loginKeys(a.Email).Email != a.EmailKey {
			t.Fatalf("%q cannot log in as %q", a.EmailKey, loginKeys(a.Email).Email)
		}
		if a.Phone != "" && (phoneKey(a.Phone) != a.Phone || loginKeys(phone).Phone != a.Phone) {
			t.Fatalf("%q is kept as %q", phone, a.Phone)
		}
	})
}

func FuzzPlaces(f *testing.F) {
	f.Add("phone", "ios", "my phone")
	f.Add("\u2028", "x", "\x00")
	f.Fuzz(func(t *testing.T, id, platform, name string) {
		var p problems
		d := Place{chat.DeviceID(id), chat.Platform(platform), name}.check(&p)
		if len(p) == 0 && (d.ID == "" || utf8.RuneCountInString(string(d.ID)) > 64 || !utf8.ValidString(string(d.ID)+d.Name) ||
			strings.Contains(string(d.ID), "\x00") || utf8.RuneCountInString(d.Name) > MaxDeviceName || !d.Platform.Valid()) {
			t.Fatalf("%+v", d)
		}
	})
}

// A hash from elsewhere that is accepted can be checked at a bounded cost.
func FuzzHashes(f *testing.F) {
	for _, s := range []string{
		"", "$", "$argon2id$v=19$m=64,t=1,p=1$c29tZSBzYWx0$c29tZSBzYWx0c29tZSBzYWx0", "$argon2id$v=19$m=1,t=0,p=0$$",
		"$2a$04$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "$2a$99$", "$argon2id$v=19$m=,t=,p=$!$!",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if checkHash(s) != nil {
			return
		}
		if len(s) > 255 {
			t.Fatalf("%q does not fit", s)
		}
		if h, err := parseArgon2(s); err == nil && (h.memory > maxMemory || h.time > maxTime || h.threads < 1 || h.time < 1) {
			t.Fatalf("%q costs too much", s)
		}
	})
}

func FuzzCodes(f *testing.F) {
	f.Add(newCode())
	f.Add("ſſſſſ-ſſſſſ-ſſſſſ-ſſſſſ-ſſſſſ") // upper case: S
	f.Fuzz(func(t *testing.T, s string) {
		if h := codeHash(s); h != nil && len(h) != 32 {
			t.Fatal(h)
		}
	})
}

func TestCodesReadBack(t *testing.T) {
	for range 100 {
		code := newCode()
		if !bytes.Equal(codeHash(code), codeHash(strings.ToLower(strings.ReplaceAll(code, "-", "")))) || codeHash(code) == nil {
			t.Fatal(code)
		}
	}
}

// More log-ins at once than may wait are turned away, not piled up.
func TestHashingIsBounded(t *testing.T) {
	h := newHasher()
	var leaves []func()
	for range cap(h.running) {
		leave, err := h.enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, leave)
	}
	for range cap(h.waiting) {
		h.waiting <- struct{}{}
	}
	if _, err := h.hash(t.Context(), "password"); chat.KindOf(err) != chat.Unavailable {
		t.Error(err)
	}
	<-h.waiting
	leaves[0]()
	if _, err := h.hash(t.Context(), "password"); err != nil {
		t.Error(err)
	}
}
