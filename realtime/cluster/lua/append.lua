-- Appends entries to one user's queue and says which nodes hold the user.
-- KEYS queue meta, queue, sessions
-- ARGV generation, max length, ttl ms, how many newest entries to search for
--   repeats (0: none are possible), then for each entry: key, origin, body
-- Returns {first position, nodes, skipped entry numbers, head, open sessions}
--   or {"stale", generation}.
-- An entry found among those searched keeps its place and is skipped.
local generation = tonumber(redis.call('HGET', KEYS[1], 'gen') or 0)
if generation > tonumber(ARGV[1]) then return {'stale', generation} end
if generation < tonumber(ARGV[1]) then
  -- Positions begin at the clock, so that those of a forgotten queue never come back.
  local clock = redis.call('TIME')
  redis.call('DEL', KEYS[1], KEYS[2])
  redis.call('HSET', KEYS[1], 'gen', ARGV[1], 'head', string.format('%.0f', clock[1] * 1000 + math.floor(clock[2] / 1000)))
end

local seen, skipped, added = {}, {}, {}
if ARGV[4] ~= '0' then
  for _, entry in ipairs(redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', ARGV[4])) do seen[entry[2][2]] = true end
end
for i = 5, #ARGV, 3 do
  if seen[ARGV[i]] then skipped[#skipped + 1] = (i - 5) / 3 else added[#added + 1] = i end
end
local first = 0
if #added > 0 then
  first = redis.call('HINCRBY', KEYS[1], 'head', #added) - #added + 1
  for n, i in ipairs(added) do
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], string.format('%.0f-0', first + n - 1), 'k', ARGV[i], 'o', ARGV[i + 1], 'b', ARGV[i + 2])
  end
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
end
local nodes, once, open = {}, {}, 0
for _, held in ipairs(redis.call('HVALS', KEYS[3])) do
  local node, till = string.match(held, '^[^|]*|([^|]*)|[^|]*|(%d+)$')
  if till == '0' then
    open = open + 1
    if not once[node] then nodes[#nodes + 1] = node end
    once[node] = true
  end
end
return {string.format('%.0f', first), nodes, skipped, redis.call('HGET', KEYS[1], 'head'), open}
