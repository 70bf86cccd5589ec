package people

import (
	"context"

	"github.com/tieline/tieline/pkg/chat"
)

// Ask has one person ask another to be friends; somebody who asked them is their
// friend at once, and the request returned is then the other's. Asking again
// returns the same request, with the new message.
//
// Invalid for oneself, or a text that is not allowed; NotFound; Blocked by the
// other; Conflict when they are friends already, or who asks blocks the other.
func (p *People) Ask(ctx context.Context, a chat.Asking) (chat.FriendRequest, error) {
	if a.From == a.To {
		return chat.FriendRequest{}, chat.InvalidField("user", "self", "")
	}
	var err error
	if a.Message, err = line("message", a.Message, chat.MaxRequestMessage); err != nil {
		return chat.FriendRequest{}, err
	}
	if a.Label, err = checkLabel(a.Label); err != nil {
		return chat.FriendRequest{}, err
	}
	request, events, err := p.dir.Ask(ctx, a)
	if err == nil {
		p.settled(ctx, &request, events)
	}
	return request, err
}

// settled tells of a request: what two people may do is another only from when it
// is accepted.
func (p *People) settled(ctx context.Context, r *chat.FriendRequest, events []chat.Event) {
	if r.State == chat.RequestAccepted {
		p.changed(ctx, r.From.ID, r.To.ID, events)
	} else {
		p.teller.Tell(events)
	}
}

// Requests returns a page of the requests that somebody was sent, or sent, the
// newest first.
func (p *People) Requests(ctx context.Context, user chat.UserID, outgoing bool, cursor string, limit int) ([]chat.FriendRequest, string, error) {
	return paged(cursor, limit, func(limit int) ([]chat.FriendRequest, error) {
		return p.dir.Requests(ctx, user, outgoing, cursor, limit)
	}, func(r *chat.FriendRequest) string { return r.ID })
}

// Handle has somebody accept, reject or ignore a request that they were sent,
// once; the label is what they note about a new friend. NotFound when it is not
// theirs; Conflict when it was handled before; Blocked when who asked blocks them
// by now.
func (p *People) Handle(ctx context.Context, user chat.UserID, id string, as chat.RequestState, label chat.Label) (chat.FriendRequest, error) {
	label, err := checkLabel(label)
	if err != nil {
		return chat.FriendRequest{}, err
	}
	request, events, err := p.dir.Handle(ctx, user, id, as, label)
	if err == nil {
		p.settled(ctx, &request, events)
	}
	return request, err
}

// Friends returns a page of somebody's friends, ascending by id.
func (p *People) Friends(ctx context.Context, user chat.UserID, cursor string, limit int) ([]chat.Friend, string, error) {
	return paged(cursor, limit, func(limit int) ([]chat.Friend, error) {
		return p.dir.Friends(ctx, user, chat.UserID(cursor), limit)
	}, func(f *chat.Friend) string { return string(f.ID) })
}

// ChangeFriend changes what somebody notes about a friend; they alone hear of it.
// Invalid; NotFriends.
func (p *People) ChangeFriend(ctx context.Context, user, friend chat.UserID, change chat.RelationChange) (chat.Friend, error) {
	change, err := checkChange(change)
	if err != nil {
		return chat.Friend{}, err
	}
	f, events, err := p.dir.ChangeFriend(ctx, user, friend, change)
	if err == nil {
		p.teller.Tell(events)
	}
	return f, err
}

// RemoveFriend ends a friendship on both sides. NotFriends.
func (p *People) RemoveFriend(ctx context.Context, user, friend chat.UserID) error {
	events, err := p.dir.RemoveFriend(ctx, user, friend)
	if err == nil {
		p.changed(ctx, user, friend, events)
	}
	return err
}
