CREATE INDEX codes_created ON codes (created_at, hash);
