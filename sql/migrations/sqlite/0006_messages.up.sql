CREATE TABLE messages (
  conversation_id TEXT     NOT NULL,
  seq             INTEGER  NOT NULL,
  sender_id       TEXT     NOT NULL,
  client_id       TEXT     NOT NULL,
  digest          BLOB     NOT NULL,
  kind            TEXT     NOT NULL,
  body            TEXT     NOT NULL,
  media           TEXT     NOT NULL DEFAULT '',
  reply_to        INTEGER  NOT NULL DEFAULT 0,
  mentions        TEXT     NOT NULL,
  at              DATETIME NOT NULL,
  edited_at       DATETIME,
  recalled        BOOLEAN  NOT NULL DEFAULT FALSE,
  PRIMARY KEY (conversation_id, seq),
  UNIQUE (sender_id, client_id)
) WITHOUT ROWID;
