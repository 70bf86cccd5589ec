CREATE TABLE IF NOT EXISTS codes (
  hash       BINARY(32)    NOT NULL,
  kind       VARCHAR(16)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  vip_days   INT           NOT NULL,
  expires_at DATETIME(6)   NULL,
  used_by    VARBINARY(64) NULL,
  used_at    DATETIME(6)   NULL,
  created_at DATETIME(6)   NOT NULL,
  PRIMARY KEY (hash)
) ENGINE=InnoDB
