CREATE TABLE audit (
  id     TEXT     NOT NULL PRIMARY KEY,
  at     DATETIME NOT NULL,
  actor  TEXT     NOT NULL,
  action TEXT     NOT NULL,
  target TEXT     NOT NULL,
  detail TEXT     NOT NULL
);
CREATE TRIGGER audit_keeps BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_stays BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
