CREATE TABLE reactions (
  conversation_id TEXT     NOT NULL,
  seq             INTEGER  NOT NULL,
  user_id         TEXT     NOT NULL,
  emoji           TEXT     NOT NULL,
  at              DATETIME NOT NULL,
  PRIMARY KEY (conversation_id, seq, user_id, emoji)
) WITHOUT ROWID;
