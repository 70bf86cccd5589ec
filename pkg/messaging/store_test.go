package messaging

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/store"
	"github.com/tieline/tieline/pkg/store/storetest"
	"github.com/tieline/tieline/pkg/testserver"
)

// onEach runs a test with the URL of an empty database of each dialect.
func onEach(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, "sqlite://"+filepath.Join(t.TempDir(), "tieline.db")) })
	t.Run("mariadb", func(t *testing.T) { test(t, testserver.Database(t)) })
}

// runs starts a Messenger on a database, which ends with the test.
func runs(t testing.TB, url, boot string, c Courier) (*Messenger, *store.Messages) {
	t.Helper()
	messages := store.NewMessages(storetest.Open(t, url))
	m := New(messages, c, Options{Boot: boot, Log: quiet})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := m.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	return m, messages
}

// signUp makes an account for each name.
func signUp(t testing.TB, url string, names ...string) []chat.Person {
	t.Helper()
	accounts := store.NewAccounts(storetest.Open(t, url))
	var people []chat.Person
	for _, name := range names {
		u := chat.User{ID: chat.UserID(chat.NewID()), Username: name, Nickname: name, CreatedAt: time.Now()}
		d := chat.Device{User: u.ID, ID: "d1", Platform: chat.Web}
		if _, err := accounts.Create(t.Context(), chat.SignUp{Account: chat.Account{User: u, UsernameKey: name, NicknameKey: name}, Device: d}); err != nil {
			t.Fatal(err)
		}
		people = append(people, u.Person())
	}
	return people
}

// soon waits until something is so.
func soon(t testing.TB, what string, so func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for tick := time.NewTicker(5 * time.Millisecond); !so(); {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("not in time:", what)
		}
	}
}

// said is a message that somebody means to send, and the answer.
type said struct {
	Outgoing
	Sent
	err error
}

// means are the messages of one person, to the lobby and to a friend in turn.
func means(from chat.Person, friend chat.UserID, many int) []*said {
	out := make([]*said, many)
	for i := range out {
		to := chat.Target{Room: chat.Lobby}
		if i%2 == 1 {
			to = chat.Target{User: friend}
		}
		out[i] = &said{Outgoing: Outgoing{
			From: from, Session: chat.SessionID("of " + from.ID), ClientID: fmt.Sprint(i), To: to, Draft: chat.Draft{Kind: chat.Text, Text: fmt.Sprint("text ", i)},
		}}
	}
	return out
}

// submitAll sends messages one after the other without waiting for answers in
// between, and returns when all are there.
func submitAll(m *Messenger, list []*said, answered func()) {
	var wg sync.WaitGroup
	for _, s := range list {
		wg.Add(1)
		m.Submit(context.Background(), s.Outgoing, func(sent Sent, err error) {
			s.Sent, s.err = sent, err
			answered()
			wg.Done()
		})
	}
	wg.Wait()
}

// Two nodes, a Redis that fails now and then: what is answered is kept and
// delivered, once, in the order in which it was said; and a repeat on the other
// node is answered as the first.
func TestTwoNodesOneHistory(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		c := newCourier(t)
		c.setAlive("n1", "n2")
		n1, messages := runs(t, url, "n1", c)
		n2, _ := runs(t, url, "n2", c)
		people := signUp(t, url, "ann", "bob", "cid", "dan", "eve", "fay")
		var calls, answers atomic.Int64
		c.hook(func(batch []chat.Delivery, _ int) (int, error) {
			if calls.Add(1)%7 == 3 {
				return len(batch) / 2, errDown
			}
			return 0, nil
		})
		all := make([][]*said, len(people))
		var wg sync.WaitGroup
		for i, p := range people {
			all[i] = means(p, people[(i+1)%len(people)].ID, 120)
			wg.Go(func() {
				submitAll([]*Messenger{n1, n2}[i%2], all[i], func() { c.setUp(answers.Add(1)/100%2 == 0) })
			})
		}
		wg.Wait()
		c.setUp(true)
		n1.Nudge()
		n2.Nudge()
		for i, p := range people {
			again := means(p, people[(i+1)%len(people)].ID, 120)
			submitAll([]*Messenger{n2, n1}[i%2], again, func() {})
			for j, s := range again {
				if first := all[i][j]; s.err != nil || first.err != nil || s.Seq != first.Seq || !s.At.Equal(first.At) || s.Conversation != first.Conversation {
					t.Fatalf("%s %s: %+v, %v, then %+v, %v", p.Username, s.ClientID, first.Sent, first.err, s.Sent, s.err)
				}
			}
		}
		soon(t, "the outbox is empty", func() bool {
			nodes, err := messages.LeftoverNodes(t.Context())
			return err == nil && len(nodes) == 0
		})
		c.hook(nil)
		checkDelivered(t, c, all)
	})
}

