package main_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
)

// connects dials with the SDK as a device of a story, and passes on what it
// hears.
func connects(t *testing.T, d *device, first string) (*client.Client, <-chan client.Message) {
	t.Helper()
	urls := []string{d.s.Node(first).URL()}
	for _, n := range d.s.nodes {
		if n.id != first {
			urls = append(urls, n.URL())
		}
	}
	heard := make(chan client.Message, 1024)
	ctx, cancel := d.deadline()
	defer cancel()
	c, err := client.Dial(ctx, client.Options{
		URLs: urls, AccessToken: d.grant.AccessToken, Device: d.id, Backoff: client.Backoff{Min: 50 * time.Millisecond, Max: time.Second},
		Handler: client.Handler{Message: func(m client.Message) { heard <- m }},
	})
	if err != nil {
		t.Fatalf("%s: %v", d, err)
	}
	t.Cleanup(func() { c.Close() })
	return c, heard
}

// The SDK alone carries two people over the loss of every part, one after the
// other: everything is kept, heard once, in order.
func TestSDKOverTheLossOfEveryPart(t *testing.T) {
	t.Parallel()
	s := newStory(t, ownDatabase())
	alice, bob := s.User("alice"), s.User("bob")
	says, _ := connects(t, alice.device, "n1")
	_, hears := connects(t, bob.device, "n2")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	said := int64(0)
	speak := func(n int) {
		for range n {
			said++
			ack, err := says.Send(ctx, chat.Target{User: bob.ID}, chat.Draft{Kind: chat.Text, Text: fmt.Sprint(said)})
			if err != nil || ack.Seq != said {
				t.Fatalf("message %d: seq %d, %v", said, ack.Seq, err)
			}
		}
	}
	for _, breaks := range []func(){
		func() {},
		s.Node("n2").Kill,
		s.Node("n2").Start,
		s.Redis.RedisServer.Flush,
		s.Node("n1").Kill,
		s.Node("n1").Start,
		s.Redis.RedisServer.Kill,
		s.Redis.RedisServer.Start,
		func() { s.Database.Kill(); s.Database.Start() },
	} {
		breaks()
		speak(20)
	}
	for want := range said {
		select {
		case m := <-hears:
			if m.Seq != want+1 || m.Text != fmt.Sprint(want+1) {
				t.Fatalf("heard %q, seq %d (late: %v), want %d", m.Text, m.Seq, m.Late, want+1)
			}
		case <-ctx.Done():
			t.Fatalf("message %d of %d did not come", want+1, said)
		}
	}
}
