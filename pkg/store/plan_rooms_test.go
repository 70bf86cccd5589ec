package store

import (
	"context"
	"errors"

	"github.com/tieline/tieline/pkg/chat"
)

// ofRooms asks of room r2, which user u000002 owns.
func ofRooms(db *DB) []question {
	rooms, messages, posts := NewRooms(db, 1000), NewMessages(db), NewPosts(db)
	const room, owner = chat.ConversationID("r2"), chat.UserID("u000002")
	find := func(query string, number int64, key string, after int64) func(context.Context) error {
		cursor := ""
		if after > 0 {
			cursor = roomSpot{key, after}.cursor()
		}
		return func(ctx context.Context) error {
			_, _, err := rooms.Find(ctx, query, number, cursor, 50)
			return err
		}
	}
	return []question{
		{"a room", "rooms.PRIMARY", func(ctx context.Context) error { return failed(rooms.Room(ctx, room)) }},
		{"all rooms", "rooms.visible_number", find("", 0, "", 0)},
		{"all rooms, later", "rooms.visible_number", find("", 0, "", 10_010_000)},
		{"rooms by name", "rooms.visible_name", find("r", 0, "", 0)},
		{"rooms by name, later", "rooms.visible_name", find("r", 0, "r500", 10_010_000)},
		{"a room by its number", "rooms.number rooms.visible_name", find("10000002", 10_000_002, "", 0)},
		{"members", "members.conversation_user users.PRIMARY", func(ctx context.Context) error {
			return errors.Join(failed(rooms.Members(ctx, room, "", 50)), failed(rooms.Members(ctx, room, "u000100", 50)))
		}},
		{"a member", "members.PRIMARY", func(ctx context.Context) error { return failed(rooms.Membership(ctx, one, room)) }},
		{"who is in rooms", "members.conversation_user", func(ctx context.Context) error {
			return failed(rooms.Crowds(ctx, []chat.ConversationID{room, "r3"}))
		}},
		{"join", "conversations.PRIMARY rooms.PRIMARY members.conversation_user users.PRIMARY", func(ctx context.Context) error {
			_, _, err := rooms.Join(ctx, two, room)
			return err
		}},
		{"be removed", "conversations.PRIMARY rooms.PRIMARY members.conversation_user members.PRIMARY", func(ctx context.Context) error {
			return failed(rooms.Remove(ctx, owner, two, room))
		}},
		{"change a room", "conversations.PRIMARY rooms.PRIMARY", func(ctx context.Context) error {
			name := "other"
			_, _, err := rooms.Update(ctx, owner, room, chat.RoomChange{Name: &name, NameKey: name})
			return err
		}},
		{"react", "conversations.PRIMARY messages.PRIMARY reactions.PRIMARY", func(ctx context.Context) error {
			_, _, err := messages.React(ctx, one, chat.Lobby, 7, chat.Reaction{Emoji: "👍", On: true})
			return err
		}},
		{"a wall", "users.PRIMARY posts.wall_new", func(ctx context.Context) error {
			return errors.Join(failed(posts.List(ctx, two, owner, "", 50)), failed(posts.List(ctx, two, owner, "z", 50)))
		}},
		{"the board", "posts.wall_new", func(ctx context.Context) error { return failed(posts.List(ctx, one, "", "", 50)) }},
		{"what friends wrote", "posts.wall_new friends.PRIMARY", func(ctx context.Context) error {
			return failed(posts.Feed(ctx, two, "z", 50))
		}},
		{"edit", "conversations.PRIMARY messages.PRIMARY", func(ctx context.Context) error {
			_, _, err := messages.Edit(ctx, one, chat.Lobby, 1, "other")
			return err
		}},
	}
}
