CREATE TABLE IF NOT EXISTS events (
  id      VARBINARY(64) NOT NULL,
  user_id VARBINARY(64) NOT NULL,
  at      DATETIME(6)   NOT NULL,
  name    VARCHAR(32)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  data    TEXT          CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  pending BOOLEAN       NULL,
  PRIMARY KEY (id),
  KEY user_new (user_id, id),
  KEY pending_new (pending, id)
) ENGINE=InnoDB
