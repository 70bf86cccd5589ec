package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/uptrace/bun"
)

// requestRow is a request; the label is that of who asked, for the time when
// they are friends. Of two people at most one request is open: pending, or
// ignored, which who asked cannot tell from pending.
type requestRow struct {
	bun.BaseModel `bun:"table:friend_requests,alias:fr"`
	labelRow

	ID        string            `bun:"id,pk"`
	FromID    chat.UserID       `bun:"from_id"`
	ToID      chat.UserID       `bun:"to_id"`
	Message   string            `bun:"message"`
	State     chat.RequestState `bun:"state"`
	CreatedAt time.Time         `bun:"created_at"`
	HandledAt time.Time         `bun:"handled_at,nullzero"`
}

func (r *requestRow) request(people map[chat.UserID]chat.Person) chat.FriendRequest {
	return chat.FriendRequest{
		ID: r.ID, From: people[r.FromID], To: people[r.ToID], Message: r.Message, State: r.State,
		CreatedAt: r.CreatedAt.UTC(), HandledAt: r.HandledAt.UTC(),
	}
}

// Ask has one person ask another to be friends. Who asks somebody that asked
// them is their friend at once: of two who ask at the same moment the later one,
// as the locks have it, finds the other's request. Asking again changes the
// message and the label of a request that is open, and nobody hears of it.
//
// NotFound when the other is not there; Blocked by them; Conflict when they are
// friends already, when who asks blocks them, or has too many friends.
func (s *People) Ask(ctx context.Context, a chat.Asking) (request chat.FriendRequest, events []chat.Event, err error) {
	err = s.db.change(ctx, "store.ask", func(ctx context.Context, tx bun.Tx) error {
		events = nil
		if err := s.db.lockPair(ctx, tx, a.From, a.To); err != nil {
			return err
		}
		if err := mayAsk(ctx, tx, a.From, a.To); err != nil {
			return err
		}
		people, err := cards(ctx, tx, a.From, a.To)
		if err != nil {
			return err
		}
		row, err := openRequest(ctx, tx, a.From, a.To)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			row = &requestRow{
				labelRow: newLabelRow(a.Label), ID: chat.NewID(), FromID: a.From, ToID: a.To, Message: a.Message,
				State: chat.RequestPending, CreatedAt: now(),
			}
			events, err = insertRequest(ctx, tx, row, people)
		case err != nil:
		case row.FromID == a.From:
			row.labelRow, row.Message = newLabelRow(a.Label), a.Message
			_, err = tx.NewUpdate().Model(row).Column("message", "remark", "tags", "hide_mine", "hide_theirs").WherePK().Exec(ctx)
		default:
			events, err = befriend(ctx, tx, row, a.Label, people)
		}
		request = row.request(people)
		return err
	})
	return request, events, err
}

// mayAsk refuses somebody who asks a friend, or somebody that one of them
// blocks. Both rows are locked.
func mayAsk(ctx context.Context, tx bun.Tx, from, to chat.UserID) error {
	const op = "store.ask"
	c, err := between(ctx, tx, from, to)
	switch {
	case err != nil:
		return err
	case blocks(&c, from):
		return &chat.Error{Kind: chat.Conflict, Op: op, Safe: "You block this user. Take them off your list of blocks first."}
	case blocks(&c, to):
		return chat.E(op, chat.Blocked, nil)
	case c.Gate&chat.GateFriends != 0:
		return &chat.Error{Kind: chat.Conflict, Op: op, Safe: "You are friends already."}
	}
	return nil
}

// openRequest reads the one request between two people that is open; ErrNoRows.
func openRequest(ctx context.Context, tx bun.Tx, a, b chat.UserID) (*requestRow, error) {
	row := new(requestRow)
	return row, tx.NewSelect().Model(row).
		Where("((from_id = ? AND to_id = ?) OR (from_id = ? AND to_id = ?))", a, b, b, a).
		Where("state IN (?, ?)", chat.RequestPending, chat.RequestIgnored).Limit(1).Scan(ctx)
}

func insertRequest(ctx context.Context, tx bun.Tx, row *requestRow, people map[chat.UserID]chat.Person) ([]chat.Event, error) {
	if _, err := tx.NewInsert().Model(row).Exec(ctx); err != nil {
		return nil, err
	}
	request := row.request(people)
	about := chat.EventData{Request: &request}
	events := []chat.Event{chat.NewEvent(row.ToID, chat.FriendRequested, about), chat.NewEvent(row.FromID, chat.FriendRequested, about)}
	return events, putEvents(ctx, tx, events)
}

