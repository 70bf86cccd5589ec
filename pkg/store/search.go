package store

import (
	"context"
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/uptrace/bun"
)

// way is how a user fits a search. A search goes one way after the other, each
// with an index of its own, and leaves out what an earlier one found: a single
// SELECT with OR would read the whole table.
type way string

// The ways in their order, except for the last, which nothing else goes with.
const (
	byEmail    way = "a"
	byPhone    way = "b"
	byUsername way = "c"
	byNickname way = "d"
	byID       way = "e" // everybody
)

// Search returns a page of users and the cursor of the page that follows, "" on
// the last one. Whose e-mail address or phone number it is comes first, then user
// names, then nicknames, each ascending by its normal form; everybody comes
// ascending by id. Those who block the reader are left out. Invalid for a cursor
// that no page gave.
//
// The page on which the nicknames begin looks at those, too, whose users were
// found by name: no more than have been paged through.
func (s *Accounts) Search(ctx context.Context, find chat.UserQuery) (page []chat.User, next string, err error) {
	from, ok := readSpot(find.After)
	if !ok {
		return nil, "", chat.InvalidField("cursor", "format", "")
	}
	var last spot
	for _, r := range rangesOf(find, from) {
		var rows []userRow
		err := s.db.query(ctx, "store.search", func(ctx context.Context, q bun.IDB) error {
			sel := r.of(q.NewSelect().Model(&rows)).Where("deleted_at IS NULL")
			if find.Reader != "" {
				sel.Where("NOT EXISTS (SELECT 1 FROM blocks WHERE blocked_id = ? AND user_id = u.id)", find.Reader)
			}
			return sel.Limit(int64(find.Limit - len(page) + 1)).Scan(ctx)
		})
		if err != nil {
			return nil, "", err
		}
		for i := range rows {
			if len(page) == find.Limit {
				return page, last.cursor(), nil
			}
			page = append(page, rows[i].account().User)
			last = spotOf(r.way, &rows[i])
		}
	}
	return page, "", nil
}

// userRange is a part of an index of the users, in its order.
type userRange struct {
	way way
	of  func(*bun.SelectQuery) *bun.SelectQuery
}

// rangesOf returns where a search has to look beyond a spot, in this order.
func rangesOf(find chat.UserQuery, from spot) []userRange {
	if find.Prefix == "" && find.Email == "" && find.Phone == "" {
		return []userRange{{byID, func(sel *bun.SelectQuery) *bun.SelectQuery {
			return sel.Where("id > ?", from.key).Order("id ASC")
		}}}
	}
	var all []userRange
	look := func(w way, of func(*bun.SelectQuery) *bun.SelectQuery) {
		all = append(all, userRange{w, of})
	}
	if find.Email != "" && from.way < byEmail {
		look(byEmail, func(sel *bun.SelectQuery) *bun.SelectQuery { return sel.Where("email_key = ?", find.Email) })
	}
	if find.Phone != "" && from.way < byPhone {
		look(byPhone, func(sel *bun.SelectQuery) *bun.SelectQuery {
			return notByEmail(sel.Where("phone = ?", find.Phone), find)
		})
	}
	if find.Prefix != "" && from.way <= byUsername {
		look(byUsername, func(sel *bun.SelectQuery) *bun.SelectQuery {
			sel = begins(sel, "username_key", find.Prefix, from.after(byUsername))
			return notByPhone(notByEmail(sel, find), find).Order("username_key ASC")
		})
	}
	if find.Prefix == "" {
		return all
	}
	if from.way == byNickname { // first those who share the nickname of the last one
		look(byNickname, func(sel *bun.SelectQuery) *bun.SelectQuery {
			sel = sel.Where("nickname_key = ?", from.key).Where("username_key > ?", from.name)
			return notByName(sel, find).Order("username_key ASC")
		})
	}
	look(byNickname, func(sel *bun.SelectQuery) *bun.SelectQuery {
		sel = begins(sel, "nickname_key", find.Prefix, from.after(byNickname))
		return notByName(sel, find).Order("nickname_key ASC", "username_key ASC")
	})
	return all
}

// begins has a column begin with a prefix, and follow a key ("": any). It is a
// range rather than a LIKE, for which SQLite takes no index of such a column.
func begins(sel *bun.SelectQuery, column, prefix, after string) *bun.SelectQuery {
	if after >= prefix {
		sel.Where("? > ?", bun.Ident(column), after)
	} else {
		sel.Where("? >= ?", bun.Ident(column), prefix)
	}
	if end := prefixEnd(prefix); end != "" {
		sel.Where("? < ?", bun.Ident(column), end)
	}
	return sel
}

// prefixEnd is the least string after all those that begin with a prefix, by
// code points; "" when there is none.
func prefixEnd(prefix string) string {
	for prefix != "" {
		last, size := utf8.DecodeLastRuneInString(prefix)
		prefix = prefix[:len(prefix)-size]
		if next := last + 1; next == 0xD800 { // no character up to there
			return prefix + "\uE000"
		} else if next <= utf8.MaxRune {
			return prefix + string(next)
		}
	}
	return ""
}

// notByEmail, notByPhone and notByName leave out who was found before.
func notByEmail(sel *bun.SelectQuery, find chat.UserQuery) *bun.SelectQuery {
	if find.Email == "" {
		return sel
	}
	return sel.Where("(email_key IS NULL OR email_key <> ?)", find.Email)
}

func notByPhone(sel *bun.SelectQuery, find chat.UserQuery) *bun.SelectQuery {
	if find.Phone == "" {
		return sel
	}
	return sel.Where("(phone IS NULL OR phone <> ?)", find.Phone)
}

func notByName(sel *bun.SelectQuery, find chat.UserQuery) *bun.SelectQuery {
	sel = notByPhone(notByEmail(sel, find), find)
	if end := prefixEnd(find.Prefix); end != "" {
		return sel.Where("NOT (username_key >= ? AND username_key < ?)", find.Prefix, end)
	}
	return sel.Where("username_key < ?", find.Prefix)
}

// spot is where a page ended: the way, and the place in the index of that way.
type spot struct {
	way       way
	key, name string // name: the user name, where many may have the same key
}

func spotOf(w way, r *userRow) spot {
	switch w {
	case byUsername:
		return spot{way: w, key: r.UsernameKey}
	case byNickname:
		return spot{way: w, key: r.NicknameKey, name: r.UsernameKey}
	case byID:
		return spot{way: w, key: string(r.ID)}
	}
	return spot{way: w}
}

// after is the key that the index of a way is to be read from, "" for its
// beginning.
func (s spot) after(w way) string {
	if s.way == w {
		return s.key
	}
	return ""
}

func (s spot) cursor() string {
	return base64.RawURLEncoding.EncodeToString([]byte(string(s.way) + s.key + "\x00" + s.name))
}

// readSpot reads a cursor; the beginning for "".
func readSpot(cursor string) (spot, bool) {
	if cursor == "" {
		return spot{}, true
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) == 0 || !utf8.Valid(b) {
		return spot{}, false
	}
	key, name, ok := strings.Cut(string(b[1:]), "\x00")
	s := spot{way: way(b[:1]), key: key, name: name}
	return s, ok && s.way >= byEmail && s.way <= byID && !strings.Contains(name, "\x00")
}
