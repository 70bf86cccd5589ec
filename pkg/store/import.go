package store

import (
	"context"
	"errors"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/uptrace/bun"
)

// importTries is how often a batch is tried as a whole before each account is
// tried by itself: others may be signing up at the same time.
const importTries = 3

// errAgain says that somebody took a name between our look and our insert.
var errAgain = errors.New("store: taken in between")

// CreateAll adds accounts in one transaction, without devices. The first error
// is for each account, in order: nil, UsernameTaken, EmailTaken or PhoneTaken;
// the second is for all of them, of which then none was added.
func (s *Accounts) CreateAll(ctx context.Context, accounts []chat.Account) ([]error, error) {
	for range importTries {
		errs, err := s.createBatch(ctx, accounts)
		if !errors.Is(err, errAgain) {
			return errs, err
		}
	}
	errs := make([]error, len(accounts))
	for i := range accounts {
		one, err := s.createBatch(ctx, accounts[i:i+1])
		switch {
		case errors.Is(err, errAgain):
			errs[i] = chat.E("store.create_all", chat.Conflict, err)
		case err != nil:
			return nil, err
		default:
			errs[i] = one[0]
		}
	}
	return errs, nil
}

// createBatch adds those of the accounts whose names are free.
func (s *Accounts) createBatch(ctx context.Context, accounts []chat.Account) (errs []error, err error) {
	err = s.db.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		errs = make([]error, len(accounts))
		names, err := takenNames(ctx, tx, accounts)
		if err != nil {
			return err
		}
		var rows []userRow
		for i := range accounts {
			if errs[i] = names.claim(&accounts[i]); errs[i] == nil {
				rows = append(rows, newUserRow(&accounts[i]))
			}
		}
		if len(rows) == 0 {
			return nil
		}
		return insertUsers(ctx, tx, rows, now())
	})
	if duplicate(err) != "" {
		return nil, errAgain
	}
	return errs, fail("store.create_all", err)
}

// names are those that are not free, by column.
type names struct{ username, email, phone map[string]bool }

// takenNames finds which names of the accounts others have already.
func takenNames(ctx context.Context, tx bun.Tx, accounts []chat.Account) (names, error) {
	keys := map[string][]string{}
	for i := range accounts {
		a := &accounts[i]
		for column, key := range map[string]string{"username_key": a.UsernameKey, "email_key": a.EmailKey, "phone": a.Phone} {
			if key != "" {
				keys[column] = append(keys[column], key)
			}
		}
	}
	found := map[string]map[string]bool{"username_key": {}, "email_key": {}, "phone": {}}
	for column, wanted := range keys {
		var there []string
		err := tx.NewSelect().Table("users").Column(column).Where("? IN (?)", bun.Ident(column), bun.List(wanted)).Scan(ctx, &there)
		if err != nil {
			return names{}, err
		}
		for _, key := range there {
			found[column][key] = true
		}
	}
	return names{found["username_key"], found["email_key"], found["phone"]}, nil
}

// claim takes the names of an account, or says which is not free.
func (n names) claim(a *chat.Account) error {
	switch {
	case n.username[a.UsernameKey]:
		return chat.E("store.create_all", chat.UsernameTaken, nil)
	case n.email[a.EmailKey]:
		return chat.E("store.create_all", chat.EmailTaken, nil)
	case n.phone[a.Phone]:
		return chat.E("store.create_all", chat.PhoneTaken, nil)
	}
	n.username[a.UsernameKey] = true
	if a.EmailKey != "" {
		n.email[a.EmailKey] = true
	}
	if a.Phone != "" {
		n.phone[a.Phone] = true
	}
	return nil
}
