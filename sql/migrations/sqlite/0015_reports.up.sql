CREATE TABLE reports (
  id              TEXT     NOT NULL PRIMARY KEY,
  from_id         TEXT     NOT NULL,
  user_id         TEXT     NOT NULL,
  room_id         TEXT     NOT NULL,
  conversation_id TEXT     NOT NULL,
  seq             INTEGER  NOT NULL,
  body            TEXT     NOT NULL,
  reason          TEXT     NOT NULL,
  detail          TEXT     NOT NULL,
  created_at      DATETIME NOT NULL,
  open            BOOLEAN  NOT NULL,
  resolved_at     DATETIME,
  resolved_by     TEXT     NOT NULL
);
CREATE INDEX reports_open_new ON reports (open, id);
