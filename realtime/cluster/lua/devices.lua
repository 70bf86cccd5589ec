-- Records sign-ins and their ends, each a compare-and-set on the login number.
-- KEYS devices, sessions, queue meta, queue
-- ARGV ttl ms, generation, suffix of the offset that a new sign-in starts from,
--   then for each device: id, state ("n" signed in for the first time, "a" again,
--   "e" ended, "r" to be remembered only), login, reason or platform
-- Returns the sessions that must close: {device, session|node|platform|till, reason}...,
--   or {"stale", generation}. What an older generation recorded is forgotten.
-- An ended login stays ended; a later login of the same device begins anew.
-- Sessions that must close are noted as closed, not removed: running it again
-- names them again.
local generation = tonumber(redis.call('HGET', KEYS[1], '@') or 0)
if generation > tonumber(ARGV[2]) then return {'stale', generation} end
if generation < tonumber(ARGV[2]) then
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], '@', ARGV[2])
end
local close = {}
for i = 4, #ARGV, 4 do
  local device, state, login, what = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]), ARGV[i + 3]
  local had = redis.call('HGET', KEYS[1], 'd:' .. device)
  local hadKind, hadLogin
  if had then hadKind, hadLogin = string.match(had, '^(%a)|(%d+)|') end
  hadLogin = tonumber(hadLogin or -1)
  local fresh = login > hadLogin or (login == hadLogin and state == 'e' and hadKind == 'a')
  if fresh then
    local kind = state == 'e' and 'e' or 'a'
    redis.call('HSET', KEYS[1], 'd:' .. device, kind .. '|' .. ARGV[i + 2] .. '|' .. what)
    if state == 'n' then
      if redis.call('HGET', KEYS[3], 'gen') ~= ARGV[2] then
        local clock = redis.call('TIME')
        redis.call('DEL', KEYS[3], KEYS[4])
        redis.call('HSET', KEYS[3], 'gen', ARGV[2], 'head', string.format('%.0f', clock[1] * 1000 + math.floor(clock[2] / 1000)))
      end
      redis.call('HSET', KEYS[3], 'r:' .. device, ARGV[2] .. '.' .. redis.call('HGET', KEYS[3], 'head') .. ARGV[3])
    end
  end
  if state ~= 'r' and (fresh or login == hadLogin) then
    local held = redis.call('HGET', KEYS[2], device)
    local open = held and string.match(held, '^(.*|)0$')
    if held and (state == 'e' or fresh or not open) then
      if open then
        local clock = redis.call('TIME')
        redis.call('HSET', KEYS[2], device, open .. string.format('%.0f', clock[1] * 1000 + math.floor(clock[2] / 1000)))
      end
      close[#close + 1] = {device, held, state == 'e' and what or 'replaced'}
    end
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[3], ARGV[1])
return close
