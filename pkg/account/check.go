package account

import (
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tieline/tieline/pkg/chat"
	"golang.org/x/text/unicode/norm"
)

// The bounds of what people say of themselves, in characters.
const (
	MinUsername   = 2 // many Chinese names have two
	MaxUsername   = 32
	MinPassword   = 8
	MaxPassword   = 128
	MaxNickname   = 64
	MaxEmail      = 254
	MaxDeviceName = 128
	maxDeviceID   = 64
)

// maxKey and maxNicknameKey are what the columns of the keys hold.
const (
	maxKey         = 128
	maxNicknameKey = 255
)

// profile is what somebody says of themselves, unchecked.
type profile struct {
	Username, Nickname, Email, Phone string
}

// problems collects what is wrong with the fields of a request.
type problems []chat.FieldError

func (p *problems) add(field, code, detail string) {
	*p = append(*p, chat.FieldError{Field: field, Code: code, Detail: detail})
}

// bound adds that a field missed a bound.
func (p *problems) bound(field, code string, limit int64) {
	*p = append(*p, chat.FieldError{Field: field, Code: code, Limit: limit})
}

// err returns an Invalid error if there were any.
func (p problems) err(op string) error {
	if len(p) == 0 {
		return nil
	}
	return &chat.Error{Kind: chat.Invalid, Op: op, Fields: p}
}

// check makes an account of a profile, noting what is wrong with it.
func (in profile) check(p *problems) chat.Account {
	a := chat.Account{User: chat.User{
		ID: chat.UserID(chat.NewID()), Sex: "unknown", CreatedAt: time.Now().UTC(),
		Username: checkUsername(p, in.Username),
		Email:    checkEmail(p, in.Email),
		Phone:    checkPhone(p, in.Phone),
	}}
	a.Nickname = checkNickname(p, in.Nickname)
	if a.Nickname == "" {
		a.Nickname = a.Username
	}
	a.UsernameKey = foldKey(a.Username)
	a.NicknameKey = cutKey(foldKey(a.Nickname), maxNicknameKey)
	a.EmailKey = foldKey(a.Email)
	return a
}

func checkUsername(p *problems, s string) string {
	if !utf8.ValidString(s) {
		p.add("username", "format", "")
		return ""
	}
	s = norm.NFC.String(s)
	switch n := utf8.RuneCountInString(s); {
	case n == 0:
		p.add("username", "required", "")
	case n < MinUsername:
		p.bound("username", "too_short", MinUsername)
	case n > MaxUsername:
		p.bound("username", "too_long", MaxUsername)
	case !plainName(s) || !plainName(foldKey(s)) || utf8.RuneCountInString(foldKey(s)) > maxKey:
		p.add("username", "format", "")
	}
	return s
}

func checkPassword(p *problems, field, s string) {
	switch n := utf8.RuneCountInString(s); {
	case n == 0:
		p.add(field, "required", "")
	case !utf8.ValidString(s):
		p.add(field, "format", "")
	case n < MinPassword:
		p.bound(field, "too_short", MinPassword)
	case n > MaxPassword:
		p.bound(field, "too_long", MaxPassword)
	}
}

func checkNickname(p *problems, s string) string {
	s = norm.NFC.String(strings.TrimSpace(s))
	switch {
	case !utf8.ValidString(s) || !chat.Printable(s):
		p.add("nickname", "format", "")
	case utf8.RuneCountInString(s) > MaxNickname:
		p.bound("nickname", "too_long", MaxNickname)
	}
	return s
}

func checkEmail(p *problems, s string) string {
	s = strings.TrimSpace(s)
	switch {
	case s == "":
	case len(s) > MaxEmail || utf8.RuneCountInString(foldKey(s)) > MaxEmail:
		p.bound("email", "too_long", MaxEmail)
	case !isEmail(s):
		p.add("email", "format", "")
	}
	return s
}

// isEmail takes the bare form of an address only: no display name, no quotes,
// no comments.
func isEmail(s string) bool {
	addr, err := mail.ParseAddress(s)
	if err != nil || addr.Name != "" || addr.Address != s || !chat.Printable(s) || strings.ContainsAny(s, " \"<>(),;:\\[]\u00a0") {
		return false
	}
	_, domain, _ := strings.Cut(s, "@")
	return strings.Trim(domain, ".-") == domain && !strings.Contains(domain, "..")
}

func checkPhone(p *problems, s string) string {
	if strings.TrimSpace(s) == "" {
		return ""
	}
	key := phoneKey(s)
	if key == "" {
		p.add("phone", "format", "")
	}
	return key
}

// Place is the device that somebody signs up or in from. An empty ID has one
// made; an empty Platform is chat.Web.
type Place struct {
	ID       chat.DeviceID
	Platform chat.Platform
	Name     string
}

// check makes a device of a place, noting what is wrong with it.
func (in Place) check(p *problems) chat.Device {
	id := string(in.ID)
	switch {
	case id == "":
		id = chat.NewID()
	case !utf8.ValidString(id) || !chat.Printable(id):
		p.add("device.id", "format", "")
	case utf8.RuneCountInString(id) > maxDeviceID:
		p.bound("device.id", "too_long", maxDeviceID)
	}
	if in.Platform == "" {
		in.Platform = chat.Web
	}
	if !in.Platform.Valid() {
		p.add("device.platform", "unknown", "")
	}
	name := strings.TrimSpace(in.Name)
	switch {
	case !utf8.ValidString(name) || !chat.Printable(name):
		p.add("device.name", "format", "")
	case utf8.RuneCountInString(name) > MaxDeviceName:
		p.bound("device.name", "too_long", MaxDeviceName)
	}
	return chat.Device{ID: chat.DeviceID(id), Platform: in.Platform, Name: name}
}
