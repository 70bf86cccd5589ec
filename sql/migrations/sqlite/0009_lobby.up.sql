INSERT INTO conversations (id, direct, name, created_at)
VALUES ('lobby', FALSE, 'Lobby', strftime('%Y-%m-%d %H:%M:%f+00:00', 'now'));