// settle notes what became of a request whose people are locked.
func (r *requestRow) settle(ctx context.Context, tx bun.Tx, as chat.RequestState) error {
	r.State, r.HandledAt = as, now()
	_, err := tx.NewUpdate().Model(r).Column("state", "handled_at").WherePK().Exec(ctx)
	return err
}

// Handle has somebody accept, reject or ignore a request that they were sent;
// the label is what they note about a new friend. NotFound when it is not
// theirs; Conflict when it was handled before, on whichever device, or one of the
// two has too many friends; Blocked when who asked blocks them by now.
func (s *People) Handle(ctx context.Context, user chat.UserID, id string, as chat.RequestState, label chat.Label) (request chat.FriendRequest, events []chat.Event, err error) {
	var asked requestRow
	err = s.db.query(ctx, "store.request", func(ctx context.Context, q bun.IDB) error {
		return q.NewSelect().Model(&asked).Where("id = ?", id).Where("to_id = ?", user).Scan(ctx)
	})
	if err != nil {
		return chat.FriendRequest{}, nil, err
	}
	err = s.db.change(ctx, "store.handle", func(ctx context.Context, tx bun.Tx) error {
		if err := s.db.lockPair(ctx, tx, asked.FromID, asked.ToID); err != nil {
			return err
		}
		row := new(requestRow)
		if err := tx.NewSelect().Model(row).Where("id = ?", id).Scan(ctx); err != nil {
			return err
		}
		if row.State != chat.RequestPending {
			return &chat.Error{Kind: chat.Conflict, Op: "store.handle", Safe: "This request has been handled already."}
		}
		people, err := cards(ctx, tx, row.FromID, row.ToID)
		if err != nil {
			return err
		}
		if as == chat.RequestAccepted {
			events, err = accept(ctx, tx, row, label, people)
		} else {
			events, err = decline(ctx, tx, row, as, people)
		}
		request = row.request(people)
		return err
	})
	return request, events, err
}

func accept(ctx context.Context, tx bun.Tx, row *requestRow, label chat.Label, people map[chat.UserID]chat.Person) ([]chat.Event, error) {
	c, err := between(ctx, tx, row.FromID, row.ToID)
	if err != nil {
		return nil, err
	}
	if blocks(&c, row.FromID) {
		return nil, chat.E("store.accept", chat.Blocked, nil)
	}
	return befriend(ctx, tx, row, label, people)
}

// decline rejects or ignores a request. Who is ignored does not hear of it.
func decline(ctx context.Context, tx bun.Tx, row *requestRow, as chat.RequestState, people map[chat.UserID]chat.Person) ([]chat.Event, error) {
	if err := row.settle(ctx, tx, as); err != nil {
		return nil, err
	}
	request := row.request(people)
	about := chat.EventData{Request: &request}
	events := []chat.Event{chat.NewEvent(row.ToID, chat.FriendIgnored, about)}
	if as == chat.RequestRejected {
		events = []chat.Event{chat.NewEvent(row.ToID, chat.FriendRejected, about), chat.NewEvent(row.FromID, chat.FriendRejected, about)}
	}
	return events, putEvents(ctx, tx, events)
}

// Requests returns the requests that somebody was sent, or sent, the newest
// first; before, unless empty, is the id of the last one of the page before.
func (s *People) Requests(ctx context.Context, user chat.UserID, outgoing bool, before string, limit int) ([]chat.FriendRequest, error) {
	column := "to_id"
	if outgoing {
		column = "from_id"
	}
	var rows []requestRow
	var people map[chat.UserID]chat.Person
	err := s.db.query(ctx, "store.requests", func(ctx context.Context, q bun.IDB) error {
		rows = nil
		sel := q.NewSelect().Model(&rows).Where("? = ?", bun.Ident(column), user)
		if before != "" {
			sel.Where("id < ?", before)
		}
		if err := sel.Order("id DESC").Limit(int64(limit)).Scan(ctx); err != nil {
			return err
		}
		var ids []chat.UserID
		for i := range rows {
			ids = append(ids, rows[i].FromID, rows[i].ToID)
		}
		var err error
		people, err = cards(ctx, q, ids...)
		return err
	})
	out := make([]chat.FriendRequest, len(rows))
	for i := range rows {
		out[i] = rows[i].request(people)
	}
	return out, err
}
