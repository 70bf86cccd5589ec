CREATE TABLE friend_requests (
  id          TEXT     NOT NULL PRIMARY KEY,
  from_id     TEXT     NOT NULL,
  to_id       TEXT     NOT NULL,
  message     TEXT     NOT NULL,
  remark      TEXT     NOT NULL,
  tags        TEXT     NOT NULL,
  hide_mine   BOOLEAN  NOT NULL,
  hide_theirs BOOLEAN  NOT NULL,
  state       TEXT     NOT NULL,
  created_at  DATETIME NOT NULL,
  handled_at  DATETIME
);
CREATE INDEX friend_requests_from_to ON friend_requests (from_id, to_id);
CREATE INDEX friend_requests_from_new ON friend_requests (from_id, id);
CREATE INDEX friend_requests_to_new ON friend_requests (to_id, id);
