package people_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/people"
	"github.com/tieline/tieline/pkg/store"
	"github.com/tieline/tieline/pkg/store/storetest"
)

// ears notes in one list what the nodes and what the people are told.
type ears struct {
	told []string
	err  error // of telling the nodes
}

func (e *ears) Tell(events []chat.Event) {
	for _, ev := range events {
		e.told = append(e.told, fmt.Sprint(ev.To, " ", ev.Name))
	}
}

func (e *ears) TellRelated(ctx context.Context, pairs []chat.Pair) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	e.told = append(e.told, fmt.Sprint("nodes ", pairs))
	return e.err
}

// take returns what was told since it was asked last.
func (e *ears) take() string {
	defer func() { e.told = nil }()
	return strings.Join(e.told, ", ")
}

// circle is ann, bob and eve.
type circle struct {
	*people.People
	*ears
	t *testing.T
}

func newCircle(t *testing.T) *circle {
	t.Helper()
	db := storetest.SQLite(t)
	for _, name := range []string{"ann", "bob", "eve"} {
		id := chat.UserID(name)
		a := chat.Account{User: chat.User{ID: id, Username: name}, UsernameKey: name}
		if _, err := store.NewAccounts(db).Create(t.Context(), chat.SignUp{Account: a, Device: chat.Device{User: id, ID: "d", Platform: chat.Web}}); err != nil {
			t.Fatal(err)
		}
	}
	e := &ears{}
	return &circle{people.New(store.NewPeople(db), e, e, slog.New(slog.DiscardHandler)), e, t}
}

// wants expects an error of a kind ("": none), and who is told what.
func (c *circle) wants(err error, kind chat.Kind, told string) {
	c.t.Helper()
	if chat.KindOf(err) != kind {
		c.t.Errorf("want %q: %v", kind, err)
	}
	if got := c.take(); got != told {
		c.t.Errorf("told %q\nwant %q", got, told)
	}
}

// S2.2, S2.4, S2.5: whoever is concerned is told of a change, the nodes first, and
// the nodes only of what changes what two people may do.
func TestWhoIsToldOfWhat(t *testing.T) {
	c, ctx := newCircle(t), t.Context()
	r, err := c.Ask(ctx, chat.Asking{From: "ann", To: "bob"})
	c.wants(err, "", "bob friend.requested, ann friend.requested")
	_, err = c.Handle(ctx, "bob", r.ID, chat.RequestRejected, chat.Label{})
	c.wants(err, "", "bob friend.rejected, ann friend.rejected")
	r, err = c.Ask(ctx, chat.Asking{From: "ann", To: "bob"})
	c.wants(err, "", "bob friend.requested, ann friend.requested")
	_, err = c.Handle(ctx, "bob", r.ID, chat.RequestIgnored, chat.Label{})
	c.wants(err, "", "bob friend.ignored")
	_, err = c.Ask(ctx, chat.Asking{From: "ann", To: "bob", Message: "please"})
	c.wants(err, "", "")
	r, err = c.Ask(ctx, chat.Asking{From: "bob", To: "ann"})
	c.wants(err, "", "nodes [{ann bob}], ann friend.accepted, bob friend.accepted")
	if r.State != chat.RequestAccepted || r.From.ID != "ann" {
		t.Errorf("%+v", r)
	}
	_, err = c.ChangeFriend(ctx, "ann", "bob", chat.RelationChange{Tags: []string{"x"}})
	c.wants(err, "", "ann friend.updated")
	c.wants(c.SetBlocked(ctx, "ann", "bob", true), "", "nodes [{ann bob}], ann block.added")
	c.wants(c.SetBlocked(ctx, "ann", "bob", true), "", "nodes [{ann bob}]")
	c.wants(c.SetBlocked(ctx, "ann", "bob", false), "", "nodes [{ann bob}], ann block.removed")
	c.wants(c.RemoveFriend(ctx, "bob", "ann"), "", "nodes [{bob ann}], bob friend.removed, ann friend.removed")
	c.wants(c.RemoveFriend(ctx, "bob", "ann"), chat.NotFriends, "")
	r, err = c.Ask(ctx, chat.Asking{From: "eve", To: "bob"})
	c.wants(err, "", "bob friend.requested, eve friend.requested")
	_, err = c.Handle(ctx, "bob", r.ID, chat.RequestAccepted, chat.Label{})
	c.wants(err, "", "nodes [{eve bob}], eve friend.accepted, bob friend.accepted")
}

// What is committed is told although the caller goes away, and the people are
// told although the nodes are not.
func TestTellingInBadTimes(t *testing.T) {
	c := newCircle(t)
	c.err = errors.New("redis is away")
	c.wants(c.SetBlocked(t.Context(), "ann", "bob", true), "", "nodes [{ann bob}], ann block.added")
	ctx, cancel := context.WithCancel(t.Context())
	db := leaving{store.NewPeople(storetest.SQLite(t)), cancel}
	e := &ears{}
	if err := people.New(db, e, e, nil).SetBlocked(ctx, "ann", "bob", true); err != nil || ctx.Err() == nil || e.take() != "nodes [{ann bob}]" {
		t.Error(err)
	}
}

