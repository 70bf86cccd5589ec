package account

import (
	"context"
	"log/slog"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// Directory keeps accounts, the devices they are signed in on, and one-time
// codes. Its methods say in their errors' kinds what clients may know.
type Directory interface {
	People
	Devices
	Codes
}

// People is the part of a Directory about accounts.
type People interface {
	Create(ctx context.Context, n chat.SignUp) (chat.SignedIn, error)
	CreateAll(ctx context.Context, accounts []chat.Account) ([]error, error)
	FindLogin(ctx context.Context, k chat.LoginKeys) ([]chat.Account, error)
	Account(ctx context.Context, id chat.UserID) (chat.Account, error)
	Users(ctx context.Context, ids []chat.UserID) ([]chat.User, error)
	UsersNamed(ctx context.Context, keys []string) ([]chat.Account, error)
	Search(ctx context.Context, find chat.UserQuery) (page []chat.User, next string, err error)
	SetPassword(ctx context.Context, user chat.UserID, expected, hash string, keep chat.DeviceID) (ended []chat.Device, err error)
	SetDisabled(ctx context.Context, user chat.UserID, disabled bool) (ended []chat.Device, err error)
	ChangeProfile(ctx context.Context, user chat.UserID, change func(*chat.Account)) (chat.ProfileChanged, error)
	Remove(ctx context.Context, user chat.UserID, expected string) (chat.Removal, error)
}

// Devices is the part of a Directory about signing in and out.
type Devices interface {
	SignIn(ctx context.Context, in chat.SignIn) (chat.SignedIn, error)
	SignInNew(ctx context.Context, policy chat.Policy, most int, in []chat.Device) ([]chat.SignedIn, error)
	Rotate(ctx context.Context, r chat.Rotation) (chat.Rotated, error)
	Device(ctx context.Context, user chat.UserID, id chat.DeviceID) (chat.DeviceRecord, error)
	EndDevice(ctx context.Context, user chat.UserID, id chat.DeviceID, login int64, why chat.Reason) (ended []chat.Device, err error)
	EndOthers(ctx context.Context, user chat.UserID, keep chat.DeviceID, why chat.Reason) (ended []chat.Device, err error)
}

// Codes is the part of a Directory about one-time codes.
type Codes interface {
	AddCodes(ctx context.Context, codes []chat.Code) error
	FindCodes(ctx context.Context, kind chat.CodeKind, cursor string, limit int) (codes []chat.Code, next string, err error)
	RedeemVIP(ctx context.Context, user chat.UserID, hash []byte) (chat.User, error)
}

// Registry mirrors which devices are signed in, and reaches their sockets
// wherever they are. What it is told late or not at all, the nodes catch up on
// from the database.
type Registry interface {
	// Up reports whether Redis is there.
	Up() bool
	// SignedIn records a sign-in and those it displaced, and closes their sockets.
	SignedIn(ctx context.Context, d chat.Device, ended []chat.Device) error
	// End records that devices were signed out, each for its EndReason, tells
	// their sockets and closes them.
	End(ctx context.Context, ended []chat.Device) error
	// Check returns what is recorded of a device, if anything is.
	Check(ctx context.Context, user chat.UserID, device chat.DeviceID) (st chat.DeviceState, known bool, err error)
	// Remember fills in what Check did not know; it closes nothing.
	Remember(ctx context.Context, d chat.Device) error
	// PutTicket keeps whom a one-time ticket speaks for, under its hash.
	PutTicket(ctx context.Context, hash string, id chat.Identity, ttl time.Duration) error
	// TakeTicket returns whom a ticket speaks for, once.
	TakeTicket(ctx context.Context, hash string) (id chat.Identity, ok bool, err error)
	// TellRelated has all nodes read again what they remember of pairs of people:
	// what they are to each other, and what each looks like.
	TellRelated(ctx context.Context, pairs []chat.Pair) error
	MailedCodes
}

// MailedCodes is the part of a Registry about codes that are sent by e-mail. They
// are gone with Redis: another one is asked for.
type MailedCodes interface {
	// PutMailedCode keeps a code for a time and so many wrong tries; RateLimited
	// when another mail went to the address less than pause ago.
	PutMailedCode(ctx context.Context, c chat.MailedCode, ttl, pause time.Duration, tries int) error
	// CheckMailedCode reports whether a code is the one that was sent; a wrong one
	// costs a try.
	CheckMailedCode(ctx context.Context, c chat.MailedCode) (right bool, err error)
	// UseMailedCode uses a code up.
	UseMailedCode(ctx context.Context, c chat.MailedCode) error
	// ForgetMailedCode undoes PutMailedCode.
	ForgetMailedCode(ctx context.Context, c chat.MailedCode) error
}

// Mailer sends mails, soon and without keeping anybody waiting. One to nobody it
// takes like any other.
type Mailer interface{ Send(m chat.Mail) error }

// Failures bounds how often somebody may try wrong passwords for one name.
type Failures interface {
	// MayFail returns nil, or a RateLimited error that says when to try again.
	MayFail(ctx context.Context, name string) error
	// Failed counts a wrong one.
	Failed(ctx context.Context, name string)
}

// Avatars keeps the pictures that stand for people.
type Avatars interface {
	// Keep keeps what somebody uploaded, made small and bare, and returns its URL.
	// TooLarge, UnsupportedMedia, Invalid, Unavailable.
	Keep(ctx context.Context, user chat.UserID, upload []byte) (url string, err error)
	// Forget deletes the picture at a URL ("": none), which nobody has any more.
	Forget(ctx context.Context, url string)
}

// Notifier tells people of committed events.
type Notifier interface{ Tell(events []chat.Event) }

// How people sign up.
const (
	Open   = "open"   // anybody
	Email  = "email"  // with a code sent to their address
	Invite = "invite" // with an invitation code
	Closed = "closed" // nobody
)

// Options are the rules of signing in. Zero durations, numbers and names stand
// for the defaults of the settings of the same name.
type Options struct {
	Key          []byte        // signs access tokens, 32 bytes or more
	AccessTTL    time.Duration // lifetime of access tokens
	RefreshTTL   time.Duration // lifetime of refresh tokens, from their making
	Policy       chat.Policy   // who stays when a person signs in again
	MaxDevices   int           // under chat.Multi
	Registration string        // Open, Email, Invite or Closed
	Avatars      Avatars       // nil: nothing can be kept
	Mailer       Mailer        // nil: nobody can be written to
	Failures     Failures      // nil: no limit
	Notifier     Notifier      // nil: events are found in the database
	Log          *slog.Logger
}

// Accounts signs people up and in. It may be used by many goroutines.
type Accounts struct {
	dir    Directory
	reg    Registry
	o      Options
	tokens tokens
	hashes *hasher
}

// New makes an Accounts. Without a registry (nil), as in a command that has no
// Redis to talk to, nobody is told of what changes; nodes find out by the
// database.
func New(dir Directory, reg Registry, o Options) *Accounts {
	if reg == nil {
		reg = absent{}
	}
	o = o.withDefaults()
	return &Accounts{dir: dir, reg: reg, o: o, tokens: newTokens(o.Key), hashes: newHasher()}
}

func (o Options) withDefaults() Options {
	if o.AccessTTL <= 0 {
		o.AccessTTL = time.Hour
	}
	if o.RefreshTTL <= 0 {
		o.RefreshTTL = 720 * time.Hour
	}
	if o.Policy == "" {
		o.Policy = chat.Multi
	}
	if o.MaxDevices <= 0 {
		o.MaxDevices = 10
	}
	if o.Registration == "" {
		o.Registration = Open
	}
	if o.Avatars == nil {
		o.Avatars = noAvatars{}
	}
	if o.Mailer == nil {
		o.Mailer = noMailer{}
	}
	if o.Failures == nil {
		o.Failures = noLimit{}
	}
	if o.Notifier == nil {
		o.Notifier = noNotifier{}
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// available refuses what needs Redis while it is away, before anything changes.
func (a *Accounts) available(op string) error {
	if a.reg.Up() {
		return nil
	}
	return &chat.Error{Kind: chat.Unavailable, Op: op, Retry: time.Second}
}

// How often, and how long, the mirror is told what the database has decided.
const (
	mirrorTries  = 3
	mirrorPause  = 50 * time.Millisecond
	mirrorWithin = 3 * time.Second
)

// mirror tells the registry of something the database has committed. The caller
// going away does not stop it, and its failure is nobody's error: the nodes read
// recent changes from the database once Redis is well again.
func (a *Accounts) mirror(ctx context.Context, tell func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), mirrorWithin)
	defer cancel()
	pause := time.NewTimer(0)
	defer pause.Stop()
	var err error
	for try := range mirrorTries {
		select {
		case <-pause.C:
		case <-ctx.Done():
		}
		if err = tell(ctx); err == nil {
			return
		}
		if !a.reg.Up() {
			break
		}
		pause.Reset(mirrorPause << try)
	}
	a.o.Log.Warn("sign-ins not mirrored; nodes will read them from the database", "err", err)
}

// end mirrors devices that were signed out.
func (a *Accounts) end(ctx context.Context, ended []chat.Device) {
	if len(ended) > 0 {
		a.mirror(ctx, func(ctx context.Context) error { return a.reg.End(ctx, ended) })
	}
}
