CREATE TABLE friends (
  user_id     TEXT     NOT NULL,
  friend_id   TEXT     NOT NULL,
  remark      TEXT     NOT NULL,
  tags        TEXT     NOT NULL,
  starred     BOOLEAN  NOT NULL,
  hide_mine   BOOLEAN  NOT NULL,
  hide_theirs BOOLEAN  NOT NULL,
  created_at  DATETIME NOT NULL,
  PRIMARY KEY (user_id, friend_id)
) WITHOUT ROWID;
