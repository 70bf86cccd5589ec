CREATE TABLE IF NOT EXISTS members (
  user_id         VARBINARY(64) NOT NULL,
  conversation_id VARBINARY(64) NOT NULL,
  read_seq        BIGINT        NOT NULL DEFAULT 0,
  joined_at       DATETIME(6)   NOT NULL,
  muted           BOOLEAN       NOT NULL DEFAULT FALSE,
  PRIMARY KEY (user_id, conversation_id),
  KEY conversation_user (conversation_id, user_id)
) ENGINE=InnoDB
