package storetest

import (
	"fmt"
	"reflect"
	"sync"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
)

func TestDirectConversations(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		u := k.people("ann", "bob")
		c := k.direct(u[0], u[1])
		a, b := min(u[0].ID, u[1].ID), max(u[0].ID, u[1].ID)
		if c.ID != chat.DirectID(a, b) || !c.Direct || c.A != a || c.B != b || c.LastSeq != 0 || c.LastAt.IsZero() {
			t.Errorf("%+v", c)
		}
		if again := k.direct(u[1], u[0]); !reflect.DeepEqual(again, c) {
			t.Errorf("have %+v, want %+v", again, c)
		}
		if self := k.direct(u[0], u[0]); self.A != u[0].ID || self.B != u[0].ID || !self.Direct {
			t.Errorf("%+v", self)
		}
		for _, peer := range []chat.UserID{"", "nobody", chat.UserID(chat.NewID())} {
			_, err := k.OpenDirect(k.ctx, u[0].ID, peer)
			wants(t, err, chat.NotFound)
			_, err = k.Conversation(k.ctx, chat.DirectID(u[0].ID, peer))
			wants(t, err, chat.NotFound)
		}
		_, err := k.OpenDirect(k.ctx, "nobody", "nobody")
		wants(t, err, chat.NotFound)
		_, err = k.Conversation(k.ctx, "nowhere")
		wants(t, err, chat.NotFound)
	})
}

// Both write to each other for the first time, on every node at once.
func TestOneDirectConversationManyOpeners(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		u := k.people("ann", "bob", "cid")
		var mu sync.Mutex
		var wg sync.WaitGroup
		opened := map[chat.ConversationID]map[string]int{}
		for i := range 36 {
			a, b, messages := u[i%3], u[i/3%3], k.Messages
			if i%2 == 1 {
				messages = k.other
			}
			wg.Go(func() {
				c, err := messages.OpenDirect(k.ctx, a.ID, b.ID)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				if opened[c.ID] == nil {
					opened[c.ID] = map[string]int{}
				}
				opened[c.ID][fmt.Sprintf("%+v", c)]++
			})
		}
		wg.Wait()
		for id, as := range opened {
			if len(as) != 1 {
				t.Errorf("%s was opened as %v", id, as)
			}
		}
		for _, who := range u {
			list, next, err := k.Overviews(k.ctx, who.ID, "", 10)
			if err != nil || len(list) != 4 || next != "" { // with the three of them, and the lobby
				t.Errorf("%s: %+v, %q, %v", who.Username, list, next, err)
			}
		}
	})
}

func TestOverviews(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		u := k.people("ann", "bob", "cid")
		lobby := k.chatter(u[2], chat.Lobby, 2)
		ab, aa := k.direct(u[0], u[1]), k.direct(u[0], u[0])
		k.direct(u[1], u[2])
		k.append(says(u[1], ab.ID, "1", "hi"), says(u[0], ab.ID, "2", "ho"), says(u[1], ab.ID, "3", "there"))
		list, next, err := k.other.Overviews(k.ctx, u[0].ID, "", 10)
		if err != nil || next != "" || len(list) != 3 {
			t.Fatalf("%+v, %q, %v", list, next, err)
		}
		o := list[0]
		if o.ID != ab.ID || o.LastSeq != 3 || o.Unread != 2 || o.ReadSeq != 0 || o.Muted || o.Peer.ID != u[1].ID || o.Peer.Username != "bob" {
			t.Errorf("with bob: %+v", o)
		}
		if l := o.Last; l == nil || l.Seq != 3 || l.Text != "there" || l.From != u[1].Person() || l.To.User != u[0].ID || !l.At.Equal(o.LastAt) {
			t.Errorf("bob's last: %+v", l)
		}
		if o := list[1]; o.ID != aa.ID || o.Last != nil || o.Unread != 0 || o.Peer.ID != u[0].ID {
			t.Errorf("with myself: %+v", o)
		}
		if o := list[2]; o.ID != chat.Lobby || o.Direct || o.Peer.ID != "" || o.Unread != 2 || o.Last == nil || o.Last.To.Room != chat.Lobby || !o.LastAt.Equal(lobby[0].At) {
			t.Errorf("the lobby: %+v", o)
		}
		one, err := k.Overview(k.ctx, u[0].ID, ab.ID)
		if err != nil || !reflect.DeepEqual(one, list[0]) {
			t.Errorf("by itself: %+v, %v", one, err)
		}
		for _, none := range []chat.ConversationID{"nowhere", chat.DirectID(u[1].ID, u[2].ID)} {
			_, err := k.Overview(k.ctx, u[0].ID, none)
			wants(t, err, chat.NotFound)
		}
		if list, next, err := k.Overviews(k.ctx, "nobody", "", 10); err != nil || len(list) != 0 || next != "" {
			t.Errorf("nobody: %+v, %q, %v", list, next, err)
		}
	})
}

