package account

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"runtime"
	"sync"

	"github.com/tieline/tieline/pkg/chat"
)

// maxLine bounds one line of an import, in bytes.
const maxLine = 64 << 10

// Imported is what became of one line of an import.
type Imported struct {
	Line     int // from 1
	Username string
	ID       chat.UserID
	Err      error // Malformed, Invalid, UsernameTaken, EmailTaken or PhoneTaken
}

// importLine is one account as another system knew it.
type importLine struct {
	Username     string `json:"username"`
	Nickname     string `json:"nickname"`
	Email        string `json:"email"`
	Phone        string `json:"phone"`
	Password     string `json:"password"`
	PasswordHash string `json:"password_hash"` // argon2id in PHC form, or bcrypt
}

// Import adds the accounts of JSON lines, in transactions of some hundreds, and
// hands over what became of each line, in order; empty lines are passed over.
// An account with neither password nor password_hash cannot log in by password.
// The error is one of reading, of the database, or of each; lines handed over
// before it are in.
func (a *Accounts) Import(ctx context.Context, r io.Reader, each func(Imported) error) error {
	in := bufio.NewReaderSize(r, maxLine)
	var lines []numbered
	for n := 1; ; n++ {
		text, err := readLine(in)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if len(bytes.TrimSpace(text)) > 0 {
			lines = append(lines, numbered{n, text})
		}
		if len(lines) == batch || err != nil {
			if err := a.importBatch(ctx, lines, each); err != nil {
				return err
			}
			lines = lines[:0]
		}
		if err != nil {
			return nil
		}
	}
}

type numbered struct {
	n    int
	text []byte
}

// readLine returns the next line, at most maxLine bytes of it, and io.EOF with
// the last.
func readLine(in *bufio.Reader) ([]byte, error) {
	line, err := in.ReadSlice('\n')
	line = bytes.Clone(line)
	for errors.Is(err, bufio.ErrBufferFull) { // too long, so no JSON any more
		_, err = in.ReadSlice('\n')
	}
	return line, err
}

func (a *Accounts) importBatch(ctx context.Context, lines []numbered, each func(Imported) error) error {
	out := make([]Imported, len(lines))
	accounts := make([]chat.Account, len(lines))
	passwords := make([]string, len(lines))
	for i, l := range lines {
		out[i].Line = l.n
		accounts[i], passwords[i], out[i].Err = parseLine(l.text)
		out[i].Username = accounts[i].Username
	}
	hashAll(ctx, accounts, passwords)
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := a.addGood(ctx, accounts, out); err != nil {
		return err
	}
	for _, o := range out {
		if err := each(o); err != nil {
			return err
		}
	}
	return nil
}

// parseLine reads one line; the password is for hashAll.
func parseLine(text []byte) (account chat.Account, password string, err error) {
	const op = "account.import"
	var in importLine
	if err := json.Unmarshal(text, &in); err != nil {
		return account, "", chat.E(op, chat.Malformed, err)
	}
	var p problems
	account = profile{in.Username, in.Nickname, in.Email, in.Phone}.check(&p)
	account.PasswordHash = in.PasswordHash
	switch {
	case in.Password != "" && in.PasswordHash != "":
		p.add("password_hash", "conflict", "")
	case in.Password != "":
		checkPassword(&p, "password", in.Password)
	case in.PasswordHash != "":
		if err := checkHash(in.PasswordHash); err != nil {
			p.add("password_hash", "format", err.Error())
		}
	}
	if err := p.err(op); err != nil {
		return account, "", err
	}
	return account, in.Password, nil
}

// hashAll hashes the passwords that there are, on all cores. It ends early when
// ctx does.
func hashAll(ctx context.Context, accounts []chat.Account, passwords []string) {
	next := make(chan int)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				accounts[i].PasswordHash = newHash(passwords[i])
			}
		})
	}
	for i, p := range passwords {
		if p != "" && ctx.Err() == nil {
			next <- i
		}
	}
	close(next)
	wg.Wait()
}

// addGood adds the accounts that nothing is wrong with.
func (a *Accounts) addGood(ctx context.Context, accounts []chat.Account, out []Imported) error {
	var good []chat.Account
	var at []int
	for i := range out {
		if out[i].Err == nil {
			good, at = append(good, accounts[i]), append(at, i)
		}
	}
	if len(good) == 0 {
		return nil
	}
	errs, err := a.dir.CreateAll(ctx, good)
	if err != nil {
		return err
	}
	for j, i := range at {
		if out[i].Err = errs[j]; errs[j] == nil {
			out[i].ID = good[j].ID
		}
	}
	return nil
}
