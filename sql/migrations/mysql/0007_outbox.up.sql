CREATE TABLE IF NOT EXISTS outbox (
  node_id VARBINARY(256) NOT NULL,
  n       BIGINT         NOT NULL,
  at      DATETIME(6)    NOT NULL,
  ranges  MEDIUMTEXT     CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (node_id, n)
) ENGINE=InnoDB
