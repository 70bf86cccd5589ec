package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// question is a call of a repository that reads, and the keys that it goes by:
// "table.key", those of the tables that are looked into besides left out.
type question struct {
	name string
	by   string
	ask  func(context.Context) error
}

// questions are asked of the database of fillDatabase.
func questions(db *DB) []question {
	return slices.Concat(searches(NewAccounts(db)), ofAccounts(NewAccounts(db)), ofPeople(NewPeople(db)), ofEvents(NewEvents(db)),
		ofMessages(NewMessages(db)), ofTheDesk(db), ofRooms(db), ends(NewAccounts(db)))
}

const (
	one = chat.UserID("u000001") // who has much of everything
	two = chat.UserID("u050001")
)

var longAgo = time.Now().Add(-20 * 24 * time.Hour)

// failed forgets an answer and keeps its error.
func failed[T any](_ T, err error) error { return err }

func searches(s *Accounts) []question {
	find := func(find chat.UserQuery) func(context.Context) error {
		return func(ctx context.Context) error {
			find.Limit = 50
			_, _, err := s.Search(ctx, find)
			return err
		}
	}
	after := func(w way, key, name string) string { return spot{w, key, name}.cursor() }
	return []question{
		{"everybody", "users.PRIMARY", find(chat.UserQuery{})},
		{"everybody, later", "users.PRIMARY", find(chat.UserQuery{After: after(byID, "u050000", "")})},
		{"a letter", "users.username_key", find(chat.UserQuery{Prefix: "u"})},
		{"a letter, later", "users.username_key", find(chat.UserQuery{Prefix: "u", After: after(byUsername, "u050000", "")})},
		{"a letter, nicknames", "users.username_key users.nickname_username", find(chat.UserQuery{Prefix: "u", After: after(byUsername, "u099990", "")})},
		{"a letter, more nicknames", "users.nickname_username", find(chat.UserQuery{Prefix: "u", After: after(byNickname, "u0500", "v050000")})},
		{"a few letters", "users.username_key users.nickname_username", find(chat.UserQuery{Prefix: "u00012"})},
		{"a few letters, by somebody who is blocked", "users.username_key users.nickname_username", find(chat.UserQuery{Prefix: "u00012", Reader: two})},
		{"everybody, by somebody who is blocked", "users.PRIMARY", find(chat.UserQuery{Reader: two})},
		{"nobody", "users.username_key users.nickname_username", find(chat.UserQuery{Prefix: "q"})},
		{"a number", "users.phone users.username_key", find(chat.UserQuery{Prefix: "+86000050000", Phone: "+86000050000"})},
		{"an address", "users.email_key users.username_key", find(chat.UserQuery{Prefix: "u050000@example.org", Email: "u050000@example.org"})},
	}
}

func ofAccounts(s *Accounts) []question {
	return []question{
		{"log in", "users.username_key users.email_key users.phone", func(ctx context.Context) error {
			return failed(s.FindLogin(ctx, chat.LoginKeys{Username: "u000001", Email: "u000001@example.org", Phone: "+86000000001"}))
		}},
		{"a user", "users.PRIMARY", func(ctx context.Context) error { return failed(s.User(ctx, one)) }},
		{"users", "users.PRIMARY", func(ctx context.Context) error { return failed(s.Users(ctx, []chat.UserID{one, two})) }},
		{"users by name", "users.username_key", func(ctx context.Context) error {
			return failed(s.UsersNamed(ctx, []string{"u000001", "v000002"}))
		}},
		{"a device", "users.PRIMARY devices.PRIMARY", func(ctx context.Context) error { return failed(s.Device(ctx, one, "web")) }},
		{"devices", "devices.PRIMARY", func(ctx context.Context) error { return failed(s.List(ctx, one)) }},
		{"last seen", "devices.PRIMARY", func(ctx context.Context) error { return failed(s.LastSeen(ctx, []chat.UserID{one, two})) }},
		{"devices ended lately", "devices.ended_at", func(ctx context.Context) error {
			return s.EndedSince(ctx, time.Now().Add(-80*time.Hour), func([]chat.Device) error { return nil })
		}},
		{"how far devices have got", "devices.PRIMARY", func(ctx context.Context) error {
			return s.SaveProgress(ctx, []chat.Progress{{User: one, Device: "web", Offset: "1", Seen: time.Now()}, {User: two, Device: "web", Seen: time.Now()}})
		}},
		{"end a device", "users.PRIMARY devices.PRIMARY", func(ctx context.Context) error {
			return failed(s.EndDevice(ctx, one, "d7", 0, chat.ByAdmin))
		}},
		{"codes", "codes.created", func(ctx context.Context) error {
			_, next, err := s.FindCodes(ctx, "", "", 50)
			if err != nil {
				return err
			}
			_, _, err = s.FindCodes(ctx, chat.VIPCode, next, 50)
			return err
		}},
	}
}

