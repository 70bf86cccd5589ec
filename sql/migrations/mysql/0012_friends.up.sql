CREATE TABLE IF NOT EXISTS friends (
  user_id     VARBINARY(64) NOT NULL,
  friend_id   VARBINARY(64) NOT NULL,
  remark      VARCHAR(64)   CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  tags        TEXT          CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  starred     BOOLEAN       NOT NULL,
  hide_mine   BOOLEAN       NOT NULL,
  hide_theirs BOOLEAN       NOT NULL,
  created_at  DATETIME(6)   NOT NULL,
  PRIMARY KEY (user_id, friend_id)
) ENGINE=InnoDB
