package account

import (
	"context"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// absent is the registry of a command without Redis: it knows nothing and tells
// nobody.
type absent struct{}

func (absent) Up() bool                                                   { return true }
func (absent) SignedIn(context.Context, chat.Device, []chat.Device) error { return nil }
func (absent) End(context.Context, []chat.Device) error                   { return nil }
func (absent) Remember(context.Context, chat.Device) error                { return nil }
func (absent) Check(context.Context, chat.UserID, chat.DeviceID) (chat.DeviceState, bool, error) {
	return chat.DeviceState{}, false, nil
}

func (absent) PutTicket(context.Context, string, chat.Identity, time.Duration) error {
	return chat.E("account.ticket", chat.Unavailable, nil)
}

func (absent) TakeTicket(context.Context, string) (chat.Identity, bool, error) {
	return chat.Identity{}, false, chat.E("account.ticket", chat.Unavailable, nil)
}

func (absent) TellRelated(context.Context, []chat.Pair) error { return nil }

func (absent) PutMailedCode(context.Context, chat.MailedCode, time.Duration, time.Duration, int) error {
	return chat.E("account.put_code", chat.Unavailable, nil)
}

func (absent) CheckMailedCode(context.Context, chat.MailedCode) (bool, error) {
	return false, chat.E("account.check_code", chat.Unavailable, nil)
}

func (absent) UseMailedCode(context.Context, chat.MailedCode) error    { return nil }
func (absent) ForgetMailedCode(context.Context, chat.MailedCode) error { return nil }

// noMailer, noLimit and noNotifier stand for what an Accounts was made without.
type (
	noMailer   struct{}
	noLimit    struct{}
	noNotifier struct{}
)

func (noMailer) Send(chat.Mail) error                 { return chat.E("account.mail", chat.Unavailable, nil) }
func (noLimit) MayFail(context.Context, string) error { return nil }
func (noLimit) Failed(context.Context, string)        {}
func (noNotifier) Tell([]chat.Event)                  {}

// noAvatars stands for the store of pictures of a command that needs none.
type noAvatars struct{}

func (noAvatars) Keep(context.Context, chat.UserID, []byte) (string, error) {
	return "", chat.E("account.avatar", chat.Unavailable, nil)
}

func (noAvatars) Forget(context.Context, string) {}
