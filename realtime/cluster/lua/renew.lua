-- Renews a session and says how far the queue has come: the check that nothing
-- was lost on the way.
-- KEYS sessions, queue meta
-- ARGV generation, device, session, session ttl ms
-- Returns {1 if the session still holds its device, head}; head -1: other generation.
local held = redis.call('HGET', KEYS[1], ARGV[2])
local mine = held and string.match(held, '^([^|]*)') == ARGV[3] and 1 or 0
if mine == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
local meta = redis.call('HMGET', KEYS[2], 'gen', 'head')
if meta[1] ~= ARGV[1] then return {mine, '-1'} end
return {mine, meta[2]}
