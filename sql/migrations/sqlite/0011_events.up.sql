CREATE TABLE events (
  id      TEXT     NOT NULL PRIMARY KEY,
  user_id TEXT     NOT NULL,
  at      DATETIME NOT NULL,
  name    TEXT     NOT NULL,
  data    TEXT     NOT NULL,
  pending BOOLEAN
);
CREATE INDEX events_user_new ON events (user_id, id);
CREATE INDEX events_pending_new ON events (pending, id);
