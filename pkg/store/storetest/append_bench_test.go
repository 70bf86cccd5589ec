package storetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/store"
)

// BenchmarkAppend commits batches of messages to fifty conversations. An op is
// one message.
func BenchmarkAppend(b *testing.B) {
	for dialect, open := range map[string]func(testing.TB) *store.DB{"sqlite": SQLite, "mariadb": MariaDB} {
		for _, size := range []int{1, 10, 100, 500} {
			b.Run(fmt.Sprint(dialect, "/", size), func(b *testing.B) {
				db := open(b)
				messages := store.NewMessages(db)
				people, pairs := benchPairs(b, db, 50)
				text := strings.Repeat("All work and no play. ", 4)
				n := int64(0)
				b.ReportAllocs()
				b.ResetTimer()
				for done := 0; done < b.N; done += size {
					batch := make([]*chat.Pending, min(size, b.N-done))
					for i := range batch {
						one := (done + i) % len(people)
						batch[i] = says(people[one], pairs[one], chat.NewID(), text)
					}
					n++
					if err := messages.Append(b.Context(), "bench", n, batch); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// benchPairs makes people, and the conversation of each with the next one.
func benchPairs(b *testing.B, db *store.DB, many int) (people []chat.User, pairs []chat.ConversationID) {
	accounts := make([]chat.Account, many)
	for i := range accounts {
		accounts[i] = account(fmt.Sprint("user", i))
		people = append(people, accounts[i].User)
	}
	if _, err := store.NewAccounts(db).CreateAll(b.Context(), accounts); err != nil {
		b.Fatal(err)
	}
	for i := range people {
		c, err := store.NewMessages(db).OpenDirect(b.Context(), people[i].ID, people[(i+1)%many].ID)
		if err != nil {
			b.Fatal(err)
		}
		pairs = append(pairs, c.ID)
	}
	return people, pairs
}
