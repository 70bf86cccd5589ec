CREATE TABLE IF NOT EXISTS posts (
  id      VARBINARY(64) NOT NULL,
  wall_id VARBINARY(64) NOT NULL,
  from_id VARBINARY(64) NOT NULL,
  own     BOOLEAN       NOT NULL,
  body    TEXT          CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  at      DATETIME(6)   NOT NULL,
  PRIMARY KEY (id),
  KEY wall_new (wall_id, id)
) ENGINE=InnoDB
