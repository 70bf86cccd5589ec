-- Renews a session and says how far the queue has come: the check that nothing
-- was lost on the way.
-- KEYS sessions, queue meta
-- ARGV generation, device, session, session ttl ms
-- Returns {session that holds the device open, or "", head}; head -1: other generation.
local held = redis.call('HGET', KEYS[1], ARGV[2])
local session, till
if held then session, till = string.match(held, '^([^|]*)|[^|]*|[^|]*|(%d+)$') end
if till ~= '0' then session = '' end
if session == ARGV[3] then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
local meta = redis.call('HMGET', KEYS[2], 'gen', 'head')
if meta[1] ~= ARGV[1] then return {session, '-1'} end
return {session, meta[2]}
