CREATE TABLE IF NOT EXISTS reactions (
  conversation_id VARBINARY(64) NOT NULL,
  seq             BIGINT        NOT NULL,
  user_id         VARBINARY(64) NOT NULL,
  emoji           VARCHAR(16)   CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  at              DATETIME(6)   NOT NULL,
  PRIMARY KEY (conversation_id, seq, user_id, emoji)
) ENGINE=InnoDB
