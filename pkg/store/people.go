package store

import (
	"context"
	"encoding/json"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/uptrace/bun"
)

// People keeps what people are to each other. Every transaction that changes
// it for two of them locks both users' rows first, and leaves the gate of their
// direct conversation telling the same.
type People struct{ db *DB }

// NewPeople returns the repository of friends, requests and blocks.
func NewPeople(db *DB) *People { return &People{db} }

// labelRow is what one person notes about another, as friends and requests both
// have it.
type labelRow struct {
	Remark     string `bun:"remark"`
	Tags       string `bun:"tags"` // in JSON
	HideMine   bool   `bun:"hide_mine"`
	HideTheirs bool   `bun:"hide_theirs"`
}

func newLabelRow(l chat.Label) labelRow {
	tags, _ := json.Marshal(append([]string{}, l.Tags...)) // strings always can be
	return labelRow{Remark: l.Remark, Tags: string(tags), HideMine: l.Moments.HideMine, HideTheirs: l.Moments.HideTheirs}
}

func (r *labelRow) label() chat.Label {
	l := chat.Label{Remark: r.Remark, Moments: chat.Moments{HideMine: r.HideMine, HideTheirs: r.HideTheirs}}
	// What we wrote ourselves parses; a row damaged by hand loses its tags.
	_ = json.Unmarshal([]byte(r.Tags), &l.Tags)
	return l
}

// between reads what two people whose rows are locked are to each other, as a
// direct conversation of theirs has it.
func between(ctx context.Context, tx bun.Tx, a, b chat.UserID) (chat.Conversation, error) {
	if b < a {
		a, b = b, a
	}
	gate, err := gateOf(ctx, tx, a, b)
	return chat.Conversation{ID: chat.DirectID(a, b), Direct: true, A: a, B: b, Gate: gate}, err
}

// blocks reports whether one of the two of a direct conversation blocks the
// other.
func blocks(c *chat.Conversation, who chat.UserID) bool {
	return c.Shut(c.Peer(who), false) == chat.Blocked
}

// usersOf reads users by id; unknown ones are left out.
func usersOf(ctx context.Context, q bun.IDB, ids []chat.UserID) (map[chat.UserID]chat.User, error) {
	out := make(map[chat.UserID]chat.User, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	var rows []userRow
	err := q.NewSelect().Model(&rows).Where("id IN (?)", bun.List(ids)).Scan(ctx)
	for i := range rows {
		out[rows[i].ID] = rows[i].account().User
	}
	return out, err
}
