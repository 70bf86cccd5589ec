INSERT INTO conversations (id, direct, name, created_at)
VALUES ('lobby', FALSE, 'Lobby', UTC_TIMESTAMP(6))
ON DUPLICATE KEY UPDATE id = id
