-- Claims a device for one socket.
-- KEYS devices, sessions, queue meta, queue, watchers
-- ARGV generation, device, login (0: unknown), session, node, platform, session ttl ms, queue ttl ms
-- Returns {"ok", previous, head, first, received, online before, watcher...},
--   {"ended", reason}, {"unknown"} or {"stale", generation}.
-- Running it again with the same session changes nothing.
local known = redis.call('HMGET', KEYS[1], '@', 'd:' .. ARGV[2])
local state = known[1] == ARGV[1] and known[2]
if not state then return {'unknown'} end
local kind, login, what = string.match(state, '^(%a)|(%d+)|(.*)$')
if kind == 'e' then return {'ended', what} end
if ARGV[3] ~= '0' and tonumber(ARGV[3]) < tonumber(login) then return {'ended', 'signed_out'} end

local generation = tonumber(redis.call('HGET', KEYS[3], 'gen') or 0)
if generation > tonumber(ARGV[1]) then return {'stale', generation} end
if generation < tonumber(ARGV[1]) then
  -- Positions begin at the clock, so that those of a forgotten queue never come back.
  local clock = redis.call('TIME')
  redis.call('DEL', KEYS[3], KEYS[4])
  redis.call('HSET', KEYS[3], 'gen', ARGV[1], 'head', string.format('%.0f', clock[1] * 1000 + math.floor(clock[2] / 1000)))
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local before, previous = 0, ''
local all = redis.call('HGETALL', KEYS[2])
for i = 1, #all, 2 do
  local session, _, _, till = string.match(all[i + 1], '^([^|]*)|([^|]*)|([^|]*)|(%d+)$')
  if till == '0' or tonumber(till) > now then before = 1 end
  if all[i] == ARGV[2] and till == '0' and session ~= ARGV[4] then previous = all[i + 1] end
  if till ~= '0' and tonumber(till) + 60000 < now then redis.call('HDEL', KEYS[2], all[i]) end
end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[4] .. '|' .. ARGV[5] .. '|' .. ARGV[6] .. '|0')
redis.call('PEXPIRE', KEYS[2], ARGV[7])
redis.call('PEXPIRE', KEYS[3], ARGV[8])

local oldest = redis.call('XRANGE', KEYS[4], '-', '+', 'COUNT', 1)
local head = redis.call('HGET', KEYS[3], 'head')
local first = oldest[1] and string.match(oldest[1][1], '^(%d+)') or string.format('%.0f', tonumber(head) + 1)
local reply = {'ok', previous, head, first, redis.call('HGET', KEYS[3], 'r:' .. ARGV[2]) or '', before}
for _, node in ipairs(redis.call('ZRANGEBYSCORE', KEYS[5], now, '+inf')) do reply[#reply + 1] = node end
return reply
