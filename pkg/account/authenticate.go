package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// TicketTTL is how long a ticket for a socket is good.
const TicketTTL = 30 * time.Second

// Authenticate returns whom an access token speaks for, if its session has not
// ended. TokenExpired, TokenInvalid, SessionEnded with the reason,
// AccountDisabled, Unauthorized for a user that there is not (any more).
// Identity.Admin is not set; see Admin.
func (a *Accounts) Authenticate(ctx context.Context, accessToken string) (chat.Identity, error) {
	id, err := a.tokens.read(accessToken)
	if err != nil {
		return chat.Identity{}, err
	}
	return a.Authorise(ctx, id)
}

// Verify returns whom an access token speaks for by its signature and expiry
// alone: TokenExpired or TokenInvalid. Whether its session has ended is for
// Authorise, or for whoever claims the device.
func (a *Accounts) Verify(accessToken string) (chat.Identity, error) {
	return a.tokens.read(accessToken)
}

// Authorise checks a genuine identity against what has become of its session:
// by the registry where that knows, else by the database.
func (a *Accounts) Authorise(ctx context.Context, id chat.Identity) (chat.Identity, error) {
	st, known, missed := a.reg.Check(ctx, id.User, id.Device)
	if missed == nil && known && conclusive(st, id) {
		return id, verdict(st, id)
	}
	rec, err := a.dir.Device(ctx, id.User, id.Device)
	switch {
	case chat.KindOf(err) == chat.NotFound:
		return id, chat.E("account.authenticate", chat.Unauthorized, nil)
	case err != nil && known && missed == nil && st.Ended != "":
		return id, verdict(st, id) // it ended, whatever else the database would say
	case err != nil:
		return id, err
	}
	if missed == nil && rec.Login > 0 {
		if err := a.reg.Remember(ctx, rec.Device); err != nil {
			a.o.Log.Debug("device not remembered", "err", err) // the next one will ask again
		}
	}
	return id, judge(rec, id)
}

// conclusive reports whether the registry's word is enough. It may be behind:
// a token from a later sign-in than it knows of is for the database, as is
// whether somebody who was disabled still is.
func conclusive(st chat.DeviceState, id chat.Identity) bool {
	return id.Login <= st.Login && st.Ended != chat.Disabled
}

// verdict decides by what is known of a device that there is.
func verdict(st chat.DeviceState, id chat.Identity) error {
	const op = "account.authenticate"
	switch {
	case st.Ended == chat.AccountRemoved:
		return chat.E(op, chat.Unauthorized, nil)
	case st.Ended == chat.Disabled:
		return chat.E(op, chat.AccountDisabled, nil)
	case st.Ended != "":
		return &chat.Error{Kind: chat.SessionEnded, Op: op, Reason: st.Ended}
	case id.Login != 0 && id.Login < st.Login: // this very device signed in again since
		return &chat.Error{Kind: chat.SessionEnded, Op: op, Reason: chat.SignedOut}
	}
	return nil
}

// judge decides by what the database has of a device and its owner.
func judge(rec chat.DeviceRecord, id chat.Identity) error {
	const op = "account.authenticate"
	switch {
	case rec.Deleted:
		return chat.E(op, chat.Unauthorized, nil)
	case rec.Disabled:
		return chat.E(op, chat.AccountDisabled, nil)
	case rec.Login == 0 || id.Login > rec.Login:
		return chat.E(op, chat.TokenInvalid, nil)
	case !rec.EndedAt.IsZero(): // also by a disabling that is over
		return &chat.Error{Kind: chat.SessionEnded, Op: op, Reason: rec.EndReason}
	}
	return verdict(chat.DeviceState{Login: rec.Login}, id)
}

// Admin returns nil if an identity is an administrator's; Forbidden.
func (a *Accounts) Admin(ctx context.Context, id chat.Identity) error {
	account, err := a.dir.Account(ctx, id.User)
	if err != nil {
		return err
	}
	if !account.Admin {
		return chat.E("account.admin", chat.Forbidden, nil)
	}
	return nil
}

// Ticket returns a one-time credential for the URL of a socket, and how long it
// is good. Unavailable while Redis is away.
func (a *Accounts) Ticket(ctx context.Context, id chat.Identity) (ticket string, ttl time.Duration, err error) {
	if err := a.available("account.ticket"); err != nil {
		return "", 0, err
	}
	var secret [32]byte
	rand.Read(secret[:]) // never fails (crypto/rand)
	ticket = base64.RawURLEncoding.EncodeToString(secret[:])
	return ticket, TicketTTL, a.reg.PutTicket(ctx, ticketHash(ticket), id, TicketTTL)
}

// Redeem returns whom a ticket speaks for, once. TokenInvalid for one that is
// not, or was used, or is too old. As after Verify, whether its session has ended
// meanwhile is for whoever claims the device, who can also tell its owner why.
func (a *Accounts) Redeem(ctx context.Context, ticket string) (chat.Identity, error) {
	if len(ticket) != base64.RawURLEncoding.EncodedLen(32) {
		return chat.Identity{}, chat.E("account.redeem", chat.TokenInvalid, nil)
	}
	id, ok, err := a.reg.TakeTicket(ctx, ticketHash(ticket))
	if err != nil {
		return chat.Identity{}, err
	}
	if !ok {
		return chat.Identity{}, chat.E("account.redeem", chat.TokenInvalid, nil)
	}
	return id, nil
}

func ticketHash(ticket string) string {
	sum := sha256.Sum256([]byte(ticket))
	return hex.EncodeToString(sum[:])
}
