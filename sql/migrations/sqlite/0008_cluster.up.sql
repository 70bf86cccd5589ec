CREATE TABLE cluster (
  id         INTEGER  NOT NULL PRIMARY KEY,
  generation INTEGER  NOT NULL,
  identity   TEXT     NOT NULL,
  minted_at  DATETIME NOT NULL
);
