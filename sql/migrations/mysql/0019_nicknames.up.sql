ALTER TABLE users DROP KEY nickname_key, ADD KEY nickname_username (nickname_key, username_key)
