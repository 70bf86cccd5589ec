package storetest

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/store"
)

func TestAMessageComesBackAsItWas(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		u := k.people("ann", "bob")
		c := k.direct(u[0], u[1])
		p := drafted(u[0], c.ID, "id \x00 漢 😀", chat.Draft{
			Kind: chat.Image, Text: "it's \x00 漢字 😀 \\ ?", Media: "m1", ReplyTo: 7, Mentions: []chat.UserID{u[1].ID, "no\"body"},
		})
		before := time.Now().Add(-time.Second)
		k.append(p)
		if p.Seq != 1 || p.Repeated || p.Err != nil || p.At.Before(before) || p.At.After(time.Now()) {
			t.Fatalf("answer: %+v", p)
		}
		want := p.Message
		want.To.User = u[1].ID
		list := k.all(c.ID)
		if len(list) != 1 || !reflect.DeepEqual(list[0], want) {
			t.Errorf("want %+v\nhave %+v", want, list)
		}
		if now := k.now(c.ID); now.LastSeq != 1 || !now.LastAt.Equal(p.At) {
			t.Errorf("the conversation: %+v", now)
		}
	})
}

// The longest that clients may send, in characters of four bytes that a literal
// has to escape or not.
func TestTheLongestMessageFits(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		ann := k.w.signUp("ann")
		mentions := make([]chat.UserID, chat.MaxMentions)
		for i := range mentions {
			mentions[i] = chat.UserID(strings.Repeat("\x01", 64))
		}
		for i, r := range []string{"😀", "'", "\x00", "x"} {
			d := chat.Draft{Kind: chat.Text, Text: strings.Repeat(r, chat.MaxText), Media: strings.Repeat("m", 64), Mentions: mentions}
			p := drafted(ann, chat.Lobby, strings.Repeat(r, chat.MaxClientID), d)
			wants(t, d.Check(), "")
			k.append(p)
			if list := k.all(chat.Lobby); len(list) != i+1 || !reflect.DeepEqual(list[i].Draft, d) || list[i].ClientID != p.ClientID {
				t.Errorf("%q is not what it was", r)
			}
		}
	})
}

func TestARepeatIsAnsweredAsTheFirst(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		u := k.people("ann", "bob")
		c := k.direct(u[0], u[1])
		first := says(u[0], c.ID, "x", "hello")
		k.append(first, says(u[1], c.ID, "x", "hello")) // another sender's id is another id
		again := says(u[0], c.ID, "x", "hello")
		other := says(u[0], c.ID, "x", "goodbye")
		elsewhere := says(u[0], chat.Lobby, "x", "hello")
		fresh := []*chat.Pending{says(u[0], c.ID, "X", "hello"), says(u[0], c.ID, "x ", "hello"), says(u[1], c.ID, "y", "hello")}
		// Another node, another run, any mixture: what is wrong with some harms none.
		wants(t, k.other.Append(k.ctx, "two", 1, []*chat.Pending{fresh[0], other, fresh[1], again, elsewhere, fresh[2]}), "")
		for _, p := range []*chat.Pending{again, other, elsewhere} {
			if !p.Repeated || p.Seq != 1 || !p.At.Equal(first.At) {
				t.Errorf("%q: %v, %d at %v instead of %v", p.Text, p.Repeated, p.Seq, p.At, first.At)
			}
		}
		wants(t, again.Err, "")
		wants(t, other.Err, chat.Conflict)
		wants(t, elsewhere.Err, chat.Conflict)
		for i, p := range fresh {
			if p.Repeated || p.Err != nil || p.Seq != int64(3+i) {
				t.Errorf("fresh %d: %+v", i, p)
			}
		}
		if got := seqs(k.all(c.ID)); got != "[1 2 3 4 5]" {
			t.Error(got)
		}
		if got := k.lobby().LastSeq; got != 0 {
			t.Errorf("the lobby's head moved to %d for nothing", got)
		}
	})
}

