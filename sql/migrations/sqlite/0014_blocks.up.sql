CREATE TABLE blocks (
  user_id    TEXT     NOT NULL,
  blocked_id TEXT     NOT NULL,
  created_at DATETIME NOT NULL,
  PRIMARY KEY (user_id, blocked_id)
) WITHOUT ROWID;
CREATE INDEX blocks_blocked_user ON blocks (blocked_id, user_id);
