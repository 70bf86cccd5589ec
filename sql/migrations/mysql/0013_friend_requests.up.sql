CREATE TABLE IF NOT EXISTS friend_requests (
  id          VARBINARY(64) NOT NULL,
  from_id     VARBINARY(64) NOT NULL,
  to_id       VARBINARY(64) NOT NULL,
  message     VARCHAR(255)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  remark      VARCHAR(64)   CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  tags        TEXT          CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  hide_mine   BOOLEAN       NOT NULL,
  hide_theirs BOOLEAN       NOT NULL,
  state       VARCHAR(16)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  created_at  DATETIME(6)   NOT NULL,
  handled_at  DATETIME(6)   NULL,
  PRIMARY KEY (id),
  KEY from_to (from_id, to_id),
  KEY from_new (from_id, id),
  KEY to_new (to_id, id)
) ENGINE=InnoDB
