// Package board keeps what people write on walls and on the board of the home
// page.
package board

import (
	"context"
	"strings"

	"github.com/tieline/tieline/pkg/chat"
)

// Directory keeps posts, and says who may see which.
type Directory interface {
	Add(ctx context.Context, p chat.Post) (chat.Post, []chat.Event, error)
	List(ctx context.Context, reader, wall chat.UserID, before string, limit int) ([]chat.Post, error)
	Feed(ctx context.Context, reader chat.UserID, before string, limit int) ([]chat.Post, error)
	Remove(ctx context.Context, by chat.UserID, id string, onBoard bool) error
}

// Teller takes committed events to their people.
type Teller interface{ Tell(events []chat.Event) }

// Board is the use-case. It may be used by many goroutines.
type Board struct {
	dir    Directory
	teller Teller
}

// New makes a Board.
func New(dir Directory, teller Teller) *Board { return &Board{dir, teller} }

// Post writes on somebody's wall, or on the board (""), and tells whose wall it
// is. Invalid, NotFound, Blocked, Forbidden.
func (b *Board) Post(ctx context.Context, from, wall chat.UserID, text string) (chat.Post, error) {
	text = strings.TrimSpace(text)
	if err := chat.CheckText("text", text, chat.MaxPost); err != nil {
		return chat.Post{}, err
	}
	p, events, err := b.dir.Add(ctx, chat.Post{ID: chat.NewID(), Wall: wall, From: chat.Person{ID: from}, Text: text})
	if err == nil {
		b.teller.Tell(events)
	}
	return p, err
}

// Wall returns a page of somebody's wall, or of the board (""), the newest first.
// NotFound, Blocked, Forbidden.
func (b *Board) Wall(ctx context.Context, reader, wall chat.UserID, cursor string, limit int) ([]chat.Post, string, error) {
	return paged(limit, func(limit int) ([]chat.Post, error) { return b.dir.List(ctx, reader, wall, cursor, limit) })
}

// Feed returns a page of what one's friends wrote on their own walls, the newest
// first.
func (b *Board) Feed(ctx context.Context, reader chat.UserID, cursor string, limit int) ([]chat.Post, string, error) {
	return paged(limit, func(limit int) ([]chat.Post, error) { return b.dir.Feed(ctx, reader, cursor, limit) })
}

// paged reads one more than a page, to know whether another follows.
func paged(limit int, read func(limit int) ([]chat.Post, error)) (page []chat.Post, next string, err error) {
	page, err = read(limit + 1)
	if len(page) > limit {
		page = page[:limit]
		next = page[limit-1].ID
	}
	return page, next, err
}

// Remove deletes a post of a wall, or of the board: one's own, one on one's wall,
// or any as an administrator. NotFound, Forbidden.
func (b *Board) Remove(ctx context.Context, by chat.UserID, id string, onBoard bool) error {
	return b.dir.Remove(ctx, by, id, onBoard)
}
