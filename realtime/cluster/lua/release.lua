-- Gives a device up, if this session still holds it.
-- KEYS sessions, watchers
-- ARGV device, session, grace ms (0: offline at once)
-- Returns the nodes that watch this user, or nothing when another session holds it.
local held = redis.call('HGET', KEYS[1], ARGV[1])
local session, node, platform, till
if held then session, node, platform, till = string.match(held, '^([^|]*)|([^|]*)|([^|]*)|(%d+)$') end
if session ~= ARGV[2] or till ~= '0' then return {} end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[3] == '0' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  till = string.format('%.0f', now + tonumber(ARGV[3]))
  redis.call('HSET', KEYS[1], ARGV[1], session .. '|' .. node .. '|' .. platform .. '|' .. till)
end
return redis.call('ZRANGEBYSCORE', KEYS[2], now, '+inf')
