ALTER TABLE members
  ADD COLUMN role        VARCHAR(8)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'member',
  ADD COLUMN muted_until DATETIME(6) NULL
