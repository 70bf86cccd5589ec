package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
)

// The cost of our own password hashes: 19 MiB and two passes, the least that
// OWASP recommends for argon2id; about 50 ms of one core.
const (
	hashMemory  = 19 * 1024 // KiB
	hashTime    = 2
	hashThreads = 1
	hashSalt    = 16
	hashLength  = 32
)

// The most that a hash from elsewhere may cost to check: somebody else chose it,
// and it is paid at each log-in.
const (
	maxMemory = 256 * 1024 // KiB
	maxTime   = 16
	maxCost   = 14 // bcrypt
)

// hasher hashes passwords, one a core at a time. So many may wait beyond that
// and so long; more are told to come back.
type hasher struct {
	running chan struct{}
	waiting chan struct{}
}

const (
	maxWaiting = 64 // a core
	waitWithin = 5 * time.Second
)

func newHasher() *hasher {
	cores := runtime.GOMAXPROCS(0)
	return &hasher{running: make(chan struct{}, cores), waiting: make(chan struct{}, cores*maxWaiting)}
}

// enter waits for a core; the function it returns gives it back.
func (h *hasher) enter(ctx context.Context) (leave func(), err error) {
	busy := &chat.Error{Kind: chat.Unavailable, Op: "account.hash", Retry: time.Second}
	select {
	case h.waiting <- struct{}{}:
		defer func() { <-h.waiting }()
	default:
		return nil, busy
	}
	ctx, cancel := context.WithTimeout(ctx, waitWithin)
	defer cancel()
	select {
	case h.running <- struct{}{}:
		return func() { <-h.running }, nil
	case <-ctx.Done():
		busy.Err = ctx.Err()
		return nil, busy
	}
}

// hash returns a password's hash in PHC form.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return newHash(password), nil
}

// newHash is hash without waiting for one's turn.
func newHash(password string) string {
	var salt [hashSalt]byte
	rand.Read(salt[:]) // never fails (crypto/rand)
	sum := argon2.IDKey([]byte(password), salt[:], hashTime, hashMemory, hashThreads, hashLength)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, hashMemory, hashTime, hashThreads,
		base64.RawStdEncoding.EncodeToString(salt[:]), base64.RawStdEncoding.EncodeToString(sum))
}

// compare compares a password with a hash and takes as long when there is none
// (""), which no password fits. Weak is set for a hash of another cost than ours.
// Whoever calls it has entered.
func compare(password, hash string) (ok, weak bool) {
	if isBcrypt(hash) {
		return bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil, true
	}
	want, err := parseArgon2(hash)
	if err != nil {
		want = nobody
	}
	got := argon2.IDKey([]byte(password), want.salt, want.time, want.memory, want.threads, uint32(len(want.sum)))
	ok = subtle.ConstantTimeCompare(got, want.sum) == 1 && err == nil
	return ok, want.memory != hashMemory || want.time != hashTime || want.threads != hashThreads
}

// argon2Hash is a hash taken apart.
type argon2Hash struct {
	memory, time uint32
	threads      uint8
	salt, sum    []byte
}

// nobody is the hash of no password, for the work of checking it.
var nobody = argon2Hash{hashMemory, hashTime, hashThreads, make([]byte, hashSalt), make([]byte, hashLength)}

var errHash = errors.New("neither an argon2id nor a bcrypt hash that may be used here")

// parseArgon2 reads $argon2id$v=19$m=…,t=…,p=…$salt$sum and refuses costs out of
// bounds.
func parseArgon2(s string) (argon2Hash, error) {
	part := strings.Split(s, "$")
	if len(part) != 6 || part[0] != "" || part[1] != "argon2id" || part[2] != "v="+strconv.Itoa(argon2.Version) {
		return argon2Hash{}, errHash
	}
	m, t, p, ok := argon2Costs(part[3])
	salt, err1 := base64.RawStdEncoding.DecodeString(part[4])
	sum, err2 := base64.RawStdEncoding.DecodeString(part[5])
	switch {
	case !ok || err1 != nil || err2 != nil,
		p < 1 || p > 16, t < 1 || t > maxTime, m < 8*p || m > maxMemory,
		len(salt) < 8 || len(salt) > 64, len(sum) < 16 || len(sum) > 64:
		return argon2Hash{}, errHash
	}
	return argon2Hash{uint32(m), uint32(t), uint8(p), salt, sum}, nil
}

// argon2Costs reads m=…,t=…,p=…
func argon2Costs(s string) (m, t, p uint64, ok bool) {
	field := strings.Split(s, ",")
	if len(field) != 3 {
		return 0, 0, 0, false
	}
	for i, to := range []*uint64{&m, &t, &p} {
		digits, found := strings.CutPrefix(field[i], []string{"m=", "t=", "p="}[i])
		n, err := strconv.ParseUint(digits, 10, 32)
		if !found || err != nil {
			return 0, 0, 0, false
		}
		*to = n
	}
	return m, t, p, true
}

// The form of a bcrypt hash: $2b$10$, then salt and sum in an alphabet of its own.
const (
	bcryptLength   = 60
	bcryptPrefix   = 7
	bcryptAlphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

func isBcrypt(s string) bool {
	return strings.HasPrefix(s, "$2a$") || strings.HasPrefix(s, "$2b$") || strings.HasPrefix(s, "$2y$")
}

// checkHash reports whether a hash from elsewhere can be used.
func checkHash(s string) error {
	if !isBcrypt(s) {
		_, err := parseArgon2(s)
		return err
	}
	cost, err := bcrypt.Cost([]byte(s))
	if err != nil || cost > maxCost || len(s) != bcryptLength || strings.Trim(s[bcryptPrefix:], bcryptAlphabet) != "" {
		return errHash
	}
	return nil
}
