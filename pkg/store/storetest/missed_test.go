package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// shown is what of a conversation was missed: the seqs, and the gap before them.
func shown(m chat.Missed) string {
	s := seqs(m.Messages)
	if len(m.Messages) > 6 {
		s = fmt.Sprintf("[%d ... %d: %d]", m.Messages[0].Seq, m.Messages[len(m.Messages)-1].Seq, len(m.Messages))
	}
	if m.Gap {
		s += fmt.Sprintf(" gap after %d", m.After)
	}
	return s
}

func TestMissedSinceATime(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		u := k.people("ann", "bob")
		c := k.direct(u[0], u[1])
		var at []time.Time // of each batch of three
		for range 4 {
			at = append(at, k.chatter(u[0], c.ID, 3)[0].At)
		}
		for _, q := range []struct {
			since time.Time
			most  int
			want  string
		}{
			{at[3].Add(time.Microsecond), 100, "[]"},
			{at[3], 100, "[10 11 12]"}, // those of the very time are missed
			{at[2].Add(time.Microsecond), 100, "[10 11 12]"},
			{at[2].In(time.FixedZone("Shanghai", 8*3600)), 100, "[7 8 9 10 11 12]"},
			{at[2], 6, "[7 8 9 10 11 12]"}, // exactly as many: no gap
			{at[2], 5, "[8 9 10 11 12] gap after 6"},
			{at[2], 1, "[12] gap after 6"},
			{at[0], 2, "[11 12] gap after 0"},
			{at[0].Add(-time.Hour), 12, "[1 ... 12: 12]"},
			{time.Time{}, 11, "[2 ... 12: 11] gap after 0"},
		} {
			for _, who := range u { // what one said oneself is missed like the rest: another device said it
				all, err := k.Missed(k.ctx, who.ID, q.since, q.most)
				wants(t, err, "")
				if q.want == "[]" && len(all) != 0 || q.want != "[]" && (len(all) != 1 || shown(all[0]) != q.want || all[0].Conversation != c.ID) {
					t.Errorf("%s: since %v, most %d: have %+v, want %s", who.Username, q.since, q.most, all, q.want)
				}
			}
		}
	})
}

// More than is read at a time.
func TestMissedOverManyPages(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		u := k.people("ann", "bob")
		c := k.direct(u[0], u[1])
		var at []time.Time
		for range 4 { // 450 of 600 are missed: a page ends within each of the times
			at = append(at, k.chatter(u[0], c.ID, 150)[0].At)
		}
		for most, want := range map[int]string{
			1000: "[151 ... 600: 450]", 450: "[151 ... 600: 450]", 449: "[152 ... 600: 449] gap after 150", 200: "[401 ... 600: 200] gap after 150",
			201: "[400 ... 600: 201] gap after 150", 1: "[600] gap after 150",
		} {
			m, err := k.Missed(k.ctx, u[1].ID, at[1], most)
			if err != nil || len(m) != 1 || shown(m[0]) != want {
				t.Errorf("most %d: have %+v, want %s: %v", most, m, want, err)
			}
		}
		for _, c := range []struct {
			since time.Time
			want  string
		}{{at[3], "[451 ... 600: 150]"}, {at[2], "[301 ... 600: 300]"}, {at[0], "[1 ... 600: 600]"}} {
			if m, err := k.Missed(k.ctx, u[1].ID, c.since, 600); err != nil || len(m) != 1 || shown(m[0]) != c.want {
				t.Errorf("have %+v, want %s: %v", m, c.want, err)
			}
		}
	})
}

// Missed names one's direct conversations in which something was said, the
// liveliest last, and nobody else's. The lobby is read by its seqs.
func TestMissedOfWhom(t *testing.T) {
	inEachTalk(t, func(t *testing.T, k *talk) {
		u := k.people("ann", "bob", "cid")
		since := time.Now().Add(-time.Hour)
		ab, ac, aa, bc := k.direct(u[0], u[1]), k.direct(u[0], u[2]), k.direct(u[0], u[0]), k.direct(u[1], u[2])
		k.chatter(u[1], ab.ID, 1)
		k.chatter(u[2], bc.ID, 1)
		k.chatter(u[0], aa.ID, 2)
		k.chatter(u[0], chat.Lobby, 1)
		k.chatter(u[1], ab.ID, 1)
		names := map[chat.ConversationID]string{ab.ID: "ab", ac.ID: "ac", aa.ID: "aa", bc.ID: "bc", chat.Lobby: "lobby"}
		for i, want := range []string{"aa[1 2] ab[1 2] ", "bc[1] ab[1 2] ", "bc[1] "} {
			all, err := k.Missed(k.ctx, u[i].ID, since, 10)
			wants(t, err, "")
			have := ""
			for _, m := range all {
				have += names[m.Conversation] + shown(m) + " "
			}
			if have != want {
				t.Errorf("%s: have %s, want %s", u[i].Username, have, want)
			}
		}
	})
}
