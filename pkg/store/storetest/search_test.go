package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/store"
)

func TestSearch(t *testing.T) {
	inEach(t, func(t *testing.T, w *world) {
		for _, name := range []string{"ann", "anna", "bob_1", "bobx1", "张三丰"} {
			w.exists(name, "nick of "+name, name+"@x", map[string]string{"ann": "111111"}[name])
		}
		for _, c := range []struct {
			find chat.UserQuery
			want string
		}{
			{chat.UserQuery{}, "ann anna bob_1 bobx1 张三丰"},
			{chat.UserQuery{Prefix: "an"}, "ann anna"},
			{chat.UserQuery{Prefix: "nn"}, ""},
			{chat.UserQuery{Prefix: "张"}, "张三丰"},
			{chat.UserQuery{Prefix: "bob_"}, "bob_1"}, // no pattern
			{chat.UserQuery{Prefix: "%"}, ""},
			{chat.UserQuery{Prefix: "!"}, ""},
			{chat.UserQuery{Prefix: "\U0010ffff"}, ""},
			{chat.UserQuery{Prefix: "nick of b"}, "bob_1 bobx1"},
			{chat.UserQuery{Prefix: "111111", Phone: "111111"}, "ann"},
			{chat.UserQuery{Phone: "11111"}, ""},
			{chat.UserQuery{Prefix: "anna@x", Email: "anna@x"}, "anna"},
		} {
			c.find.Limit = 100
			got := w.pages(c.find, 1)
			slices.Sort(got) // ids of the same millisecond are in no order
			if strings.Join(got, " ") != c.want {
				t.Errorf("%+v: %q, want %q", c.find, got, c.want)
			}
		}
	})
}

// S0.3, S3.7: whatever the length of a page, everybody who fits in one way or in
// several is on exactly one of them, in the same order; nobody who was removed is.
func TestSearchByPages(t *testing.T) {
	inEach(t, func(t *testing.T, w *world) {
		w.exists("12345", "zed", "", "")
		w.exists("zoe", "12345 is me", "", "12345")
		w.exists("12345.x", "12345", "", "")
		w.exists("12345.y", "12345", "", "67890")
		w.exists("x@y", "12345", "12345@x", "") // no name, but keys are only compared
		w.exists("yan", "12345", "", "")
		w.exists("xu", "123456", "", "")
		w.exists("xi", "1234", "", "")
		gone := account("12345gone")
		gone.DeletedAt = gone.CreatedAt
		if _, err := w.Create(w.ctx, chat.SignUp{Account: gone, Device: device(gone.ID, "d", chat.Web)}); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			find chat.UserQuery
			want string
		}{
			{chat.UserQuery{Prefix: "12345", Phone: "12345"}, "zoe 12345 12345.x 12345.y x@y yan xu"},
			{chat.UserQuery{Email: "12345@x", Phone: "12345"}, "x@y zoe"},
			{chat.UserQuery{Prefix: "12345@x", Email: "12345@x"}, "x@y"},
			{chat.UserQuery{Prefix: "z"}, "zoe 12345"},
		} {
			for limit := range 9 {
				c.find.Limit = limit + 1
				if got := strings.Join(w.pages(c.find, 10), " "); got != c.want {
					t.Errorf("%+v: %s; want %s", c.find, got, c.want)
				}
			}
		}
		for limit := range 9 {
			all := w.pages(chat.UserQuery{Limit: limit + 1}, 10)
			slices.Sort(all)
			if got := strings.Join(all, " "); got != "12345 12345.x 12345.y x@y xi xu yan zoe" {
				t.Errorf("everybody by %d: %s", limit+1, got)
			}
		}
	})
}

// exists signs somebody up whose names are their own normal forms.
func (w *world) exists(username, nickname, email, phone string) {
	w.t.Helper()
	a := account(username)
	a.NicknameKey, a.EmailKey, a.Phone = nickname, email, phone
	if _, err := w.Create(w.ctx, chat.SignUp{Account: a, Device: device(a.ID, "d", chat.Web)}); err != nil {
		w.t.Fatal(err)
	}
}

// pages follows a search to its end, and returns the user names.
func (w *world) pages(find chat.UserQuery, most int) (names []string) {
	w.t.Helper()
	for range most {
		page, next, err := w.Search(w.ctx, find)
		if err != nil || len(page) > find.Limit || next != "" && len(page) < find.Limit {
			w.t.Fatalf("%+v: %d users, next %q, %v", find, len(page), next, err)
		}
		for _, u := range page {
			names = append(names, u.Username)
		}
		if next == "" {
			return names
		}
		find.After = next
	}
	w.t.Fatalf("%+v: over %d pages", find, most)
	return nil
}

// multitude fills a database with 100,000 users, half of whose names begin with "u".
func multitude(tb testing.TB, db *store.DB) *store.Accounts {
	tb.Helper()
	accounts := store.NewAccounts(db)
	for chunk := range 200 {
		batch := make([]chat.Account, 500)
		for i := range batch {
			n := chunk*500 + i
			a := account(fmt.Sprintf("%c%06d", "uvu"[n%2], n))
			a.NicknameKey = fmt.Sprintf("%c%06d", "uuwx"[n%4], n%1000)
			a.EmailKey, a.Phone = fmt.Sprintf("user%d@example.org", n), fmt.Sprintf("+86%09d", n)
			batch[i] = a
		}
		if _, err := accounts.CreateAll(tb.Context(), batch); err != nil {
			tb.Fatal(err)
		}
	}
	return accounts
}

// BenchmarkSearch finds people among 100,000. An op is one page of fifty.
func BenchmarkSearch(b *testing.B) {
	for dialect, open := range map[string]func(testing.TB) *store.DB{"sqlite": SQLite, "mariadb": MariaDB} {
		b.Run(dialect, func(b *testing.B) {
			accounts := multitude(b, open(b))
			for name, find := range map[string]chat.UserQuery{
				"everybody":       {},
				"a letter":        {Prefix: "u"},
				"halfway":         {Prefix: "u", After: cursor(b, accounts, "u", 25_000)},
				"nicknames begin": {Prefix: "u", After: cursor(b, accounts, "u", 49_990)},
				"nicknames go on": {Prefix: "u", After: cursor(b, accounts, "u", 60_000)},
				"a nickname":      {Prefix: "w00040"},
				"a name":          {Prefix: "u050000"},
				"a number":        {Prefix: "+86000050000", Phone: "+86000050000"},
				"an address":      {Prefix: "user50000@example.org", Email: "user50000@example.org"},
				"nobody":          {Prefix: "q"},
			} {
				find.Limit = 50
				b.Run(name, func(b *testing.B) {
					for b.Loop() {
						if _, _, err := accounts.Search(b.Context(), find); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		})
	}
}

// cursor is that of the page after so many users.
func cursor(b *testing.B, accounts *store.Accounts, prefix string, after int) string {
	b.Helper()
	_, next, err := accounts.Search(b.Context(), chat.UserQuery{Prefix: prefix, Limit: after})
	if err != nil {
		b.Fatal(err)
	}
	return next
}
