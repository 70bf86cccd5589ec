CREATE TABLE IF NOT EXISTS devices (
  user_id         VARBINARY(64)  NOT NULL,
  id              VARBINARY(256) NOT NULL,
  platform        VARCHAR(16)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name            VARCHAR(128)   CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  login           BIGINT         NOT NULL,
  created_at      DATETIME(6)    NOT NULL,
  signed_in_at    DATETIME(6)    NOT NULL,
  last_seen       DATETIME(6)    NOT NULL,
  refresh_hash    VARBINARY(32)  NULL,
  refresh_prev    VARBINARY(32)  NULL,
  refresh_expires DATETIME(6)    NULL,
  lobby_seq       BIGINT         NOT NULL,
  received        VARBINARY(255) NOT NULL,
  ended_at        DATETIME(6)    NULL,
  end_reason      VARCHAR(32)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (user_id, id),
  KEY ended_at (ended_at)
) ENGINE=InnoDB
