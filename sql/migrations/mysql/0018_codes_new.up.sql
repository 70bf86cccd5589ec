ALTER TABLE codes ADD KEY created (created_at, hash)
