CREATE TABLE users (
  id            TEXT     NOT NULL PRIMARY KEY,
  username      TEXT     NOT NULL,
  username_key  TEXT     NOT NULL UNIQUE,
  nickname      TEXT     NOT NULL,
  nickname_key  TEXT     NOT NULL,
  sex           TEXT     NOT NULL,
  bio           TEXT     NOT NULL,
  avatar_url    TEXT     NOT NULL,
  email         TEXT     NOT NULL,
  email_key     TEXT     UNIQUE,
  phone         TEXT     UNIQUE,
  theme         TEXT     NOT NULL,
  locale        TEXT     NOT NULL,
  vip_until     DATETIME,
  admin         BOOLEAN  NOT NULL,
  password_hash TEXT     NOT NULL,
  login_seq     INTEGER  NOT NULL,
  created_at    DATETIME NOT NULL,
  disabled_at   DATETIME,
  deleted_at    DATETIME
);
CREATE INDEX users_nickname_key ON users (nickname_key);