// leaving is a directory whose caller goes away once it has committed.
type leaving struct {
	*store.People
	cancel func()
}

func (l leaving) SetBlocked(context.Context, chat.UserID, chat.UserID, bool) ([]chat.Event, error) {
	l.cancel()
	return nil, nil
}

// wrong is the field that an error is about, and what is wrong with it.
func wrong(err error) string {
	var e *chat.Error
	if !errors.As(err, &e) || e.Kind != chat.Invalid || len(e.Fields) != 1 {
		return fmt.Sprint(err)
	}
	return e.Fields[0].Field + " " + e.Fields[0].Code
}

func TestWhatMayBeNoted(t *testing.T) {
	c, ctx := newCircle(t), t.Context()
	tags := func(n int) (out []string) {
		for i := range n {
			out = append(out, fmt.Sprint(i))
		}
		return out
	}
	for name, test := range map[string]struct {
		chat.Asking
		want string
	}{
		"oneself":        {chat.Asking{To: "ann"}, "user self"},
		"a long message": {chat.Asking{Message: strings.Repeat("漢", 256)}, "message too_long"},
		"two lines":      {chat.Asking{Message: "a\nb"}, "message format"},
		"a long remark":  {chat.Asking{Label: chat.Label{Remark: strings.Repeat("😀", 65)}}, "remark too_long"},
		"a hidden one":   {chat.Asking{Label: chat.Label{Remark: "a\u202eb"}}, "remark format"},
		"many tags":      {chat.Asking{Label: chat.Label{Tags: tags(21)}}, "tags too_many"},
		"an empty tag":   {chat.Asking{Label: chat.Label{Tags: []string{" "}}}, "tags required"},
		"a long tag":     {chat.Asking{Label: chat.Label{Tags: []string{strings.Repeat("x", 33)}}}, "tags too_long"},
		"broken text":    {chat.Asking{Label: chat.Label{Tags: []string{"\xff"}}}, "tags format"},
	} {
		ask := test.Asking
		if ask.From = "ann"; ask.To == "" {
			ask.To = "bob"
		}
		if _, err := c.Ask(ctx, ask); wrong(err) != test.want {
			t.Errorf("%s: %v", name, err)
		}
		if name == "oneself" || ask.Message != "" {
			continue
		}
		if _, err := c.Handle(ctx, "ann", "any", chat.RequestAccepted, ask.Label); wrong(err) != test.want {
			t.Errorf("%s, accepting: %v", name, err)
		}
		if _, err := c.ChangeFriend(ctx, "ann", "bob", chat.RelationChange{Remark: &ask.Remark, Tags: ask.Tags}); wrong(err) != test.want {
			t.Errorf("%s, changing: %v", name, err)
		}
	}
	if err := c.SetBlocked(ctx, "ann", "ann", true); wrong(err) != "user self" {
		t.Error(err)
	}
	c.wants(nil, "", "")
	longest := chat.Asking{From: "ann", To: "bob", Message: " " + strings.Repeat("漢", 255), Label: chat.Label{
		Remark: strings.Repeat("😀", 64) + " ", Tags: append(tags(19), strings.Repeat("é", 32), "0 ", "1"),
	}}
	r, err := c.Ask(ctx, longest)
	c.wants(err, "", "bob friend.requested, ann friend.requested")
	_, err = c.Handle(ctx, "bob", r.ID, chat.RequestAccepted, chat.Label{})
	if err != nil || r.Message != longest.Message[1:] {
		t.Errorf("%+v, %v", r, err)
	}
	got, err := c.Relation(ctx, "ann", "bob")
	if err != nil || got.Remark != strings.Repeat("😀", 64) || len(got.Tags) != 20 || got.Tags[0] != "0" {
		t.Errorf("%+v, %v", got, err)
	}
}

// Pages are as long as asked for, and say where the next one begins.
func TestPages(t *testing.T) {
	c, ctx := newCircle(t), t.Context()
	for _, other := range []chat.UserID{"ann", "bob"} {
		if err := c.SetBlocked(ctx, "eve", other, true); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		cursor string
		limit  int
		want   string
	}{{"", 5, "[ann bob] "}, {"", 2, "[ann bob] "}, {"", 1, "[ann] ann"}, {"ann", 1, "[bob] "}, {"zzz", 9, "[] "}} {
		page, next, err := c.Blocks(ctx, "eve", test.cursor, test.limit)
		ids := []chat.UserID{}
		for _, b := range page {
			ids = append(ids, b.ID)
		}
		if got := fmt.Sprint(ids, " ", next); err != nil || got != test.want {
			t.Errorf("%q, %d: %s, %v; want %s", test.cursor, test.limit, got, err, test.want)
		}
	}
	for _, cursor := range []string{"'", "A", "-", "\x00", strings.Repeat("a", 65)} {
		_, _, err := c.Blocks(ctx, "eve", cursor, 1)
		_, _, err2 := c.Friends(ctx, "eve", cursor, 1)
		_, _, err3 := c.Requests(ctx, "eve", true, cursor, 1)
		for _, err := range []error{err, err2, err3} {
			if wrong(err) != "cursor format" {
				t.Errorf("%q: %v", cursor, err)
			}
		}
	}
}
