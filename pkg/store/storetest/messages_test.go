package storetest

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/store"
	"github.com/tieline/tieline/pkg/testserver"
)

// talk is a database in which people talk, as two nodes see it.
type talk struct {
	*store.Messages                 // of the first node
	other           *store.Messages // of the second
	w               *world
	db              *store.DB
	db2             *store.DB // of the second node
	t               testing.TB
	ctx             context.Context
	n               int64 // batches of the first node so far
}

// inEachTalk runs a test in a new talk of each dialect.
func inEachTalk(t *testing.T, test func(t *testing.T, k *talk)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		test(t, newTalk(t, "sqlite://"+filepath.Join(t.TempDir(), "tieline.db")))
	})
	t.Run("mariadb", func(t *testing.T) { test(t, newTalk(t, testserver.Database(t))) })
}

func newTalk(t *testing.T, url string) *talk {
	t.Helper()
	one, two := Open(t, url), Open(t, url)
	return &talk{
		Messages: store.NewMessages(one), other: store.NewMessages(two),
		w: &world{store.NewAccounts(one), t, t.Context()}, db: one, db2: two, t: t, ctx: t.Context(),
	}
}

// people signs somebody up for each name.
func (k *talk) people(names ...string) []chat.User {
	k.t.Helper()
	out := make([]chat.User, len(names))
	for i, n := range names {
		out[i] = k.w.signUp(n)
	}
	return out
}

// direct opens the conversation of two people.
func (k *talk) direct(a, b chat.User) chat.Conversation {
	k.t.Helper()
	c, err := k.OpenDirect(k.ctx, a.ID, b.ID)
	if err != nil {
		k.t.Fatal(err)
	}
	return c
}

// lobby returns the lobby as it is now.
func (k *talk) lobby() chat.Conversation { return k.now(chat.Lobby) }

// now returns a conversation as it is now.
func (k *talk) now(id chat.ConversationID) chat.Conversation {
	k.t.Helper()
	c, err := k.Conversation(k.ctx, id)
	if err != nil {
		k.t.Fatal(err)
	}
	return c
}

// append commits a batch as the next of the first node.
func (k *talk) append(batch ...*chat.Pending) []*chat.Pending {
	k.t.Helper()
	k.n++
	if err := k.Append(k.ctx, "one", k.n, batch); err != nil {
		k.t.Fatal(err)
	}
	return batch
}

// chatter commits so many messages of one person, in one batch.
func (k *talk) chatter(from chat.User, to chat.ConversationID, many int) []*chat.Pending {
	k.t.Helper()
	batch := make([]*chat.Pending, many)
	for i := range batch {
		batch[i] = says(from, to, chat.NewID(), fmt.Sprint("text ", i))
	}
	return k.append(batch...)
}

// says is a text that waits to be committed.
func says(from chat.User, to chat.ConversationID, client, text string) *chat.Pending {
	return drafted(from, to, client, chat.Draft{Kind: chat.Text, Text: text})
}

func drafted(from chat.User, to chat.ConversationID, client string, d chat.Draft) *chat.Pending {
	p := &chat.Pending{Digest: d.Digest(to)}
	p.Message = chat.Message{Draft: d, Conversation: to, ClientID: client, From: from.Person()}
	return p
}

// all returns everything said in a conversation, which is not much.
func (k *talk) all(id chat.ConversationID) []chat.Message {
	k.t.Helper()
	list, err := k.History(k.ctx, k.now(id), 0, 0, 100_000)
	if err != nil {
		k.t.Fatal(err)
	}
	return list
}

// seqs are the places of messages, for comparing.
func seqs(list []chat.Message) string {
	out := make([]int64, len(list))
	for i := range list {
		out[i] = list[i].Seq
	}
	return fmt.Sprint(out)
}
