package account

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/tieline/tieline/pkg/chat"
)

// maxToken is longer than any token of ours, in bytes.
const maxToken = 4096

// tokens makes and reads access and refresh tokens.
type tokens struct {
	key     []byte
	refresh []byte // a key of its own, for the marks on refresh tokens
	parser  *jwt.Parser
}

func newTokens(key []byte) tokens {
	return tokens{key: key, refresh: mac(key, "tieline refresh token"), parser: jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithExpirationRequired())}
}

// claims is what an access token says. Those with the key may mint their own,
// with sub, device and exp only.
type claims struct {
	jwt.RegisteredClaims
	Device string `json:"device"`
	Login  int64  `json:"login,omitempty"`
}

// access makes an access token that speaks for a device until a time.
func (t *tokens) access(d chat.Device, until time.Time) (string, error) {
	if len(t.key) == 0 {
		return "", chat.E("account.access", chat.Internal, errors.New("no key to sign tokens with"))
	}
	c := claims{Device: string(d.ID), Login: d.Login}
	c.Subject, c.ExpiresAt = string(d.User), jwt.NewNumericDate(until)
	return jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString(t.key)
}

// expiry is when a token made now expires: tokens count whole seconds, and none
// is to live for less than it was promised.
func expiry(ttl time.Duration) time.Time {
	return time.Now().UTC().Add(ttl + time.Second - 1).Truncate(time.Second)
}

// read returns whom an access token speaks for, if it is one of ours and has
// not expired: TokenInvalid, TokenExpired.
func (t *tokens) read(token string) (chat.Identity, error) {
	var c claims
	invalid := chat.E("account.authenticate", chat.TokenInvalid, nil)
	if len(token) > maxToken || len(t.key) == 0 {
		return chat.Identity{}, invalid
	}
	_, err := t.parser.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return t.key, nil })
	switch expired := errors.Is(err, jwt.ErrTokenExpired); {
	case err != nil && !expired, c.Subject == "" || c.Device == "" || c.Login < 0:
		invalid.Err = err
		return chat.Identity{}, invalid
	case expired:
		return chat.Identity{}, chat.E("account.authenticate", chat.TokenExpired, nil)
	}
	return chat.Identity{User: chat.UserID(c.Subject), Device: chat.DeviceID(c.Device), Login: c.Login}, nil
}

// The parts of a refresh token are, each in base 64: whose it is (login number,
// user, device), and 32 random bytes followed by a mark.
//
// The random bytes alone make it valid; their hash is what the database keeps.
// The mark tells, of one that the database does not know any more, whether we
// made it: then it was used before, however long ago.
const (
	secretLength = 32
	markLength   = 16
)

// newSecret returns the random bytes of a refresh token and their hash.
func newSecret() (secret, hash []byte) {
	secret = make([]byte, secretLength)
	rand.Read(secret) // never fails (crypto/rand)
	sum := sha256.Sum256(secret)
	return secret, sum[:]
}

// refreshToken writes the refresh token of a sign-in.
func (t *tokens) refreshToken(d chat.Device, secret []byte) string {
	whose := binary.AppendUvarint(nil, uint64(d.Login))
	whose = append(whose, d.User...)
	whose = append(whose, 0)
	whose = append(whose, d.ID...)
	second := append(append([]byte{}, secret...), t.mark(whose, secret)...)
	return base64.RawURLEncoding.EncodeToString(whose) + "." + base64.RawURLEncoding.EncodeToString(second)
}

func (t *tokens) mark(whose, secret []byte) []byte {
	return mac(t.refresh, string(whose)+"\x00"+string(secret))[:markLength]
}

// readRefresh takes a refresh token apart; TokenInvalid for what cannot be one.
func (t *tokens) readRefresh(token string) (chat.Rotation, error) {
	invalid := chat.E("account.refresh", chat.TokenInvalid, nil)
	first, second, _ := strings.Cut(token, ".")
	whose, err1 := base64.RawURLEncoding.DecodeString(first)
	random, err2 := base64.RawURLEncoding.DecodeString(second)
	login, n := binary.Uvarint(whose)
	if len(token) > maxToken || err1 != nil || err2 != nil || n <= 0 || login>>63 != 0 || len(random) != secretLength+markLength {
		return chat.Rotation{}, invalid
	}
	user, device, found := strings.Cut(string(whose[n:]), "\x00")
	if !found || user == "" || device == "" {
		return chat.Rotation{}, invalid
	}
	secret := random[:secretLength]
	hash := sha256.Sum256(secret)
	return chat.Rotation{
		User: chat.UserID(user), Device: chat.DeviceID(device), Hash: hash[:], Login: int64(login),
		Issued: hmac.Equal(random[secretLength:], t.mark(whose, secret)),
	}, nil
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