// pages reads somebody's whole list by pages of a size.
func (k *talk) pages(u chat.User, size int) (ids []chat.ConversationID) {
	k.t.Helper()
	cursor := ""
	for {
		list, next, err := k.Overviews(k.ctx, u.ID, cursor, size)
		if err != nil {
			k.t.Fatal(err)
		}
		if len(list) > size || next != "" && len(list) < size {
			k.t.Fatalf("a page of %d instead of %d, next %q", len(list), size, next)
		}
		for _, o := range list {
			ids = append(ids, o.ID)
		}
		if cursor = next; next == "" {
			return ids
		}
	}
}

// Pages of any size hold every conversation once, the newest first: those of
// one commit, which have one time, and a lobby where nothing was ever said
// included.
func TestOverviewsByPages(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		ann := k.w.signUp("ann")
		want := []chat.ConversationID{chat.Lobby}
		for round := range 3 {
			var batch []*chat.Pending
			for i := range 4 {
				c := k.direct(ann, k.w.signUp(fmt.Sprint("peer", round, i)))
				batch = append(batch, says(ann, c.ID, chat.NewID(), "x"))
			}
			k.append(batch...)
		}
		list, _, err := k.Overviews(k.ctx, ann.ID, "", 100)
		wants(t, err, "")
		for i, o := range list {
			if i > 0 && (o.LastAt.After(list[i-1].LastAt) || o.LastAt.Equal(list[i-1].LastAt) && o.ID < list[i-1].ID) {
				t.Errorf("%v after %v", o.Conversation, list[i-1].Conversation)
			}
		}
		if len(list) != 13 || list[12].ID != chat.Lobby {
			t.Fatalf("%d conversations, %+v is last", len(list), list[len(list)-1])
		}
		want = want[:0]
		for _, o := range list {
			want = append(want, o.ID)
		}
		for size := 1; size <= 14; size++ {
			if got := k.pages(ann, size); !reflect.DeepEqual(got, want) {
				t.Errorf("by %d: have %v\nwant %v", size, got, want)
			}
		}
		k.chatter(ann, list[7].ID, 1) // what is said goes to the top
		k.chatter(ann, chat.Lobby, 1)
		if got := k.pages(ann, 5); got[0] != chat.Lobby || got[1] != list[7].ID || len(got) != 13 {
			t.Error(got)
		}
	})
}

// A cursor is what a client says it is.
func TestCursorsThatWereNeverGiven(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		ann := k.w.signUp("ann")
		for _, cursor := range []string{
			"x", ".", "..", "0.", "-1.x", "-zzzzzzzzzzz.x", "zzzzzzzzzzz.x", "1y2p0ij32e8e7.x", "-1y2p0ij32e8e8.x", "5yc1z7ep2goko0.x", "0.\xff\x00'", "0.😀",
		} {
			if _, _, err := k.Overviews(k.ctx, ann.ID, cursor, 10); err != nil {
				t.Errorf("%q: %v", cursor, err)
			}
		}
	})
}

