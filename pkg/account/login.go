package account

import (
	"cmp"
	"context"
	"strings"
	"unicode/utf8"

	"github.com/tieline/tieline/pkg/chat"
)

// Login is what somebody logs in with: a user name, e-mail address or phone
// number, and the password.
type Login struct {
	Login, Password string
	Device          Place
}

// maxTyped is the longest password that is looked at, in bytes. Imported ones
// may be longer than those that people can choose here.
const maxTyped = 4096

// loginTries is how often a log-in starts over because the password's hash was
// changed while it was being checked.
const loginTries = 3

// Login signs somebody in. A wrong name and a wrong password get the same answer
// after the same work: BadCredentials, and RateLimited after too many wrong ones.
// AccountDisabled only after the right password.
func (a *Accounts) Login(ctx context.Context, l Login) (Grant, error) {
	const op = "account.login"
	var p problems
	if strings.TrimSpace(l.Login) == "" {
		p.add("login", "required", "")
	}
	if l.Password == "" {
		p.add("password", "required", "")
	}
	device := l.Device.check(&p)
	if err := p.err(op); err != nil {
		return Grant{}, err
	}
	if err := a.available(op); err != nil {
		return Grant{}, err
	}
	for range loginTries {
		grant, err := a.login(ctx, l, device)
		if chat.KindOf(err) != chat.Conflict {
			return grant, err
		}
	}
	return Grant{}, chat.E(op, chat.BadCredentials, nil)
}

// login is one attempt. Conflict: the hash has changed meanwhile.
func (a *Accounts) login(ctx context.Context, l Login, device chat.Device) (Grant, error) {
	account, weak, err := a.identify(ctx, l)
	if err != nil {
		return Grant{}, err
	}
	device.User = account.ID
	secret, refresh := a.newRefresh()
	in := chat.SignIn{
		Device: device, Refresh: refresh, Policy: a.o.Policy, MaxDevices: a.o.MaxDevices, Verified: account.PasswordHash,
	}
	if weak && account.DisabledAt.IsZero() {
		if in.Upgraded, err = a.hashes.hash(ctx, l.Password); err != nil {
			return Grant{}, err
		}
	}
	out, err := a.dir.SignIn(ctx, in)
	if chat.KindOf(err) == chat.Unauthorized { // removed just now
		return Grant{}, chat.E("account.login", chat.BadCredentials, nil)
	}
	if err != nil {
		return Grant{}, err
	}
	return a.grant(ctx, account.User, out, secret)
}

// identify finds the account that the name and the password belong to. When a
// name means nobody, or somebody without a password, the work is done all the
// same.
func (a *Accounts) identify(ctx context.Context, l Login) (account chat.Account, weak bool, err error) {
	keys := loginKeys(l.Login)
	found, err := a.dir.FindLogin(ctx, keys)
	if err != nil {
		return chat.Account{}, false, err
	}
	return a.fits(ctx, "account.login", keys, l.Password, found)
}

// fits returns which of the accounts that a name may mean a password belongs to;
// BadCredentials, after the same work if there is none. Wrong passwords count for
// the name, whether or not it is anybody's; after too many it is RateLimited. The
// limit is looked at when it is one's turn to use a core: of many who try at the
// same time, those who come later know that the earlier ones failed.
func (a *Accounts) fits(ctx context.Context, op string, keys chat.LoginKeys, password string, found []chat.Account) (account chat.Account, weak bool, err error) {
	refusal := chat.E(op, chat.BadCredentials, nil)
	if len(password) > maxTyped {
		return chat.Account{}, false, refusal // nobody's, whoever it is
	}
	leave, err := a.hashes.enter(ctx)
	if err != nil {
		return chat.Account{}, false, err
	}
	defer leave()
	name := a.pseudonym("log-in name", cmp.Or(keys.Phone, keys.Email, keys.Username))
	if err := a.o.Failures.MayFail(ctx, name); err != nil {
		return chat.Account{}, false, err
	}
	if len(found) == 0 {
		found = []chat.Account{{}}
	}
	for _, account := range found {
		if ok, weak := compare(password, account.PasswordHash); ok {
			return account, weak, nil
		}
	}
	a.o.Failures.Failed(ctx, name)
	return chat.Account{}, false, refusal
}

// loginKeys says what somebody may have meant. User names have no '@' and
// addresses do; digits may be either a user name or a phone number.
func loginKeys(login string) chat.LoginKeys {
	login = strings.TrimSpace(login)
	if len(login) > MaxEmail || !utf8.ValidString(login) {
		return chat.LoginKeys{}
	}
	if strings.Contains(login, "@") {
		return chat.LoginKeys{Email: foldKey(login)}
	}
	return chat.LoginKeys{Username: foldKey(login), Phone: phoneKey(login)}
}

// Refresh exchanges a refresh token for a new grant. A token works once; its
// second use ends the device's session. TokenInvalid, TokenExpired,
// SessionEnded, AccountDisabled, Unauthorized.
func (a *Accounts) Refresh(ctx context.Context, token string) (Grant, error) {
	r, err := a.tokens.readRefresh(token)
	if err != nil {
		return Grant{}, err
	}
	secret, next := a.newRefresh()
	r.Next = next
	out, err := a.dir.Rotate(ctx, r)
	a.end(ctx, out.Ended)
	if err != nil {
		return Grant{}, err
	}
	return a.write(out.User, out.Device, secret)
}

// Logout ends the session that an identity speaks for, and closes its socket
// wherever it is. A session that has ended already is no error.
func (a *Accounts) Logout(ctx context.Context, id chat.Identity) error {
	ended, err := a.dir.EndDevice(ctx, id.User, id.Device, id.Login, chat.SignedOut)
	a.end(ctx, ended)
	return err
}

// ChangePassword replaces the password and signs every other device out.
// BadCredentials when the old one is wrong, RateLimited after too many wrong ones;
// Invalid for a bad new one.
func (a *Accounts) ChangePassword(ctx context.Context, id chat.Identity, old, new string) error {
	const op = "account.change_password"
	var p problems
	if old == "" {
		p.add("old_password", "required", "")
	}
	checkPassword(&p, "new_password", new)
	if err := p.err(op); err != nil {
		return err
	}
	account, err := a.confirm(ctx, op, id.User, old)
	if err != nil {
		return err
	}
	hash, err := a.hashes.hash(ctx, new)
	if err != nil {
		return err
	}
	ended, err := a.dir.SetPassword(ctx, id.User, account.PasswordHash, hash, id.Device)
	a.end(ctx, ended)
	return err
}
