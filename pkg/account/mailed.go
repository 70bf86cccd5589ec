package account

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"golang.org/x/text/unicode/norm"
)

// The rules of codes that are sent by e-mail.
const (
	mailedTTL    = 5 * time.Minute
	mailedPause  = time.Minute // between two mails to one address for one purpose
	mailedTries  = 5           // wrong ones
	mailedDigits = 8
)

var mailedSpace = big.NewInt(1e8) // all codes of mailedDigits digits

// EmailCode has a code sent to an e-mail address, to sign up or to set a new
// password with. Whether the address is anybody's shows neither in the answer
// nor in the time it takes: to sign up with a known address, its owner gets a
// notice instead of a code; for a new password of nobody's, nobody does.
// Invalid, Forbidden when nobody may sign up, RateLimited for a minute after
// another mail, Unavailable while Redis is away or too many mails wait.
func (a *Accounts) EmailCode(ctx context.Context, email string, purpose chat.CodePurpose, language string) error {
	const op = "account.email_code"
	var p problems
	email = requireEmail(&p, email)
	if purpose != chat.ForSignUp && purpose != chat.ForReset {
		p.add("purpose", "unknown", "")
	}
	if err := p.err(op); err != nil {
		return err
	}
	if purpose == chat.ForSignUp && a.o.Registration == Closed {
		return errClosed(op)
	}
	if err := a.available(op); err != nil {
		return err
	}
	found, err := a.dir.FindLogin(ctx, chat.LoginKeys{Email: foldKey(email)})
	if err != nil {
		return err
	}
	mail := codeMail(email, purpose, found)
	mail.Language = language
	kept := a.mailedCode(purpose, email, mail.Code)
	if err := a.reg.PutMailedCode(ctx, kept, mailedTTL, mailedPause, mailedTries); err != nil {
		return err
	}
	err = a.o.Mailer.Send(mail)
	if err != nil {
		if err := a.reg.ForgetMailedCode(ctx, kept); err != nil {
			a.o.Log.Debug("a code that was not sent is kept", "error", err) // until it expires
		}
	}
	return err
}

// codeMail decides what to write to whom. What concerns an account goes to the
// address that the account has: another spelling of it, as somebody typed it,
// may be somebody else's.
func codeMail(email string, purpose chat.CodePurpose, found []chat.Account) chat.Mail {
	m := chat.Mail{To: email, Kind: chat.MailSignUpCode, Code: newDigits()}
	switch known := len(found) > 0; {
	case known && purpose == chat.ForSignUp:
		return chat.Mail{To: found[0].Email, Kind: chat.MailAlreadyKnown}
	case known:
		m.To, m.Kind = found[0].Email, chat.MailResetCode
	case purpose == chat.ForReset:
		return chat.Mail{}
	}
	return m
}

func newDigits() string {
	n, err := rand.Int(rand.Reader, mailedSpace)
	if err != nil {
		panic("account: random numbers never fail: " + err.Error())
	}
	return fmt.Sprintf("%0*d", mailedDigits, n)
}

// typedDigits is a code as somebody typed it, with or without spaces and
// dashes; "" for what cannot be one.
func typedDigits(typed string) string {
	if len(typed) > 8*mailedDigits {
		return ""
	}
	digits := strings.NewReplacer(" ", "", "-", "").Replace(norm.NFKC.String(typed))
	if len(digits) != mailedDigits || strings.Trim(digits, "0123456789") != "" {
		return ""
	}
	return digits
}

// mailedCode is what is kept of a code (""; of a mail without one). There are few
// codes, so a hash without our key would give them away.
func (a *Accounts) mailedCode(purpose chat.CodePurpose, email, code string) chat.MailedCode {
	key := foldKey(email)
	c := chat.MailedCode{Purpose: purpose, Address: a.pseudonym("e-mail address", key)}
	if code != "" {
		c.Hash = a.pseudonym("e-mail code "+string(purpose), key+"\x00"+code)
	}
	return c
}

// pseudonym is what stands in Redis for something that is nobody's business.
func (a *Accounts) pseudonym(what, text string) string {
	return hex.EncodeToString(mac(a.o.Key, "tieline "+what+"\x00"+text)[:16])
}

// checkMailed compares what somebody typed with the code that was sent;
// CodeInvalid. It stays good, for whoever has to correct something else.
func (a *Accounts) checkMailed(ctx context.Context, op string, purpose chat.CodePurpose, email, typed string) (chat.MailedCode, error) {
	code := typedDigits(typed)
	kept := a.mailedCode(purpose, email, code)
	if code == "" {
		return kept, chat.E(op, chat.CodeInvalid, nil)
	}
	right, err := a.reg.CheckMailedCode(ctx, kept)
	if err == nil && !right {
		err = chat.E(op, chat.CodeInvalid, nil)
	}
	return kept, err
}

// useMailed uses a code up that has done its work. One that Redis did not hear
// of is worth nothing any more, or for minutes to its owner only.
func (a *Accounts) useMailed(ctx context.Context, kept chat.MailedCode) {
	if err := a.reg.UseMailedCode(context.WithoutCancel(ctx), kept); err != nil {
		a.o.Log.Warn("a code was not used up", "error", err)
	}
}

// ResetPassword sets a new password with a code from an e-mail, and signs the
// account out everywhere. CodeInvalid, also where there is no such account;
// Invalid; Conflict when the password was changed at the same moment.
func (a *Accounts) ResetPassword(ctx context.Context, email, code, password string) error {
	const op = "account.reset_password"
	var p problems
	email = requireEmail(&p, email)
	if strings.TrimSpace(code) == "" {
		p.add("email_code", "required", "")
	}
	checkPassword(&p, "new_password", password)
	if err := p.err(op); err != nil {
		return err
	}
	if err := a.available(op); err != nil {
		return err
	}
	found, err := a.dir.FindLogin(ctx, chat.LoginKeys{Email: foldKey(email)})
	if err != nil {
		return err
	}
	kept, err := a.checkMailed(ctx, op, chat.ForReset, email, code)
	if err != nil {
		return err
	}
	if len(found) == 0 { // removed since the code was sent
		return chat.E(op, chat.CodeInvalid, nil)
	}
	hash, err := a.hashes.hash(ctx, password)
	if err != nil {
		return err
	}
	ended, err := a.dir.SetPassword(ctx, found[0].ID, found[0].PasswordHash, hash, "")
	if err != nil {
		return err
	}
	a.useMailed(ctx, kept)
	a.end(ctx, ended)
	return nil
}

func requireEmail(p *problems, email string) string {
	email = checkEmail(p, email)
	if email == "" && !p.has("email") {
		p.add("email", "required", "")
	}
	return email
}
