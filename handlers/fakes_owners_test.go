package handlers

import (
	"context"
	"fmt"
	"reflect"

	"github.com/tieline/tieline/pkg/account"
	"github.com/tieline/tieline/pkg/chat"
)

// fakeOwners notes what it is asked for, and does it unless err is set. The one
// good code is "1234 5678", alice's password "horse".
type fakeOwners struct {
	did []string
	err error
}

func (f *fakeOwners) note(what ...any) error {
	f.did = append(f.did, fmt.Sprint(what...))
	return f.err
}

func (f *fakeOwners) EmailCode(_ context.Context, email string, purpose chat.CodePurpose, language string) error {
	return f.note(email, " ", purpose, " ", language)
}

func (f *fakeOwners) ResetPassword(_ context.Context, email, code, password string) error {
	if code != "1234 5678" {
		return chat.E("fake", chat.CodeInvalid, nil)
	}
	return f.note(email, " ", password)
}

func (f *fakeOwners) ChangeProfile(_ context.Context, user chat.UserID, c account.ProfileChange, language string) (chat.User, error) {
	what := fmt.Sprint(user, " ", language)
	v := reflect.ValueOf(c)
	for i := range v.NumField() {
		if s := v.Field(i); !s.IsNil() {
			what += fmt.Sprintf(" %s=%q", v.Type().Field(i).Name, s.Elem())
		}
	}
	return alice, f.note(what)
}

func (f *fakeOwners) Remove(_ context.Context, user chat.UserID, password string) error {
	if password != "horse" {
		return chat.E("fake", chat.BadCredentials, nil)
	}
	return f.note(user, " removed")
}

func (f *fakeOwners) SetAvatar(_ context.Context, user chat.UserID, upload []byte) (chat.User, error) {
	return alice, f.note(user, " ", len(upload), " bytes ", string(upload[:min(4, len(upload))]))
}
