CREATE TABLE IF NOT EXISTS conversations (
  id         VARBINARY(64) NOT NULL,
  direct     BOOLEAN       NOT NULL,
  user_a     VARBINARY(64) NOT NULL DEFAULT '',
  user_b     VARBINARY(64) NOT NULL DEFAULT '',
  name       VARCHAR(128)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
  last_seq   BIGINT        NOT NULL DEFAULT 0,
  last_at    DATETIME(6)   NULL,
  created_at DATETIME(6)   NOT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB
