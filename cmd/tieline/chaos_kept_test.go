//go:build chaos

package main_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/tieline/tieline/pkg/chat"
)

// IsKept holds what was said against what the database has: all of it, once,
// where the acknowledgement said, with seqs without holes, and nothing by half.
func (l *load) IsKept() {
	l.t.Helper()
	l.s.sqlCall(func(ctx context.Context, db *sql.DB) error {
		return errors.Join(l.comparesRows(ctx, db), seqsAreDense(ctx, db), outboxIsTrue(ctx, db))
	})
}

// comparesRows looks for every message in both.
func (l *load) comparesRows(ctx context.Context, db *sql.DB) error {
	rows, err := db.QueryContext(ctx, "SELECT conversation_id, seq, body FROM messages")
	if err != nil {
		return err
	}
	defer rows.Close()
	l.crowd.mu.Lock()
	defer l.crowd.mu.Unlock()
	found := 0
	for rows.Next() {
		var at seat
		var body string
		if err := rows.Scan(&at.in, &at.seq, &body); err != nil {
			return err
		}
		if !strings.Contains(body, " says ") {
			continue // somebody else's
		}
		found++
		if said := l.crowd.said[body]; said == nil || said.at != at {
			l.t.Errorf("the database has %.30q at %v, acknowledged was %+v", body, at, said)
		}
	}
	if found != len(l.crowd.said) || found != int(l.sent.Load()) {
		l.t.Errorf("the database has %d messages; %d were said, %d acknowledged", found, l.sent.Load(), len(l.crowd.said))
	}
	return rows.Err()
}

// seqsAreDense says that the head of each conversation is where its messages are.
func seqsAreDense(ctx context.Context, db *sql.DB) error {
	rows, err := db.QueryContext(ctx, `SELECT c.id, c.last_seq, COUNT(m.seq), COALESCE(MIN(m.seq), 1), COALESCE(MAX(m.seq), 0)
		FROM conversations c LEFT JOIN messages m ON m.conversation_id = c.id GROUP BY c.id, c.last_seq`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var head, count, first, last int64
		if err := rows.Scan(&id, &head, &count, &first, &last); err != nil {
			return err
		}
		if head != last || head != count || first != 1 {
			return fmt.Errorf("%s: the head is %d, there are %d messages from %d to %d", id, head, count, first, last)
		}
	}
	return rows.Err()
}

// outboxIsTrue says that whatever the outbox names is there.
func outboxIsTrue(ctx context.Context, db *sql.DB) error {
	rows, err := db.QueryContext(ctx, "SELECT ranges FROM outbox")
	if err != nil {
		return err
	}
	var named []chat.Range
	for rows.Next() {
		var ranges string
		if err := rows.Scan(&ranges); err != nil {
			return err
		}
		for line := range strings.Lines(ranges) {
			var r chat.Range
			if _, err := fmt.Sscan(line, &r.Conversation, &r.From, &r.To); err != nil {
				return err
			}
			named = append(named, r)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, r := range named {
		var head int64
		err := db.QueryRowContext(ctx, "SELECT last_seq FROM conversations WHERE id = ?", string(r.Conversation)).Scan(&head)
		if err != nil || r.From < 1 || r.To > head {
			return fmt.Errorf("the outbox names %+v, the head is %d: %v", r, head, err)
		}
	}
	return nil
}
