CREATE TABLE IF NOT EXISTS hooks (
  id         VARBINARY(128) NOT NULL,
  user_id    VARBINARY(64)  NOT NULL,
  name       VARCHAR(32)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  body       MEDIUMTEXT     CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  created_at DATETIME(6)    NOT NULL,
  due_at     DATETIME(6)    NULL,
  attempts   INT            NOT NULL,
  error      VARCHAR(255)   CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (id),
  KEY due_at (due_at),
  KEY user_new (user_id, id)
) ENGINE=InnoDB
