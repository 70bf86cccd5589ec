package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
)

// MakesCodes makes one-time codes on a node, which no log may show.
func (u *User) MakesCodes(n *node, o client.CodeOrder) []string {
	u.s.t.Helper()
	ctx, cancel := u.deadline()
	defer cancel()
	codes, err := n.api(u.grant.AccessToken).CreateCodes(ctx, o)
	if err != nil || len(codes) != max(o.Count, 1) {
		u.s.t.Fatalf("%s made %d codes: %v", u.name, len(codes), err)
	}
	u.s.keepSecret(codes...)
	return codes
}

// atOnce does something many times at the same time, taking turns between the
// nodes, and returns what became of each.
func (s *story) atOnce(many int, do func(i int, n *node) error) []error {
	errs := make([]error, many)
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() { errs[i] = do(i, s.nodes[i%len(s.nodes)]) })
	}
	all.Wait()
	return errs
}

// exactlyOne returns which of many succeeded; all others were refused with a code.
func (s *story) exactlyOne(code chat.Kind, errs []error) int {
	s.t.Helper()
	won := -1
	for i, err := range errs {
		switch {
		case err == nil && won >= 0:
			s.t.Fatalf("%d and %d succeeded, where one may", won, i)
		case err == nil:
			won = i
		case chat.KindOf(err) != code:
			s.t.Fatalf("%d: %v, want it to be refused with %s", i, err, code)
		}
	}
	if won < 0 {
		s.t.Fatal("nobody succeeded")
	}
	return won
}

// S3.2, S3.6: a VIP code works once, however many redeem it at the same time on
// whichever nodes; what several give adds up; and every node shows until when.
func TestAVIPCodeWorksOnceInTheWholeCluster(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	root := s.Admin("root")
	codes := root.MakesCodes(s.Node("n1"), client.CodeOrder{Kind: chat.VIPCode, Count: 3, VIPDays: 30, TTL: time.Hour})
	var people []*User
	for i := range 30 {
		people = append(people, s.User(fmt.Sprint("user", i)))
	}
	winner := people[s.exactlyOne(chat.CodeInvalid, s.atOnce(len(people), func(i int, n *node) error {
		_, err := n.api(people[i].grant.AccessToken).RedeemVIP(context.Background(), codes[0])
		return err
	}))]
	for i, err := range s.atOnce(2, func(i int, n *node) error {
		_, err := n.api(winner.grant.AccessToken).RedeemVIP(context.Background(), strings.ToLower(strings.ReplaceAll(codes[1+i], "-", " ")))
		return err
	}) {
		if err != nil {
			t.Errorf("code %d: %v", 1+i, err)
		}
	}
	for _, n := range s.nodes {
		me, err := n.api(winner.grant.AccessToken).Me(t.Context())
		if err != nil || me.VIPUntil == nil {
			t.Fatalf("on %s: %+v, %v", n.id, me, err)
		}
		if days := time.Until(me.VIPUntil.Time).Hours() / 24; days < 89 || days > 90 {
			t.Errorf("on %s, three codes of 30 days last until %v", n.id, me.VIPUntil)
		}
	}
	page, err := s.Node("n2").api(root.grant.AccessToken).Codes(t.Context(), chat.VIPCode, "", 2)
	if err != nil || len(page.Items) != 2 || page.Next == "" || page.Items[0].UsedBy != winner.ID || page.Items[0].UsedAt == nil || page.Items[0].VIPDays != 30 {
		t.Errorf("the codes are listed as %+v, %v", page, err)
	}
	list, _ := json.Marshal(page)
	for _, code := range codes {
		if strings.Contains(string(list), code) {
			t.Errorf("a code is shown again: %s", list)
		}
	}
}

// S3.6: an invitation made over HTTP lets exactly one in, however many sign up
// with it at the same time on whichever nodes.
func TestAnInvitationLetsOneIn(t *testing.T) {
	t.Parallel()
	s := newStory(t, setting("TIELINE_REGISTRATION", "invite"))
	root := s.Admin("root")
	code := root.MakesCodes(s.Node("n2"), client.CodeOrder{Kind: chat.InviteCode})[0]
	const many = 12
	s.exactlyOne(chat.CodeInvalid, s.atOnce(many, func(i int, n *node) error {
		name := fmt.Sprint("guest", i)
		_, err := n.api("").Register(context.Background(), client.Registration{Username: name, Password: "the password of " + name, InviteCode: code})
		return err
	}))
	var all client.Page[client.User]
	s.Node("n1").Asks("GET", "/api/v1/users?query=guest", root.grant.AccessToken, "").into(s, &all)
	if len(all.Items) != 1 {
		t.Errorf("there are %d guests", len(all.Items))
	}
}

// S3.6: whoever tries codes is stopped, as one who tries passwords is.
func TestCodesCannotBeGuessed(t *testing.T) {
	t.Parallel()
	s := newStory(t, setting("TIELINE_LIMIT_LOGINS", "1"))
	alice := s.User("alice")
	alice.eventually("alice may try no more codes", func() bool {
		_, err := alice.API().RedeemVIP(t.Context(), "00000-00000-00000-00000-00000")
		if kind := chat.KindOf(err); kind != chat.CodeInvalid && kind != chat.RateLimited {
			t.Fatal(err)
		}
		return chat.KindOf(err) == chat.RateLimited
	})
}
