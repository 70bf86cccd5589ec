package client

import (
	"context"
	"net/http"

	"github.com/tieline/tieline/pkg/chat"
)

// EmailCode has a code sent to an e-mail address, to sign up (chat.ForSignUp) or
// to set a new password (chat.ForReset). It succeeds whether or not the address
// is anybody's.
func (a *API) EmailCode(ctx context.Context, email string, purpose chat.CodePurpose) error {
	in := struct {
		Email   string           `json:"email"`
		Purpose chat.CodePurpose `json:"purpose"`
	}{email, purpose}
	return a.As("").Do(ctx, http.MethodPost, "/auth/email-code", in, nil)
}

// ResetPassword sets a new password with a code from an e-mail; every device is
// signed out.
func (a *API) ResetPassword(ctx context.Context, email, code, password string) error {
	in := struct {
		Email    string `json:"email"`
		Code     string `json:"email_code"`
		Password string `json:"new_password"`
	}{email, code, password}
	return a.As("").Do(ctx, http.MethodPost, "/auth/password", in, nil)
}

// ProfileChange is what one changes of one's account; what is nil stays as it
// is.
type ProfileChange struct {
	Nickname *string `json:"nickname,omitempty"`
	Sex      *string `json:"sex,omitempty"` // "unknown", "male" or "female"
	Bio      *string `json:"bio,omitempty"`
	Email    *string `json:"email,omitempty"`
	Phone    *string `json:"phone,omitempty"`
	Theme    *string `json:"theme,omitempty"`
	Locale   *string `json:"locale,omitempty"` // "zh-CN"
}

// UpdateMe changes one's own account and returns it as it is now.
func (a *API) UpdateMe(ctx context.Context, change ProfileChange) (User, error) {
	return fetch[User](ctx, a, http.MethodPatch, "/me", change)
}

// DeleteMe removes one's own account, for good.
func (a *API) DeleteMe(ctx context.Context, password string) error {
	in := struct {
		Password string `json:"password"`
	}{password}
	return a.Do(ctx, http.MethodDelete, "/me", in, nil)
}
