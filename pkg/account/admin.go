package account

import (
	"context"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// Addition is an account that an operator makes, whatever the rules of signing
// up are.
type Addition struct {
	Username, Password     string
	Nickname, Email, Phone string
	Admin                  bool
	VIPDays                int
}

// Add makes an account that is signed in nowhere. Invalid, UsernameTaken,
// EmailTaken, PhoneTaken.
func (a *Accounts) Add(ctx context.Context, n Addition) (chat.User, error) {
	const op = "account.add"
	var p problems
	account := profile{n.Username, n.Nickname, n.Email, n.Phone}.check(&p)
	checkPassword(&p, "password", n.Password)
	switch {
	case n.VIPDays < 0:
		p.add("vip_days", "too_small", "")
	case n.VIPDays > MaxVIPDays:
		p.bound("vip_days", "too_large", MaxVIPDays)
	case n.VIPDays > 0:
		account.VIPUntil = time.Now().UTC().AddDate(0, 0, n.VIPDays)
	}
	if err := p.err(op); err != nil {
		return chat.User{}, err
	}
	account.Admin = n.Admin
	var err error
	if account.PasswordHash, err = a.hashes.hash(ctx, n.Password); err != nil {
		return chat.User{}, err
	}
	errs, err := a.dir.CreateAll(ctx, []chat.Account{account})
	if err == nil {
		err = errs[0]
	}
	if err != nil {
		return chat.User{}, err
	}
	return account.User, nil
}

// SetDisabled disables an account, which signs it out everywhere at once, or
// enables it again. NotFound.
func (a *Accounts) SetDisabled(ctx context.Context, user chat.UserID, disabled bool) error {
	ended, err := a.dir.SetDisabled(ctx, user, disabled)
	a.end(ctx, ended)
	return err
}

// Kick signs a user out everywhere; they may sign in again. NotFound.
func (a *Accounts) Kick(ctx context.Context, user chat.UserID) error {
	ended, err := a.dir.EndOthers(ctx, user, "", chat.ByAdmin)
	a.end(ctx, ended)
	return err
}

// Issued is a new device of somebody and its access token, or why there is none.
type Issued struct {
	Username    string // as asked for
	User        chat.UserID
	Device      chat.DeviceID
	AccessToken string
	ExpiresAt   time.Time
	Err         error // NotFound: no such user, or disabled
}

// batch is how many accounts are read or written in one transaction.
const batch = 500

// Issue signs a new device in for each user name, for bots and load tests, and
// hands over each one's access token, which is good for ttl (0: as that of a
// log-in). The policy applies: it is signing in that displaces. The error is one
// of the database or of each.
func (a *Accounts) Issue(ctx context.Context, names []string, platform chat.Platform, ttl time.Duration, each func(Issued) error) error {
	const op = "account.issue"
	if platform == "" {
		platform = chat.Desktop
	}
	if ttl == 0 {
		ttl = a.o.AccessTTL
	}
	var p problems
	if !platform.Valid() {
		p.add("platform", "unknown", "")
	}
	if ttl < 0 {
		p.add("ttl", "too_small", "")
	}
	if err := p.err(op); err != nil {
		return err
	}
	for len(names) > 0 {
		n := distinct(names, batch)
		if err := a.issueBatch(ctx, names[:n], platform, ttl, each); err != nil {
			return err
		}
		names = names[n:]
	}
	return nil
}

// distinct returns how many of the first names, at most n, differ from each
// other: one transaction signs a user in once.
func distinct(names []string, n int) int {
	seen := make(map[string]bool, n)
	for i, name := range names[:min(n, len(names))] {
		key := foldKey(name)
		if seen[key] {
			return i
		}
		seen[key] = true
	}
	return min(n, len(names))
}

func (a *Accounts) issueBatch(ctx context.Context, names []string, platform chat.Platform, ttl time.Duration, each func(Issued) error) error {
	devices, keys, err := a.newDevices(ctx, names, platform)
	if err != nil {
		return err
	}
	if len(devices) == 0 {
		return a.handOver(names, nil, ttl, each)
	}
	signedIn, err := a.dir.SignInNew(ctx, a.o.Policy, a.o.MaxDevices, devices)
	if err != nil {
		return err
	}
	byKey := make(map[string]chat.Device, len(devices))
	for i, s := range signedIn {
		byKey[keys[i]] = s.Device
	}
	a.mirror(ctx, func(ctx context.Context) error {
		for _, s := range signedIn {
			if s.Device.Login == 0 { // no such user, or disabled
				continue
			}
			if err := a.reg.SignedIn(ctx, s.Device, s.Ended); err != nil {
				return err
			}
		}
		return nil
	})
	return a.handOver(names, byKey, ttl, each)
}

// handOver writes the token of each name that has a device.
func (a *Accounts) handOver(names []string, byKey map[string]chat.Device, ttl time.Duration, each func(Issued) error) error {
	until := expiry(ttl)
	for _, name := range names {
		out := Issued{Username: name}
		if d := byKey[foldKey(name)]; d.Login > 0 {
			out.User, out.Device, out.ExpiresAt = d.User, d.ID, until
			out.AccessToken, out.Err = a.tokens.access(d, until)
		} else {
			out.Err = chat.E("account.issue", chat.NotFound, nil)
		}
		if err := each(out); err != nil {
			return err
		}
	}
	return nil
}

// newDevices makes a device for each name that is somebody's; keys are those
// names in their normal form.
func (a *Accounts) newDevices(ctx context.Context, names []string, platform chat.Platform) (devices []chat.Device, keys []string, err error) {
	wanted := make([]string, len(names))
	for i, name := range names {
		wanted[i] = foldKey(name)
	}
	found, err := a.dir.UsersNamed(ctx, wanted)
	for _, u := range found {
		keys = append(keys, u.UsernameKey)
		devices = append(devices, chat.Device{ID: chat.DeviceID(chat.NewID()), User: u.ID, Platform: platform})
	}
	return devices, keys, err
}