func ofPeople(s *People) []question {
	const friend = chat.UserID("u000100")
	both := "users.PRIMARY friends.PRIMARY blocks.PRIMARY"
	return []question{
		{"ask", "users.PRIMARY friend_requests.from_to", func(ctx context.Context) error {
			_, _, err := s.Ask(ctx, chat.Asking{From: two, To: "u060000"})
			_, _, err2 := s.Ask(ctx, chat.Asking{From: two, To: "u060000"})
			return errors.Join(err, err2)
		}},
		{"reject", "users.PRIMARY friend_requests.PRIMARY", func(ctx context.Context) error {
			_, _, err := s.Handle(ctx, one, "y1000", chat.RequestRejected, chat.Label{})
			return err
		}},
		{"accept", both + " friend_requests.PRIMARY", func(ctx context.Context) error {
			_, _, err := s.Handle(ctx, one, "y2000", chat.RequestAccepted, chat.Label{})
			if chat.KindOf(err) != chat.Conflict {
				return fmt.Errorf("somebody with too many friends: %w", err)
			}
			asked, _, err := s.Ask(ctx, chat.Asking{From: two, To: "u070000"})
			if err == nil {
				_, _, err = s.Handle(ctx, "u070000", asked.ID, chat.RequestAccepted, chat.Label{})
			}
			return err
		}},
		{"requests", "friend_requests.to_new friend_requests.from_new users.PRIMARY", func(ctx context.Context) error {
			_, err := s.Requests(ctx, one, false, "", 50)
			_, err2 := s.Requests(ctx, one, false, "y3000", 50)
			_, err3 := s.Requests(ctx, one, true, "z3000", 50)
			return errors.Join(err, err2, err3)
		}},
		{"friends", both, func(ctx context.Context) error { return failed(s.Friends(ctx, one, "u002000", 50)) }},
		{"relation", "friends.PRIMARY blocks.PRIMARY", func(ctx context.Context) error { return failed(s.Relation(ctx, one, friend)) }},
		{"change a friend", both, func(ctx context.Context) error {
			_, _, err := s.ChangeFriend(ctx, one, friend, chat.RelationChange{})
			return err
		}},
		{"remove a friend", both + " conversations.PRIMARY", func(ctx context.Context) error { return failed(s.RemoveFriend(ctx, one, friend)) }},
		{"block", "users.PRIMARY blocks.PRIMARY friend_requests.from_to", func(ctx context.Context) error { return failed(s.SetBlocked(ctx, one, two, true)) }},
		{"unblock", "users.PRIMARY blocks.PRIMARY", func(ctx context.Context) error { return failed(s.SetBlocked(ctx, one, friend, false)) }},
		{"blocks", "blocks.PRIMARY users.PRIMARY", func(ctx context.Context) error { return failed(s.Blocks(ctx, one, "u002000", 50)) }},
		{"who blocks one", "blocks.blocked_user", func(ctx context.Context) error {
			return failed(s.Blockers(ctx, two, []chat.UserID{one, "u000002", "u000003"}))
		}},
		{"everybody who blocks one", "blocks.blocked_user", func(ctx context.Context) error { return failed(s.AllBlockers(ctx, two)) }},
	}
}

func ofEvents(s *Events) []question {
	return []question{
		{"events that wait", "events.pending_new", func(ctx context.Context) error { return failed(s.Pending(ctx, time.Now(), 100)) }},
		{"events of somebody", "events.user_new", func(ctx context.Context) error { return failed(s.EventsSince(ctx, one, longAgo, 100)) }},
		{"events told", "events.PRIMARY", func(ctx context.Context) error { return s.Delivered(ctx, []string{"z1", "z2"}) }},
		{"events forgotten", "events.PRIMARY", func(ctx context.Context) error { return failed(s.Forget(ctx, longAgo)) }},
	}
}

func ofMessages(s *Messages) []question {
	lobby := chat.Conversation{ID: chat.Lobby}
	return []question{
		{"conversations", "members.PRIMARY conversations.PRIMARY messages.PRIMARY users.PRIMARY", func(ctx context.Context) error {
			_, next, err := s.Overviews(ctx, one, "", 50)
			if err != nil {
				return err
			}
			_, _, err = s.Overviews(ctx, one, next, 50)
			return err
		}},
		{"a conversation", "members.PRIMARY conversations.PRIMARY", func(ctx context.Context) error { return failed(s.Overview(ctx, one, "d1")) }},
		{"the newest messages", "messages.PRIMARY users.PRIMARY", func(ctx context.Context) error { return failed(s.History(ctx, lobby, 0, 0, 50)) }},
		{"messages between", "messages.PRIMARY", func(ctx context.Context) error { return failed(s.History(ctx, lobby, 60_000, 50_000, 50)) }},
		{"what was missed", "members.PRIMARY conversations.PRIMARY messages.PRIMARY", func(ctx context.Context) error {
			return failed(s.Missed(ctx, one, longAgo, 100))
		}},
		{"what a node left", "outbox.PRIMARY", func(ctx context.Context) error { return failed(s.Leftovers(ctx, "n1", 50_000, 100)) }},
		{"load", "messages.PRIMARY", func(ctx context.Context) error {
			return failed(s.Load(ctx, []chat.Range{{Conversation: chat.Lobby, From: 10, To: 20}, {Conversation: "d7", From: 1, To: 1}}))
		}},
		{"read", "members.PRIMARY", func(ctx context.Context) error { return failed(s.MarkRead(ctx, one, chat.Lobby, 99_000)) }},
	}
}

// ends come last: they change what the others ask for.
func ends(s *Accounts) []question {
	return []question{
		{"change a profile", "users.PRIMARY friends.PRIMARY", func(ctx context.Context) error {
			return failed(s.ChangeProfile(ctx, one, func(a *chat.Account) { a.Nickname = "other" }))
		}},
		{"remove an account", "users.PRIMARY devices.PRIMARY friends.PRIMARY blocks.PRIMARY blocks.blocked_user friend_requests.to_new members.PRIMARY conversations.PRIMARY events.user_new",
			func(ctx context.Context) error { return failed(s.Remove(ctx, one, "x")) }},
	}
}
