CREATE TABLE IF NOT EXISTS reports (
  id              VARBINARY(64) NOT NULL,
  from_id         VARBINARY(64) NOT NULL,
  user_id         VARBINARY(64) NOT NULL,
  room_id         VARBINARY(64) NOT NULL,
  conversation_id VARBINARY(64) NOT NULL,
  seq             BIGINT        NOT NULL,
  body            MEDIUMTEXT    CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  reason          VARCHAR(64)   CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  detail          TEXT          CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  created_at      DATETIME(6)   NOT NULL,
  open            BOOLEAN       NOT NULL,
  resolved_at     DATETIME(6)   NULL,
  resolved_by     VARBINARY(64) NOT NULL,
  PRIMARY KEY (id),
  KEY open_new (open, id)
) ENGINE=InnoDB
