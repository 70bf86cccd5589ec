package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"strings"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// The bounds of making one-time codes.
const (
	MaxCodes   = 1000  // at a time
	MaxVIPDays = 36500 // of one code
	maxCodeTTL = 100 * 365 * 24 * time.Hour
)

// codeAlphabet is Crockford's base 32: none of its characters looks like
// another. A code is 25 of them, 125 random bits.
const (
	codeAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	codeLength   = 25
	codeGroup    = 5
)

// CodeOrder asks for one-time codes. A TTL of 0 means that they do not expire.
type CodeOrder struct {
	Kind    chat.CodeKind
	Count   int // 0: 1
	VIPDays int // of a chat.VIPCode
	TTL     time.Duration
}

// CreateCodes makes one-time codes and returns them: only their hashes are kept,
// so they can never be shown again. Invalid for an order out of bounds.
func (a *Accounts) CreateCodes(ctx context.Context, o CodeOrder) ([]string, error) {
	if o.Count == 0 {
		o.Count = 1
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	codes, kept := make([]string, o.Count), make([]chat.Code, o.Count)
	for i := range codes {
		codes[i] = newCode()
		kept[i] = chat.Code{Hash: codeHash(codes[i]), Kind: o.Kind, VIPDays: o.VIPDays}
		if o.TTL > 0 {
			kept[i].ExpiresAt = time.Now().UTC().Add(o.TTL)
		}
	}
	if err := a.dir.AddCodes(ctx, kept); err != nil {
		return nil, err
	}
	return codes, nil
}

func (o *CodeOrder) check() error {
	var p problems
	checkKind(&p, o.Kind)
	if o.Count < 1 {
		p.bound("count", "too_small", 1)
	} else if o.Count > MaxCodes {
		p.bound("count", "too_large", MaxCodes)
	}
	switch {
	case o.Kind == chat.InviteCode:
		o.VIPDays = 0
	case o.VIPDays < 1:
		p.bound("vip_days", "too_small", 1)
	case o.VIPDays > MaxVIPDays:
		p.bound("vip_days", "too_large", MaxVIPDays)
	}
	if o.TTL < 0 {
		p.add("ttl", "too_small", "")
	} else if o.TTL > maxCodeTTL {
		p.add("ttl", "too_large", "")
	}
	return p.err("account.create_codes")
}

func checkKind(p *problems, k chat.CodeKind) {
	if k != chat.VIPCode && k != chat.InviteCode {
		p.add("kind", "unknown", "")
	}
}

// FindCodes returns a page of the codes of a kind ("": of each), the newest
// first: what they are good for and who used them, never the codes themselves.
// The next page, if there is one, begins at the cursor next. A limit of 0 is 50,
// one above 200 is 200. Invalid.
func (a *Accounts) FindCodes(ctx context.Context, kind chat.CodeKind, cursor string, limit int) (codes []chat.Code, next string, err error) {
	var p problems
	if kind != "" {
		checkKind(&p, kind)
	}
	if limit < 0 {
		p.add("limit", "too_small", "")
	}
	if err := p.err("account.find_codes"); err != nil {
		return nil, "", err
	}
	return a.dir.FindCodes(ctx, kind, cursor, pageLength(limit))
}

// RedeemVIP uses a VIP code up, once, however many ask at the same time, and
// returns the user with the new end of their time. CodeInvalid.
func (a *Accounts) RedeemVIP(ctx context.Context, user chat.UserID, code string) (chat.User, error) {
	hash := codeHash(code)
	if hash == nil {
		return chat.User{}, chat.E("account.redeem_vip", chat.CodeInvalid, nil)
	}
	return a.dir.RedeemVIP(ctx, user, hash)
}

func newCode() string {
	var random [codeLength]byte
	rand.Read(random[:]) // never fails (crypto/rand)
	var b strings.Builder
	for i, r := range random {
		if i > 0 && i%codeGroup == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(codeAlphabet[r%32])
	}
	return b.String()
}

// codeHash returns what is kept of a code as somebody typed it: in any case, with
// or without dashes, O for 0 and I or L for 1. Nil for what cannot be a code.
func codeHash(typed string) []byte {
	if len(typed) > 4*codeLength {
		return nil
	}
	code := make([]byte, 0, codeLength)
	for _, r := range strings.ToUpper(typed) {
		switch {
		case r == '-' || r == ' ':
			continue
		case r == 'O':
			r = '0'
		case r == 'I' || r == 'L':
			r = '1'
		}
		if r >= 128 || !strings.ContainsRune(codeAlphabet, r) {
			return nil
		}
		code = append(code, byte(r))
	}
	if len(code) != codeLength {
		return nil
	}
	sum := sha256.Sum256(code)
	return sum[:]
}
