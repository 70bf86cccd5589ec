-- Reads a page of one user's queue.
-- KEYS queue meta, queue
-- ARGV generation, after position, count
-- Returns {head, first kept position, entries} or {"stale", generation}.
local generation = tonumber(redis.call('HGET', KEYS[1], 'gen') or 0)
if generation > tonumber(ARGV[1]) then return {'stale', generation} end
if generation < tonumber(ARGV[1]) then
  -- Positions begin at the clock, so that those of a forgotten queue never come back.
  local clock = redis.call('TIME')
  redis.call('DEL', KEYS[1], KEYS[2])
  redis.call('HSET', KEYS[1], 'gen', ARGV[1], 'head', string.format('%.0f', clock[1] * 1000 + math.floor(clock[2] / 1000)))
end
local head = redis.call('HGET', KEYS[1], 'head')
local oldest = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)
local first = oldest[1] and string.match(oldest[1][1], '^(%d+)') or string.format('%.0f', tonumber(head) + 1)
local entries = {}
if ARGV[3] ~= '0' then
  entries = redis.call('XRANGE', KEYS[2], string.format('%.0f-0', tonumber(ARGV[2]) + 1), '+', 'COUNT', ARGV[3])
end
return {head, first, entries}
