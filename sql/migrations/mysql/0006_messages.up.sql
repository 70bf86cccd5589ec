CREATE TABLE IF NOT EXISTS messages (
  conversation_id VARBINARY(64)  NOT NULL,
  seq             BIGINT         NOT NULL,
  sender_id       VARBINARY(64)  NOT NULL,
  client_id       VARBINARY(256) NOT NULL,
  digest          BINARY(16)     NOT NULL,
  kind            VARCHAR(16)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  body            MEDIUMTEXT     CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  media           VARCHAR(64)    CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
  reply_to        BIGINT         NOT NULL DEFAULT 0,
  mentions        TEXT           CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  at              DATETIME(6)    NOT NULL,
  edited_at       DATETIME(6)    NULL,
  recalled        BOOLEAN        NOT NULL DEFAULT FALSE,
  PRIMARY KEY (conversation_id, seq),
  UNIQUE KEY sender_id_client_id (sender_id, client_id)
) ENGINE=InnoDB
