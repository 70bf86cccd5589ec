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
				messages := store.NewMessages(open(b))
				text := strings.Repeat("All work and no play. ", 4)
				n := int64(0)
				b.ReportAllocs()
				b.ResetTimer()
				for done := 0; done < b.N; done += size {
					batch := make([]*chat.Pending, min(size, b.N-done))
					for i := range batch {
						from := chat.User{ID: chat.UserID(fmt.Sprint("user", i%50))}
						batch[i] = says(from, chat.ConversationID(fmt.Sprint("room", (done+i)%50)), chat.NewID(), text)
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
