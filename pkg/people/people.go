// Package people keeps what people are to each other: friends, requests, blocks.
//
// Whatever changes is committed together with the events that tell of it; then
// the nodes are told to look again at what the two may do to each other, and the
// people themselves on all their devices.
package people

import (
	"context"
	"log/slog"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// Directory keeps it; what changes something returns the events it committed.
type Directory interface {
	Ask(ctx context.Context, a chat.Asking) (chat.FriendRequest, []chat.Event, error)
	Handle(ctx context.Context, user chat.UserID, id string, as chat.RequestState, label chat.Label) (chat.FriendRequest, []chat.Event, error)
	Requests(ctx context.Context, user chat.UserID, outgoing bool, before string, limit int) ([]chat.FriendRequest, error)
	Friends(ctx context.Context, user, after chat.UserID, limit int) ([]chat.Friend, error)
	ChangeFriend(ctx context.Context, user, friend chat.UserID, change chat.RelationChange) (chat.Friend, []chat.Event, error)
	RemoveFriend(ctx context.Context, user, friend chat.UserID) ([]chat.Event, error)
	SetBlocked(ctx context.Context, user, other chat.UserID, blocked bool) ([]chat.Event, error)
	Blocks(ctx context.Context, user, after chat.UserID, limit int) ([]chat.Block, error)
	Relation(ctx context.Context, user, other chat.UserID) (chat.Relation, error)
	Blockers(ctx context.Context, of chat.UserID, among []chat.UserID) ([]chat.UserID, error)
	AllBlockers(ctx context.Context, of chat.UserID) ([]chat.UserID, error)
}

// Teller takes events to their people soon; it does not wait.
type Teller interface {
	Tell(events []chat.Event)
}

// Relations are what all nodes remember of who may write to whom, and see whom.
type Relations interface {
	// TellRelated has the nodes read it again for some pairs.
	TellRelated(ctx context.Context, pairs []chat.Pair) error
}

// People is the use-case. It may be used by many goroutines.
type People struct {
	dir       Directory
	teller    Teller
	relations Relations
	log       *slog.Logger
}

// New makes a People; log may be nil.
func New(dir Directory, teller Teller, relations Relations, log *slog.Logger) *People {
	if log == nil {
		log = slog.Default()
	}
	return &People{dir: dir, teller: teller, relations: relations, log: log}
}

// tellWithin is how long the caller waits for the nodes to be told.
const tellWithin = 2 * time.Second

// changed tells of a change between two people that is committed, also when the
// caller has gone away. The nodes hear of it before the people do, who may act at
// once. A word that does not get through is nobody's error: nodes do not believe
// for long what they remember.
func (p *People) changed(ctx context.Context, a, b chat.UserID, events []chat.Event) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellWithin)
	defer cancel()
	if err := p.relations.TellRelated(ctx, []chat.Pair{{A: a, B: b}}); err != nil {
		p.log.Warn("nodes not told of a change between two people; they will read it in a while", "error", err)
	}
	p.teller.Tell(events)
}

// SetBlocked has somebody block another, or no longer; doing so twice is no
// error. Invalid for oneself; NotFound for somebody who is not there.
func (p *People) SetBlocked(ctx context.Context, user, other chat.UserID, blocked bool) error {
	if user == other && blocked {
		return chat.InvalidField("user", "self", "")
	}
	events, err := p.dir.SetBlocked(ctx, user, other, blocked)
	if err == nil {
		p.changed(ctx, user, other, events)
	}
	return err
}

// Blocks returns a page of those whom somebody blocks, ascending by id.
func (p *People) Blocks(ctx context.Context, user chat.UserID, cursor string, limit int) ([]chat.Block, string, error) {
	return paged(cursor, limit, func(limit int) ([]chat.Block, error) {
		return p.dir.Blocks(ctx, user, chat.UserID(cursor), limit)
	}, func(b *chat.Block) string { return string(b.ID) })
}

// Relation returns what somebody is to a person, as that person has it.
func (p *People) Relation(ctx context.Context, user, other chat.UserID) (chat.Relation, error) {
	return p.dir.Relation(ctx, user, other)
}

// Blockers returns who of some users blocks one.
func (p *People) Blockers(ctx context.Context, of chat.UserID, among []chat.UserID) ([]chat.UserID, error) {
	return p.dir.Blockers(ctx, of, among)
}

// AllBlockers returns everybody who blocks one.
func (p *People) AllBlockers(ctx context.Context, of chat.UserID) ([]chat.UserID, error) {
	return p.dir.AllBlockers(ctx, of)
}

// paged reads one more than a page, to know whether another follows; the cursor
// of that is the id of the last one on this.
func paged[T any](cursor string, limit int, read func(limit int) ([]T, error), id func(*T) string) (page []T, next string, err error) {
	if !isCursor(cursor) {
		return nil, "", chat.InvalidField("cursor", "format", "")
	}
	page, err = read(limit + 1)
	if err == nil && len(page) > limit {
		page = page[:limit]
		next = id(&page[limit-1])
	}
	return page, next, err
}

// isCursor takes what our own cursors, which are ids, look like.
func isCursor(s string) bool {
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'a' || r > 'z') {
			return false
		}
	}
	return len(s) <= 64
}
