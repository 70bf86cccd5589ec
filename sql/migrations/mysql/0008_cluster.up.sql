CREATE TABLE IF NOT EXISTS cluster (
  id         TINYINT      NOT NULL,
  generation BIGINT       NOT NULL,
  identity   VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  minted_at  DATETIME(6)  NOT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB
