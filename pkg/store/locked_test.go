package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/testserver"
)

// Somebody keeps a conversation locked. Its messages are to be sent again later;
// those of others are committed with hardly a wait, and none the second time.
func TestALockedConversationHoldsUpNoOther(t *testing.T) {
	url := testserver.Database(t)
	db, other := openFor(t, url), openFor(t, url)
	ctx := context.Background()
	if err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	there := []memberRow{{UserID: "alice", ConversationID: "a"}, {UserID: "alice", ConversationID: "b"}, {UserID: "alice", ConversationID: "c"}}
	if _, err := db.bun.NewInsert().Model(&there).Exec(ctx); err != nil {
		t.Fatal(err)
	}
	messages, n := NewMessages(db), int64(0)
	appends := func(want ...string) {
		t.Helper()
		n++
		var batch []*chat.Pending
		for _, id := range []chat.ConversationID{"a", "b", "c"} {
			p := &chat.Pending{}
			p.Message = chat.Message{Draft: chat.Draft{Kind: chat.Text, Text: "x"}, Conversation: id, ClientID: chat.NewID(), From: chat.Person{ID: "alice"}}
			batch = append(batch, p)
		}
		twin := *batch[1]
		batch = append(batch, &twin)
		if err := messages.Append(ctx, "node", n, batch); err != nil {
			t.Fatal(err)
		}
		for i, p := range batch {
			got := "kept"
			if p.Err != nil {
				got = string(chat.KindOf(p.Err))
			}
			if got != want[i] {
				t.Errorf("message to %s: %s (%v), want %s", p.Conversation, got, p.Err, want[i])
			}
		}
	}
	appends("kept", "kept", "kept", "kept")
	tx, err := other.bun.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, "UPDATE conversations SET last_seq = last_seq WHERE id = 'b'"); err != nil {
		t.Fatal(err)
	}
	appends("kept", "unavailable", "kept", "unavailable")
	ids := messages.locked.among([]*chat.Pending{{Delivery: chat.Delivery{Message: chat.Message{Conversation: "b"}}}})
	if len(ids) != 1 {
		t.Error("it is forgotten that the conversation is locked")
	}
	appends("kept", "unavailable", "kept", "unavailable")
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	appends("kept", "kept", "kept", "kept")
	var heads []int64
	if err := db.bun.NewRaw("SELECT last_seq FROM conversations WHERE id IN ('a', 'b', 'c') ORDER BY id").Scan(ctx, &heads); err != nil {
		t.Fatal(err)
	}
	if len(heads) != 3 || heads[0] != 4 || heads[1] != 2 || heads[2] != 4 {
		t.Errorf("the heads are %v", heads)
	}
	if len(messages.locked.until) > 0 {
		t.Error("a free conversation is in doubt")
	}
}

// What a node that froze in the middle of a transaction has locked is free soon:
// the server does not wait for it for hours, and the pool keeps nothing that the
// server would end.
func TestAFrozenNodesLocksEnd(t *testing.T) {
	db := openFor(t, testserver.Database(t))
	var wait int
	if err := db.bun.NewRaw("SELECT @@session.wait_timeout").Scan(context.Background(), &wait); err != nil {
		t.Fatal(err)
	}
	if server := time.Duration(wait) * time.Second; server <= keepIdle || server > 30*time.Second {
		t.Errorf("the server waits for %v, the pool keeps an idle connection for %v", server, keepIdle)
	}
}

func TestALockIsNoFaultOfOurs(t *testing.T) {
	if err := fail("test", errLocked); chat.KindOf(err) != chat.Unavailable || !errors.Is(err, errLocked) {
		t.Error(err)
	}
}
