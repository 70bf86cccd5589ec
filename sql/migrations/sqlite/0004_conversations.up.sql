CREATE TABLE conversations (
  id         TEXT     NOT NULL PRIMARY KEY,
  direct     BOOLEAN  NOT NULL,
  user_a     TEXT     NOT NULL DEFAULT '',
  user_b     TEXT     NOT NULL DEFAULT '',
  name       TEXT     NOT NULL DEFAULT '',
  last_seq   INTEGER  NOT NULL DEFAULT 0,
  last_at    DATETIME,
  created_at DATETIME NOT NULL
) WITHOUT ROWID;
