CREATE TABLE members (
  user_id         TEXT     NOT NULL,
  conversation_id TEXT     NOT NULL,
  read_seq        INTEGER  NOT NULL DEFAULT 0,
  joined_at       DATETIME NOT NULL,
  muted           BOOLEAN  NOT NULL DEFAULT FALSE,
  PRIMARY KEY (user_id, conversation_id)
) WITHOUT ROWID;
CREATE INDEX members_conversation_user ON members (conversation_id, user_id);
