package account

import (
	"context"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// Registration is what somebody signs up with; all but Username and Password
// may be empty, unless the rules ask for a code.
type Registration struct {
	Username, Password     string
	Nickname, Email, Phone string
	EmailCode, InviteCode  string
	Device                 Place
}

// Grant is what signing in gives.
type Grant struct {
	AccessToken  string
	RefreshToken string // works once
	ExpiresIn    time.Duration
	Device       chat.DeviceID
	User         chat.User
}

// Register signs somebody up and in. Invalid with everything that is wrong,
// Forbidden when nobody may, CodeInvalid, UsernameTaken, EmailTaken, PhoneTaken.
func (a *Accounts) Register(ctx context.Context, r Registration) (Grant, error) {
	const op = "account.register"
	if a.o.Registration == Closed {
		return Grant{}, &chat.Error{Kind: chat.Forbidden, Op: op, Safe: "Nobody can sign up here by themselves."}
	}
	account, device, err := a.checkRegistration(op, r)
	if err != nil {
		return Grant{}, err
	}
	invite, err := a.checkCodes(op, r)
	if err != nil {
		return Grant{}, err
	}
	if err := a.available(op); err != nil {
		return Grant{}, err
	}
	if account.PasswordHash, err = a.hashes.hash(ctx, r.Password); err != nil {
		return Grant{}, err
	}
	device.User = account.ID
	secret, refresh := a.newRefresh()
	in, err := a.dir.Create(ctx, chat.SignUp{Account: account, Device: device, Refresh: refresh, Invite: invite})
	if err != nil {
		return Grant{}, err
	}
	return a.grant(ctx, account.User, in, secret)
}

func (a *Accounts) checkRegistration(op string, r Registration) (chat.Account, chat.Device, error) {
	var p problems
	account := profile{r.Username, r.Nickname, r.Email, r.Phone}.check(&p)
	checkPassword(&p, "password", r.Password)
	device := r.Device.check(&p)
	if a.o.Registration == Email && account.Email == "" && !p.has("email") {
		p.add("email", "required", "")
	}
	return account, device, p.err(op)
}

func (p problems) has(field string) bool {
	for _, f := range p {
		if f.Field == field {
			return true
		}
	}
	return false
}

// checkCodes returns the hash of the invitation to use up, if one is needed.
func (a *Accounts) checkCodes(op string, r Registration) (invite []byte, err error) {
	switch a.o.Registration {
	case Email: // nothing sends such codes yet, so none is right
		return nil, chat.E(op, chat.CodeInvalid, nil)
	case Invite:
		if invite = codeHash(r.InviteCode); invite == nil {
			return nil, chat.E(op, chat.CodeInvalid, nil)
		}
	}
	return invite, nil
}

// newRefresh makes the secret of a refresh token and what is kept of it.
func (a *Accounts) newRefresh() (secret []byte, kept chat.Refresh) {
	secret, hash := newSecret()
	return secret, chat.Refresh{Hash: hash, Expires: time.Now().UTC().Add(a.o.RefreshTTL)}
}

// grant tells the registry of a sign-in and writes its tokens.
func (a *Accounts) grant(ctx context.Context, u chat.User, in chat.SignedIn, secret []byte) (Grant, error) {
	a.mirror(ctx, func(ctx context.Context) error { return a.reg.SignedIn(ctx, in.Device, in.Ended) })
	return a.write(u, in.Device, secret)
}

// write makes the tokens of a device.
func (a *Accounts) write(u chat.User, d chat.Device, secret []byte) (Grant, error) {
	access, err := a.tokens.access(d, expiry(a.o.AccessTTL))
	if err != nil {
		return Grant{}, err
	}
	return Grant{
		AccessToken: access, RefreshToken: a.tokens.refreshToken(d, secret),
		ExpiresIn: a.o.AccessTTL, Device: d.ID, User: u,
	}, nil
}
