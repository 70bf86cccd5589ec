package account

import (
	"context"

	"github.com/tieline/tieline/pkg/chat"
)

// Remove removes an account, for good: it is signed out everywhere, what was
// known of its owner is gone, its names are free for others, and what was written
// stays under chat.DeletedNickname. BadCredentials when the password is wrong,
// RateLimited after too many wrong ones, Conflict when it was changed at the same
// moment.
func (a *Accounts) Remove(ctx context.Context, user chat.UserID, password string) error {
	const op = "account.remove"
	if password == "" {
		return chat.InvalidField("password", "required", "")
	}
	account, err := a.confirm(ctx, op, user, password)
	if err != nil {
		return err
	}
	gone, err := a.dir.Remove(ctx, user, account.PasswordHash)
	if chat.KindOf(err) == chat.NotFound {
		return chat.E(op, chat.Unauthorized, nil)
	}
	if err != nil {
		return err
	}
	a.end(ctx, gone.Ended)
	a.o.Avatars.Forget(ctx, gone.AvatarURL)
	a.o.Notifier.Tell(gone.Events)
	a.related(ctx, append(gone.Pairs, chat.Pair{A: user, B: user})...)
	return nil
}

// confirm returns the account of somebody signed in who knows its password:
// Unauthorized for nobody's, BadCredentials, RateLimited.
func (a *Accounts) confirm(ctx context.Context, op string, user chat.UserID, password string) (chat.Account, error) {
	account, err := a.dir.Account(ctx, user)
	if chat.KindOf(err) == chat.NotFound {
		return account, chat.E(op, chat.Unauthorized, nil)
	}
	if err != nil {
		return account, err
	}
	_, _, err = a.fits(ctx, op, loginKeys(account.Username), password, []chat.Account{account})
	return account, err
}
