CREATE TABLE rooms (
  id         TEXT     NOT NULL PRIMARY KEY,
  number     INTEGER  NOT NULL UNIQUE,
  name       TEXT     NOT NULL,
  name_key   TEXT     NOT NULL,
  info       TEXT     NOT NULL,
  visibility TEXT     NOT NULL,
  owner_id   TEXT     NOT NULL,
  members    INTEGER  NOT NULL,
  created_at DATETIME NOT NULL
);
CREATE INDEX rooms_visible_number ON rooms (visibility, number);
CREATE INDEX rooms_visible_name ON rooms (visibility, name_key, number);
