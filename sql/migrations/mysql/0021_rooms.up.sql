CREATE TABLE IF NOT EXISTS rooms (
  id         VARBINARY(64) NOT NULL,
  number     BIGINT        NOT NULL,
  name       VARCHAR(128)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  name_key   VARCHAR(255)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  info       TEXT          CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  visibility VARCHAR(16)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  owner_id   VARBINARY(64) NOT NULL,
  members    INT           NOT NULL,
  created_at DATETIME(6)   NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY number (number),
  KEY visible_number (visibility, number),
  KEY visible_name (visibility, name_key, number)
) ENGINE=InnoDB
