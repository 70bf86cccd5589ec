CREATE TABLE hooks (
  id         TEXT     NOT NULL PRIMARY KEY,
  user_id    TEXT     NOT NULL,
  name       TEXT     NOT NULL,
  body       TEXT     NOT NULL,
  created_at DATETIME NOT NULL,
  due_at     DATETIME,
  attempts   INTEGER  NOT NULL,
  error      TEXT     NOT NULL
);
CREATE INDEX hooks_due_at ON hooks (due_at);
CREATE INDEX hooks_user_new ON hooks (user_id, id);
