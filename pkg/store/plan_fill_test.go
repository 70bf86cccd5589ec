package store

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// fillDatabase makes 100,000 users, with 20,000 rows in every other table that
// grows, by MariaDB's own sequences, and has it count them. Half of the user names
// begin with "u"; user u000001 has more of everything than others.
func fillDatabase(t *testing.T, db *DB) {
	t.Helper()
	old, recent := chat.IDAt(time.Now().Add(-30 * 24 * time.Hour))[:10], chat.IDAt(time.Now().Add(-time.Hour))[:10]
	words := strings.NewReplacer(
		"ONE", "'u000001'", // somebody with much of everything
		"USER", "CONCAT('u', LPAD(seq, 6, '0'))", "NEXT", "CONCAT('u', LPAD(seq % 100000 + 1, 6, '0'))",
		"ID", "CONCAT(IF(seq <= 18000, '"+old+"', '"+recent+"'), LPAD(seq, 16, '0'))",
		"HASH", "UNHEX(SHA2(seq, 256))",
		"TIME", "UTC_TIMESTAMP(6) - INTERVAL 200000 - seq SECOND",
		"ALL", "FROM seq_1_to_100000", "MOST", "FROM seq_1_to_20000", "MANY", "FROM seq_1_to_80", "SOME", "FROM seq_1_to_200",
	)
	for _, s := range filling {
		if _, err := db.bun.ExecContext(context.Background(), words.Replace(s)); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	var tables []string
	ctx := context.Background()
	if err := db.bun.NewRaw("SHOW TABLES").Scan(ctx, &tables); err != nil {
		t.Fatal(err)
	}
	if _, err := db.bun.ExecContext(ctx, "ANALYZE TABLE "+strings.Join(tables, ", ")); err != nil {
		t.Fatal(err)
	}
}

// filling are the statements, with words in capitals that fillDatabase knows.
var filling = []string{
	`INSERT INTO users (id, username, username_key, nickname, nickname_key, sex, bio, avatar_url, email, email_key, phone, theme, locale, admin, password_hash, login_seq, created_at)
		SELECT USER, USER, CONCAT(IF(seq % 2, 'u', 'v'), LPAD(seq, 6, '0')), 'n', CONCAT(ELT(seq % 4 + 1, 'u', 'u', 'w', 'x'), LPAD(seq % 1000, 4, '0')),
			'unknown', '', '', '', CONCAT(USER, '@example.org'), CONCAT('+86', LPAD(seq, 9, '0')), '', '', FALSE, 'x', 1, TIME ALL`,
	`INSERT INTO devices (user_id, id, platform, name, login, created_at, signed_in_at, last_seen, lobby_seq, received, ended_at, end_reason)
		SELECT USER, 'web', 'web', '', 1, TIME, TIME, TIME, 0, '', IF(seq % 2, TIME, NULL), '' MOST`,
	`INSERT INTO devices (user_id, id, platform, name, login, created_at, signed_in_at, last_seen, lobby_seq, received, end_reason)
		SELECT ONE, CONCAT('d', seq), 'ios', '', seq + 1, TIME, TIME, TIME, 0, '', '' SOME`,
	`INSERT INTO codes (hash, kind, vip_days, created_at) SELECT HASH, IF(seq % 2, 'vip', 'invite'), 30, TIME MOST`,
	`INSERT INTO conversations (id, direct, user_a, user_b, last_seq, last_at, created_at) SELECT CONCAT('d', seq), TRUE, USER, NEXT, 1, TIME, TIME MOST`,
	`INSERT INTO members (user_id, conversation_id, joined_at) SELECT USER, 'lobby', TIME MOST`,
	`INSERT INTO members (user_id, conversation_id, joined_at) SELECT USER, CONCAT('d', seq), TIME MOST`,
	`INSERT INTO members (user_id, conversation_id, joined_at) SELECT ONE, CONCAT('d', seq + 1), TIME MANY`,
	`INSERT INTO messages (conversation_id, seq, sender_id, client_id, digest, kind, body, mentions, at)
		SELECT 'lobby', seq, USER, CONCAT('c', seq), REPEAT('x', 16), 'text', 'hello', '', TIME MOST`,
	`INSERT INTO messages (conversation_id, seq, sender_id, client_id, digest, kind, body, mentions, at)
		SELECT CONCAT('d', seq), 1, USER, CONCAT('d', seq), REPEAT('x', 16), 'text', 'hello', '', TIME MOST`,
	`UPDATE conversations SET last_seq = 100000, last_at = created_at WHERE id = 'lobby'`,
	`INSERT INTO outbox (node_id, n, at, ranges) SELECT CONCAT('n', seq % 3), seq, TIME, '' MOST`,
	`INSERT INTO events (id, user_id, at, name, data, pending) SELECT ID, USER, TIME, 'block.added', '{}', IF(seq % 100, NULL, TRUE) MOST`,
	`INSERT INTO events (id, user_id, at, name, data, pending) SELECT CONCAT('z', seq), ONE, TIME, 'block.added', '{}', NULL MANY`,
	`INSERT INTO friends (user_id, friend_id, remark, tags, starred, hide_mine, hide_theirs, created_at) SELECT USER, NEXT, '', '', FALSE, FALSE, FALSE, TIME MOST`,
	`INSERT INTO friends (user_id, friend_id, remark, tags, starred, hide_mine, hide_theirs, created_at)
		SELECT ONE, CONCAT('u', LPAD(seq + 2, 6, '0')), '', '', FALSE, FALSE, FALSE, TIME FROM seq_1_to_5000`,
	`INSERT INTO friend_requests (id, from_id, to_id, message, remark, tags, hide_mine, hide_theirs, state, created_at)
		SELECT ID, USER, NEXT, '', '', '', FALSE, FALSE, IF(seq % 10, 'accepted', 'pending'), TIME MOST`,
	`INSERT INTO friend_requests (id, from_id, to_id, message, remark, tags, hide_mine, hide_theirs, state, created_at)
		SELECT CONCAT('y', seq), USER, ONE, '', '', '', FALSE, FALSE, 'pending', TIME FROM seq_1_to_5000`,
	`INSERT INTO friend_requests (id, from_id, to_id, message, remark, tags, hide_mine, hide_theirs, state, created_at)
		SELECT CONCAT('z', seq), ONE, USER, '', '', '', FALSE, FALSE, 'pending', TIME FROM seq_1_to_5000`,
	`INSERT INTO blocks (user_id, blocked_id, created_at) SELECT USER, NEXT, TIME MOST`,
	`INSERT INTO blocks (user_id, blocked_id, created_at) SELECT ONE, CONCAT('u', LPAD(seq + 2, 6, '0')), TIME FROM seq_1_to_5000`,
	`INSERT INTO reports (id, from_id, user_id, room_id, conversation_id, seq, body, reason, detail, created_at, open, resolved_by)
		SELECT ID, USER, NEXT, '', '', 0, '', 'spam', '', TIME, seq % 2, '' MOST`,
	`INSERT INTO audit (id, at, actor, action, target, detail) SELECT ID, TIME, USER, 'disable', NEXT, '' MOST`,
	`INSERT INTO hooks (id, user_id, name, body, created_at, due_at, attempts, error)
		SELECT ID, USER, 'user.registered', '{}', TIME, IF(seq % 2, TIME, NULL), 0, '' MOST`,
	`INSERT INTO conversations (id, direct, name, last_at, created_at) SELECT CONCAT('r', seq), FALSE, 'room', TIME, TIME MOST`,
	`INSERT INTO rooms (id, number, name, name_key, info, visibility, owner_id, members, created_at)
		SELECT CONCAT('r', seq), 10000000 + seq, 'room', CONCAT(IF(seq % 2, 'r', 's'), seq % 1000), '', IF(seq % 10, 'public', 'private'), USER, 200, TIME MOST`,
	`INSERT INTO members (user_id, conversation_id, joined_at, role) SELECT USER, 'r2', TIME, IF(seq = 2, 'owner', 'member') SOME`,
	`INSERT INTO posts (id, wall_id, from_id, own, body, at) SELECT ID, IF(seq % 3, USER, ''), USER, seq % 3 > 0, 'hello', TIME MOST`,
	`INSERT INTO reactions (conversation_id, seq, user_id, emoji, at) SELECT 'lobby', seq, USER, '👍', TIME MOST`,
}
