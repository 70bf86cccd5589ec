CREATE TABLE posts (
  id      TEXT     NOT NULL PRIMARY KEY,
  wall_id TEXT     NOT NULL,
  from_id TEXT     NOT NULL,
  own     BOOLEAN  NOT NULL,
  body    TEXT     NOT NULL,
  at      DATETIME NOT NULL
);
CREATE INDEX posts_wall_new ON posts (wall_id, id);
