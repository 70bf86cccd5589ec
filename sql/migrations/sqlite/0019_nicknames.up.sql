DROP INDEX users_nickname_key;
CREATE INDEX users_nickname_username ON users (nickname_key, username_key);
