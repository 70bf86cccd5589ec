package account

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tieline/tieline/pkg/chat"
	"golang.org/x/text/language"
)

// The bounds of what people say of themselves besides, in characters.
const (
	MaxBio    = 500
	MaxTheme  = 64
	maxLocale = 64
)

// ProfileChange is what somebody changes of their account; what is nil stays as
// it is. An empty nickname is the user name, as at signing up.
type ProfileChange struct {
	Nickname, Sex, Bio, Email, Phone, Theme, Locale *string
}

// ChangeProfile changes what somebody says of themselves, and tells their other
// devices and, of what others can see, their friends. The owner of an e-mail
// address that the account no longer has gets a notice in a language. Invalid
// with everything that is wrong, EmailTaken, PhoneTaken.
func (a *Accounts) ChangeProfile(ctx context.Context, user chat.UserID, c ProfileChange, language string) (chat.User, error) {
	const op = "account.change_profile"
	var p problems
	apply := c.check(&p)
	if err := p.err(op); err != nil {
		return chat.User{}, err
	}
	changed, err := a.change(ctx, op, user, apply)
	if err != nil {
		return chat.User{}, err
	}
	if before := changed.Before; before.EmailKey != "" && before.EmailKey != changed.After.EmailKey {
		if err := a.o.Mailer.Send(chat.Mail{To: before.Email, Kind: chat.MailAddressChanged, Language: language}); err != nil {
			a.o.Log.Warn("the old address was not told", "error", err)
		}
	}
	return changed.After.User, nil
}

// SetAvatar makes an upload the picture that stands for somebody, and tells
// their other devices and their friends. TooLarge for too many bytes,
// UnsupportedMedia for what is no picture, Invalid for one with too many pixels,
// Unavailable while there is no room to look at it or to keep it.
func (a *Accounts) SetAvatar(ctx context.Context, user chat.UserID, upload []byte) (chat.User, error) {
	url, err := a.o.Avatars.Keep(ctx, user, upload)
	if err != nil {
		return chat.User{}, err
	}
	changed, err := a.change(ctx, "account.set_avatar", user, func(account *chat.Account) { account.AvatarURL = url })
	if err != nil {
		return chat.User{}, err // what was kept stays: it is not known whether that was committed
	}
	a.o.Avatars.Forget(ctx, changed.Before.AvatarURL)
	return changed.After.User, nil
}

// change changes an account and tells of it.
func (a *Accounts) change(ctx context.Context, op string, user chat.UserID, apply func(*chat.Account)) (chat.ProfileChanged, error) {
	changed, err := a.dir.ChangeProfile(ctx, user, apply)
	if chat.KindOf(err) == chat.NotFound {
		return changed, chat.E(op, chat.Unauthorized, nil)
	}
	if err != nil {
		return changed, err
	}
	a.o.Notifier.Tell(changed.Events)
	if changed.Before.Person() != changed.After.Person() {
		a.related(ctx, chat.Pair{A: user, B: user})
	}
	return changed, nil
}

// related has the nodes read again what they remember of people. One that does
// not hear it goes by what it knows for a minute at most.
func (a *Accounts) related(ctx context.Context, pairs ...chat.Pair) {
	if err := a.reg.TellRelated(context.WithoutCancel(ctx), pairs); err != nil {
		a.o.Log.Debug("nodes were not told of a change", "error", err)
	}
}

// check notes what is wrong with a change and returns what applies it.
func (c ProfileChange) check(p *problems) func(*chat.Account) {
	var steps []func(*chat.Account)
	take := func(s *string, check func(*problems, string) string, set func(a *chat.Account, s string)) {
		if s != nil {
			checked := check(p, *s)
			steps = append(steps, func(a *chat.Account) { set(a, checked) })
		}
	}
	take(c.Nickname, checkNickname, func(a *chat.Account, s string) {
		if a.Nickname = s; s == "" {
			a.Nickname = a.Username
		}
		a.NicknameKey = cutKey(foldKey(a.Nickname), maxNicknameKey)
	})
	take(c.Sex, checkSex, func(a *chat.Account, s string) { a.Sex = s })
	take(c.Bio, checkBio, func(a *chat.Account, s string) { a.Bio = s })
	take(c.Email, checkEmail, func(a *chat.Account, s string) { a.Email, a.EmailKey = s, foldKey(s) })
	take(c.Phone, checkPhone, func(a *chat.Account, s string) { a.Phone = s })
	take(c.Theme, checkTheme, func(a *chat.Account, s string) { a.Theme = s })
	take(c.Locale, checkLocale, func(a *chat.Account, s string) { a.Locale = s })
	return func(a *chat.Account) {
		for _, step := range steps {
			step(a)
		}
	}
}

func checkSex(p *problems, s string) string {
	switch s {
	case "unknown", "male", "female":
	default:
		p.add("sex", "unknown", "")
	}
	return s
}

func checkBio(p *problems, s string) string {
	s = strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n"))
	switch {
	case !utf8.ValidString(s) || !chat.Printable(strings.Map(withoutBreaks, s)):
		p.add("bio", "format", "")
	case utf8.RuneCountInString(s) > MaxBio:
		p.bound("bio", "too_long", MaxBio)
	}
	return s
}

// withoutBreaks drops what a text of several lines may have and a name may not.
func withoutBreaks(r rune) rune {
	if r == '\n' || r == '\t' {
		return -1
	}
	return r
}

func checkTheme(p *problems, s string) string {
	switch {
	case !utf8.ValidString(s) || !chat.Printable(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
		p.add("theme", "format", "")
	case utf8.RuneCountInString(s) > MaxTheme:
		p.bound("theme", "too_long", MaxTheme)
	}
	return s
}

// checkLocale takes a BCP 47 tag and returns it in its usual spelling: "zh-CN".
func checkLocale(p *problems, s string) string {
	if s == "" {
		return ""
	}
	if len(s) > maxLocale {
		p.bound("locale", "too_long", maxLocale)
		return ""
	}
	tag, err := language.Raw.Parse(s)
	if err != nil {
		p.add("locale", "format", "")
	}
	return tag.String()
}
