CREATE TABLE devices (
  user_id         TEXT     NOT NULL,
  id              TEXT     NOT NULL,
  platform        TEXT     NOT NULL,
  name            TEXT     NOT NULL,
  login           INTEGER  NOT NULL,
  created_at      DATETIME NOT NULL,
  signed_in_at    DATETIME NOT NULL,
  last_seen       DATETIME NOT NULL,
  refresh_hash    BLOB,
  refresh_prev    BLOB,
  refresh_expires DATETIME,
  lobby_seq       INTEGER  NOT NULL,
  received        TEXT     NOT NULL,
  ended_at        DATETIME,
  end_reason      TEXT     NOT NULL,
  PRIMARY KEY (user_id, id)
) WITHOUT ROWID;
CREATE INDEX devices_ended_at ON devices (ended_at);
