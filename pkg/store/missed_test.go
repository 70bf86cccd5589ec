package store

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// The clocks of two nodes differ: times do not rise as seqs do. From the first
// message that is not older than the time asked for on, everything is missed.
func TestMissedAcrossClocks(t *testing.T) {
	eachDialect(t, func(t *testing.T, db *DB) {
		ctx := context.Background()
		noon := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
		var rows []messageRow
		for i, seconds := range []int{0, 10, 5, 20, 15} {
			rows = append(rows, messageRow{
				ConversationID: chat.Lobby, Seq: int64(i + 1), SenderID: "ann", ClientID: []byte{byte(i)}, Digest: make([]byte, 16), Kind: chat.Text,
				At: noon.Add(time.Duration(seconds) * time.Second),
			})
		}
		if _, err := db.bun.NewInsert().Model(&rows).Exec(ctx); err != nil {
			t.Fatal(err)
		}
		lobby := chat.Conversation{ID: chat.Lobby, LastSeq: int64(len(rows))}
		for _, c := range []struct {
			since, most int
			want        string
		}{
			{0, 9, "[1 2 3 4 5] false"}, {1, 9, "[2 3 4 5] false"}, {10, 9, "[2 3 4 5] false"}, {11, 9, "[4 5] false"}, {16, 9, "[4 5] false"}, {21, 9, "[] false"},
			{10, 3, "[3 4 5] true 1"}, {0, 2, "[4 5] true 0"},
		} {
			m, err := NewMessages(db).missedOf(ctx, lobby, noon.Add(time.Duration(c.since)*time.Second), c.most)
			if err != nil {
				t.Fatal(err)
			}
			var seqs []int64
			for _, one := range m.Messages {
				seqs = append(seqs, one.Seq)
			}
			got := fmt.Sprint(seqs, " ", m.Gap)
			if m.Gap {
				got += fmt.Sprint(" ", m.After)
			}
			if got != c.want {
				t.Errorf("since %d, most %d: have %s, want %s", c.since, c.most, got, c.want)
			}
		}
	})
}
