package store

import (
	"context"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// What was said a while ago stands.
func TestRecallingComesTooLate(t *testing.T) {
	eachDialect(t, func(t *testing.T, db *DB) {
		ctx := context.Background()
		if err := db.Migrate(ctx); err != nil {
			t.Fatal(err)
		}
		rows := []messageRow{
			{ConversationID: chat.Lobby, Seq: 1, SenderID: "ann", ClientID: []byte("1"), Digest: make([]byte, 16), Kind: chat.Text, Body: "old", At: now().Add(-chat.RecallWithin - time.Second)},
			{ConversationID: chat.Lobby, Seq: 2, SenderID: "ann", ClientID: []byte("2"), Digest: make([]byte, 16), Kind: chat.Text, Body: "new", At: now().Add(-chat.RecallWithin + time.Minute)},
		}
		ann := newUserRow(&chat.Account{User: chat.User{ID: "ann", Username: "ann", CreatedAt: now()}, UsernameKey: "ann"})
		for _, model := range []any{&rows, &ann} {
			if _, err := db.bun.NewInsert().Model(model).Exec(ctx); err != nil {
				t.Fatal(err)
			}
		}
		m := NewMessages(db)
		if _, _, err := m.Recall(ctx, "ann", chat.Lobby, 1); chat.KindOf(err) != chat.Forbidden {
			t.Error(err)
		}
		if _, _, err := m.Recall(ctx, "ann", chat.Lobby, 2); err != nil {
			t.Error(err)
		}
	})
}
