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
		return Grant{}, errClosed(op)
	}
	account, device, err := a.checkRegistration(op, r)
	if err != nil {
		return Grant{}, err
	}
	if err := a.available(op); err != nil {
		return Grant{}, err
	}
	codes, err := a.checkCodes(ctx, op, r, account.Email)
	if err != nil {
		return Grant{}, err
	}
	if account.PasswordHash, err = a.hashes.hash(ctx, r.Password); err != nil {
		return Grant{}, err
	}
	device.User = account.ID
	secret, refresh := a.newRefresh()
	in, err := a.dir.Create(ctx, chat.SignUp{Account: account, Device: device, Refresh: refresh, Invite: codes.invite})
	if err != nil {
		return Grant{}, err
	}
	if codes.mailed.Hash != "" {
		a.useMailed(ctx, codes.mailed)
	}
	return a.grant(ctx, account.User, in, secret)
}

func errClosed(op string) error {
	return &chat.Error{Kind: chat.Forbidden, Op: op, Safe: "Nobody can sign up here by themselves."}
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

// signUpCodes are the codes that a sign-up uses up.
type signUpCodes struct {
	invite []byte          // hash of the invitation; nil: none is needed
	mailed chat.MailedCode // without a hash: none is needed
}

// checkCodes looks at the code that signing up needs here, which is used up only
// when there is an account: CodeInvalid.
func (a *Accounts) checkCodes(ctx context.Context, op string, r Registration, email string) (codes signUpCodes, err error) {
	switch a.o.Registration {
	case Email:
		codes.mailed, err = a.checkMailed(ctx, op, chat.ForSignUp, email, r.EmailCode)
	case Invite:
		if codes.invite = codeHash(r.InviteCode); codes.invite == nil {
			err = chat.E(op, chat.CodeInvalid, nil)
		}
	}
	return codes, err
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