func TestUnreadIsOfOthersAndCapped(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		u := k.people("ann", "bob")
		unread := func(who chat.User) int64 {
			o, err := k.Overview(k.ctx, who.ID, chat.Lobby)
			wants(t, err, "")
			return o.Unread
		}
		for range 3 {
			k.chatter(u[0], chat.Lobby, 333)
		}
		if a, b := unread(u[0]), unread(u[1]); a != 0 || b != 999 {
			t.Errorf("ann has %d unread, bob %d", a, b)
		}
		k.chatter(u[0], chat.Lobby, 333)
		k.chatter(u[1], chat.Lobby, 5)
		if a, b := unread(u[0]), unread(u[1]); a != 5 || b != 1000 {
			t.Errorf("ann has %d unread, bob %d", a, b)
		}
		late := k.w.signUp("late") // begins with what is said from now on
		if got := unread(late); got != 0 {
			t.Errorf("%d unread of before", got)
		}
		for _, read := range []int64{1, 1000, 1334, 1337} {
			_, err := k.MarkRead(k.ctx, u[0].ID, chat.Lobby, read)
			wants(t, err, "")
			if got, want := unread(u[0]), min(5, 1337-read); got != want {
				t.Errorf("read to %d: %d unread, want %d", read, got, want)
			}
		}
	})
}

func TestTheReadCursorGoesOn(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		u := k.people("ann", "bob", "cid")
		c := k.direct(u[0], u[1])
		k.chatter(u[0], c.ID, 5)
		for _, s := range []struct {
			seq   int64
			moved bool
			at    int64
		}{{2, true, 2}, {2, false, 2}, {1, false, 2}, {0, false, 2}, {-1, false, 2}, {6, false, 2}, {1 << 62, false, 2}, {5, true, 5}, {3, false, 5}, {6, false, 5}} {
			moved, err := k.other.MarkRead(k.ctx, u[1].ID, c.ID, s.seq)
			o, err2 := k.Overview(k.ctx, u[1].ID, c.ID)
			if err != nil || err2 != nil || moved != s.moved || o.ReadSeq != s.at {
				t.Errorf("to %d: moved %v, at %d: %v, %v", s.seq, moved, o.ReadSeq, err, err2)
			}
		}
		for _, who := range []chat.UserID{u[2].ID, "nobody"} {
			if moved, err := k.MarkRead(k.ctx, who, c.ID, 1); moved || err != nil {
				t.Error("a stranger:", moved, err)
			}
		}
		if moved, err := k.MarkRead(k.ctx, u[0].ID, "nowhere", 1); moved || err != nil {
			t.Error("nowhere:", moved, err)
		}
		if o, err := k.Overview(k.ctx, u[0].ID, c.ID); err != nil || o.ReadSeq != 0 {
			t.Errorf("bob's reading is ann's: %+v, %v", o, err)
		}
	})
}

// Several devices read at once: the cursor ends where the furthest is, and each
// place that it came to was news once.
func TestReadingAtOnce(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		ann := k.w.signUp("ann")
		k.chatter(ann, chat.Lobby, 40)
		var wg sync.WaitGroup
		var mu sync.Mutex
		news := map[int64]int{}
		for device := range int64(4) {
			messages := k.Messages
			if device%2 == 1 {
				messages = k.other
			}
			wg.Go(func() {
				for i := range int64(20) {
					seq := (i*7+device*3)%40 + 1
					moved, err := messages.MarkRead(k.ctx, ann.ID, chat.Lobby, seq)
					if err != nil {
						t.Error(err)
					}
					if moved {
						mu.Lock()
						news[seq]++
						mu.Unlock()
					}
				}
			})
		}
		wg.Wait()
		furthest := int64(0)
		for seq, n := range news {
			furthest = max(furthest, seq)
			if n != 1 {
				t.Errorf("%d was news %d times", seq, n)
			}
		}
		if o, err := k.Overview(k.ctx, ann.ID, chat.Lobby); err != nil || o.ReadSeq != furthest || furthest < 39 {
			t.Errorf("%+v, %v, furthest %d", o, err, furthest)
		}
	})
}
