package account

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/tieline/tieline/pkg/chat"
)

// The length of a page of users.
const (
	defaultPage = 50
	maxPage     = 200
)

// User returns a user; NotFound also for one who was removed.
func (a *Accounts) User(ctx context.Context, id chat.UserID) (chat.User, error) {
	account, err := a.dir.Account(ctx, id)
	return account.User, err
}

// Users returns those of some users that are there, deleted ones included.
func (a *Accounts) Users(ctx context.Context, ids []chat.UserID) (map[chat.UserID]chat.User, error) {
	found, err := a.dir.Users(ctx, ids)
	out := make(map[chat.UserID]chat.User, len(found))
	for _, u := range found {
		out[u.ID] = u
	}
	return out, err
}

// Named returns the user with a user name; NotFound.
func (a *Accounts) Named(ctx context.Context, username string) (chat.User, error) {
	if utf8.ValidString(username) && len(username) <= MaxEmail {
		found, err := a.dir.UsersNamed(ctx, []string{foldKey(username)})
		if err != nil {
			return chat.User{}, err
		}
		if len(found) > 0 {
			return found[0].User, nil
		}
	}
	return chat.User{}, chat.E("account.named", chat.NotFound, nil)
}

// Search returns a page of the users whose user name or nickname begins with
// the query, or whose e-mail address or phone number it is; of all users for an
// empty query. Those who block the reader are left out. The next page, if there
// is one, begins at the cursor next. A limit of 0 is 50, one above 200 is 200.
func (a *Accounts) Search(ctx context.Context, reader chat.UserID, query, cursor string, limit int) (page []chat.User, next string, err error) {
	var p problems
	query = strings.TrimSpace(query)
	if !utf8.ValidString(query) {
		p.add("query", "format", "")
	} else if utf8.RuneCountInString(query) > MaxEmail {
		p.bound("query", "too_long", MaxEmail)
	}
	if limit < 0 {
		p.add("limit", "too_small", "")
	}
	if err := p.err("account.search"); err != nil {
		return nil, "", err
	}
	find := chat.UserQuery{Prefix: cutKey(foldKey(query), maxNicknameKey), Phone: phoneKey(query), Reader: reader, After: cursor, Limit: pageLength(limit)}
	if strings.Contains(query, "@") {
		find.Email = foldKey(query)
	}
	return a.dir.Search(ctx, find)
}

// pageLength is how long a page is for somebody who asked for a limit.
func pageLength(limit int) int {
	if limit == 0 {
		return defaultPage
	}
	return min(limit, maxPage)
}