// checkDelivered fails the test unless everything said was delivered once, and
// each person's messages of a conversation in their order.
func checkDelivered(t *testing.T, c *courier, all [][]*said) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	last, total := map[string]int64{}, 0
	for _, d := range c.queue {
		who := fmt.Sprint(d.From.ID, d.Conversation)
		if d.Seq <= last[who] {
			t.Errorf("%s %s: %d was delivered after %d", d.From.Username, d.Conversation, d.Seq, last[who])
		}
		last[who] = d.Seq
	}
	for _, list := range all {
		for _, s := range list {
			if total++; !c.had[chat.MessageID(s.Conversation, s.Seq)] {
				t.Errorf("%s of %s was not delivered: %+v", s.ClientID, s.From.Username, s.Sent)
			}
		}
	}
	if total != len(c.queue) {
		t.Errorf("%d were said, %d delivered", total, len(c.queue))
	}
}

// A row that the database refuses leaves the rest of its batch alone.
func TestABadRowAmongGoodOnes(t *testing.T) {
	url := testserver.Database(t)
	c := newCourier(t)
	m, messages := runs(t, url, "n1", c)
	list := means(signUp(t, url, "ann")[0], "", 120)
	for i, s := range list {
		s.To = chat.Target{Room: chat.Lobby}
		if i%40 == 7 {
			s.From.ID = chat.UserID(strings.Repeat("x", 65)) // too long for its column
		}
	}
	submitAll(m, list, func() {})
	seq := int64(0)
	for i, s := range list {
		if i%40 == 7 {
			if chat.KindOf(s.err) != chat.Invalid {
				t.Errorf("%d: %+v, %v", i, s.Sent, s.err)
			}
			continue
		}
		if seq++; s.err != nil || s.Seq != seq || !s.Live {
			t.Errorf("%d: %+v, %v, want seq %d", i, s.Sent, s.err, seq)
		}
	}
	if kept, err := messages.Conversation(t.Context(), chat.Lobby); err != nil || kept.LastSeq != 117 {
		t.Errorf("%+v, %v", kept, err)
	}
}

// The database is killed in the middle of it and comes back: what was answered
// is kept, what is sent again is there once, and all that is there is delivered.
func TestTheDatabaseIsKilled(t *testing.T) {
	server := testserver.MariaDB(t)
	c := newCourier(t)
	m, messages := runs(t, server.URL(), "me", c)
	people := signUp(t, server.URL(), "ann", "bob", "cid", "dan")
	const each = 250
	var answers atomic.Int64
	half := make(chan struct{})
	all := make([][]*said, len(people))
	var wg sync.WaitGroup
	for i, p := range people {
		all[i] = means(p, people[(i+1)%len(people)].ID, each)
		wg.Go(func() {
			for _, s := range all[i] {
				sayUntilKept(t, m, s)
				if answers.Add(1) == each*int64(len(people))/2 {
					close(half)
				}
			}
		})
	}
	<-half
	server.Kill()
	server.Start()
	wg.Wait()
	soon(t, "all is delivered", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.queue) == each*len(people)
	})
	checkKept(t, messages, all)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, list := range all {
		for _, s := range list {
			if !c.had[chat.MessageID(s.Conversation, s.Seq)] {
				t.Errorf("%s of %s was not delivered", s.ClientID, s.From.Username)
			}
		}
	}
}

// sayUntilKept repeats a send as clients do.
func sayUntilKept(t *testing.T, m *Messenger, s *said) {
	for range 2000 {
		s.Sent, s.err = m.Send(t.Context(), s.Outgoing)
		if !chat.KindOf(s.err).Retryable() {
			break
		}
		<-time.After(10 * time.Millisecond)
	}
	if s.err != nil {
		t.Errorf("%s of %s: %v", s.ClientID, s.From.Username, s.err)
	}
}

// checkKept fails the test unless the histories hold exactly what was said,
// where the answers say.
func checkKept(t *testing.T, messages *store.Messages, all [][]*said) {
	t.Helper()
	want := map[chat.ConversationID]map[int64]string{}
	for _, list := range all {
		for _, s := range list {
			if want[s.Conversation] == nil {
				want[s.Conversation] = map[int64]string{}
			}
			want[s.Conversation][s.Seq] = s.From.Username + " " + s.Draft.Text
		}
	}
	for id, places := range want {
		conversation, err := messages.Conversation(t.Context(), id)
		if err != nil || conversation.LastSeq != int64(len(places)) {
			t.Fatalf("%d messages, %+v, %v", len(places), conversation, err)
		}
		list, err := messages.History(t.Context(), conversation, 0, 0, len(places)+1)
		if err != nil {
			t.Fatal(err)
		}
		var wrong []string
		for i, m := range list {
			if m.Seq != int64(i+1) || places[m.Seq] != m.From.Username+" "+m.Text {
				wrong = append(wrong, fmt.Sprintf("%d: %s %s, want %s", m.Seq, m.From.Username, m.Text, places[m.Seq]))
			}
		}
		if len(wrong) > 0 || len(list) != len(places) {
			t.Errorf("%d of %d:\n%s", len(list), len(places), strings.Join(wrong, "\n"))
		}
	}
}
