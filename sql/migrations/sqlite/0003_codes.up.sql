CREATE TABLE codes (
  hash       BLOB     NOT NULL PRIMARY KEY,
  kind       TEXT     NOT NULL,
  vip_days   INTEGER  NOT NULL,
  expires_at DATETIME,
  used_by    TEXT,
  used_at    DATETIME,
  created_at DATETIME NOT NULL
);