// Repeats of a send that came into the same batch as it did.
func TestTwinsInOneBatch(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		ann := k.w.signUp("ann")
		batch := k.append(
			says(ann, chat.Lobby, "a", "one"), says(ann, chat.Lobby, "a", "one"), says(ann, chat.Lobby, "b", "two"),
			says(ann, chat.Lobby, "a", "not one"), says(ann, chat.Lobby, "b", "two"), says(ann, chat.Lobby, "c", "three"),
		)
		if got, want := answers(batch), "1 1r 2 1r-conflict 2r 3"; got != want {
			t.Errorf("have %s, want %s", got, want)
		}
		if got := seqs(k.all(chat.Lobby)); got != "[1 2 3]" {
			t.Error(got)
		}
	})
}

// What decides is what was committed under an id, not what came first in the
// batch that repeats it.
func TestTwinsOfWhatWasCommittedBefore(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		ann := k.w.signUp("ann")
		k.append(says(ann, chat.Lobby, "a", "one"))
		batch := k.append(
			says(ann, chat.Lobby, "a", "not one"), says(ann, chat.Lobby, "a", "one"), says(ann, chat.Lobby, "a", "not one"),
			says(ann, chat.Lobby, "b", "two"),
		)
		if got, want := answers(batch), "1r-conflict 1r 1r-conflict 2"; got != want {
			t.Errorf("have %s, want %s", got, want)
		}
	})
}

// answers shows the seq of each, "r" for repeated, and what went wrong.
func answers(batch []*chat.Pending) string {
	var out []string
	for _, p := range batch {
		s := fmt.Sprint(p.Seq)
		if p.Repeated {
			s += "r"
		}
		if p.Err != nil {
			s += "-" + string(chat.KindOf(p.Err))
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

// A batch that fails leaves nothing, and no hole for the next.
func TestNothingIsKeptOfABatchThatFails(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		ann := k.w.signUp("ann")
		k.chatter(ann, chat.Lobby, 3)
		lost := []*chat.Pending{says(ann, chat.Lobby, "a", "one"), says(ann, "another", "b", "two")}
		if err := k.Append(k.ctx, "one", k.n, lost); err == nil { // there is a batch of this number
			t.Fatal("the outbox has two batches of one number")
		}
		ended, cancel := context.WithCancel(k.ctx)
		cancel()
		wants(t, k.Append(ended, "one", 99, lost), chat.Unavailable)
		if got := seqs(k.all(chat.Lobby)); got != "[1 2 3]" || k.lobby().LastSeq != 3 {
			t.Error(got, k.lobby().LastSeq)
		}
		_, err := k.Conversation(k.ctx, "another")
		wants(t, err, chat.NotFound)
		if left, err := k.Leftovers(k.ctx, "one", 0, 10); err != nil || len(left) != 1 {
			t.Errorf("%+v, %v", left, err)
		}
		if got := answers(k.append(lost...)); got != "4 0-not_a_member" {
			t.Error(got)
		}
	})
}

// As many as one transaction ever has, each of another conversation, and all of
// them repeated.
func TestTheLargestBatch(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		ann := k.w.signUp("ann")
		const many = 500
		rooms := store.NewRooms(k.db, 1)
		for i := range many {
			_, _, err := rooms.Create(k.ctx, chat.Room{ID: chat.ConversationID(fmt.Sprint("room-", i)), Visibility: chat.Public, Owner: ann.ID}, "")
			wants(t, err, "")
		}
		make := func() []*chat.Pending {
			var batch []*chat.Pending
			for i := range many {
				batch = append(batch, says(ann, chat.ConversationID(fmt.Sprint("room-", (i*7)%many)), fmt.Sprint(i), "hello"))
			}
			return batch
		}
		for round, batch := range [][]*chat.Pending{k.append(make()...), k.append(make()...)} {
			for _, p := range batch {
				if p.Seq != 1 || p.Err != nil || p.Repeated != (round == 1) {
					t.Fatalf("round %d: %+v", round, p)
				}
			}
		}
		left, err := k.Leftovers(k.ctx, "one", 0, 10)
		if err != nil || len(left) != 1 || len(left[0].Ranges) != many {
			t.Fatal(len(left), err)
		}
		if all, err := k.Load(k.ctx, left[0].Ranges); err != nil || len(all) != many {
			t.Error(len(all), err)
		}
	})
}
