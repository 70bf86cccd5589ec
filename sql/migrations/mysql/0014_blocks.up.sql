CREATE TABLE IF NOT EXISTS blocks (
  user_id    VARBINARY(64) NOT NULL,
  blocked_id VARBINARY(64) NOT NULL,
  created_at DATETIME(6)   NOT NULL,
  PRIMARY KEY (user_id, blocked_id),
  KEY blocked_user (blocked_id, user_id)
) ENGINE=InnoDB
