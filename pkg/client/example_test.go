package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os/signal"
	"syscall"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

var nodes = []string{"https://chat-1.example.org", "https://chat-2.example.org"}

// Sign in, say something, and print what others say until interrupted.
func Example() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT)
	defer stop()
	api := client.NewAPI(client.APIOptions{URLs: nodes})
	grant, err := api.Login(ctx, "alice", "correct horse", &client.Place{ID: "laptop", Platform: chat.Desktop})
	if err != nil {
		log.Fatal(err)
	}
	c, err := client.Dial(ctx, client.Options{
		URLs:  nodes,
		Token: client.NewTokens(api, grant, nil).Token,
		Handler: client.Handler{
			Message: func(m client.Message) { fmt.Printf("%s: %s\n", m.From.Username, m.Text) },
			Ended:   func(err error) { log.Print("signed out: ", err); stop() },
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	ack, err := c.Send(ctx, chat.Target{Room: chat.Lobby}, chat.Draft{Kind: chat.Text, Text: "good morning"})
	if err != nil {
		log.Fatal(err)
	}
	log.Print("kept as number ", ack.Seq)
	<-ctx.Done()
}

// A program with an outbox of its own keeps the id beside the text, so that it
// can ask again after anything, its own crash included.
func ExampleClient_SendWithID() {
	deliver := func(ctx context.Context, c *client.Client, id, text string, to chat.UserID) error {
		_, err := c.SendWithID(ctx, id, chat.Target{User: to}, chat.Draft{Kind: chat.Text, Text: text})
		var refused *client.Error
		if errors.As(err, &refused) {
			return fmt.Errorf("not sent, for good: %w", err)
		}
		return err // nil: kept; else unknown: call again with the same id
	}
	_ = deliver
}

// A bot answers every message. Waiting for the ack inside the handler is fine.
func ExampleDial_bot() {
	var c *client.Client
	ready := make(chan struct{})
	answer := func(m client.Message) {
		<-ready
		c.Send(context.Background(), chat.Target{Conversation: m.Conversation}, chat.Draft{Kind: chat.Text, Text: "noted", ReplyTo: m.Seq})
	}
	c, err := client.Dial(context.Background(), client.Options{
		URLs: nodes, AccessToken: "as printed by tieline token", Handler: client.Handler{Message: answer},
	})
	if err != nil {
		log.Fatal(err)
	}
	close(ready)
	<-c.Done()
	log.Print(c.Err())
}

// A test that must see every frame, duplicates included, uses a Raw.
func ExampleDialRaw() {
	ctx := context.Background()
	r, err := client.DialRaw(ctx, client.RawOptions{URL: nodes[0], Token: "access token", Via: client.ViaSubprotocol})
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	for {
		f, err := r.Next(ctx)
		var closed *client.CloseError
		if errors.As(err, &closed) {
			fmt.Println("closed with", closed.Code, closed.Reason)
			return
		}
		if f.Type == wire.Message {
			fmt.Printf("%s\n", f.Data)
		}
	}
}
