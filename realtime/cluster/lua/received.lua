-- Notes how far a device has received, and trims what all devices had a while
-- ago. A while, so that an entry which is delivered again because its node died
-- is still found.
-- KEYS queue meta, queue, devices
-- ARGV generation, device, offset, position, the while in ms
-- Returns 1, or 0 when the queue is of another generation.
if redis.call('HGET', KEYS[1], 'gen') ~= ARGV[1] then return 0 end
local lowest = tonumber(ARGV[4])
local had = redis.call('HGET', KEYS[1], 'r:' .. ARGV[2])
local hadPosition = had and string.match(had, '^%d+%.(%d+)')
if not hadPosition or tonumber(hadPosition) <= lowest then
  redis.call('HSET', KEYS[1], 'r:' .. ARGV[2], ARGV[3])
end
local devices = redis.call('HGETALL', KEYS[3])
if #devices == 0 then return 1 end
for i = 1, #devices, 2 do
  if devices[i] ~= '@' and string.sub(devices[i + 1], 1, 1) == 'a' then
    local got = redis.call('HGET', KEYS[1], 'r:' .. string.sub(devices[i], 3))
    local generation, position
    if got then generation, position = string.match(got, '^(%d+)%.(%d+)') end
    if generation ~= ARGV[1] then return 1 end
    lowest = math.min(lowest, tonumber(position))
  end
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local noted = redis.call('HMGET', KEYS[1], 'trim', 'trim at')
if noted[1] and tonumber(noted[2]) + tonumber(ARGV[5]) > now then return 1 end
if noted[1] then redis.call('XTRIM', KEYS[2], 'MINID', noted[1]) end
redis.call('HSET', KEYS[1], 'trim', string.format('%.0f-0', lowest + 1), 'trim at', string.format('%.0f', now))
return 1
