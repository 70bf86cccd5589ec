CREATE TABLE outbox (
  node_id TEXT     NOT NULL,
  n       INTEGER  NOT NULL,
  at      DATETIME NOT NULL,
  ranges  TEXT     NOT NULL,
  PRIMARY KEY (node_id, n)
) WITHOUT ROWID;
