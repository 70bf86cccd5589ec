-- Notes how far a device has received, and trims what all devices have.
-- KEYS queue meta, queue, devices
-- ARGV generation, device, offset, position
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
redis.call('XTRIM', KEYS[2], 'MINID', string.format('%.0f-0', lowest + 1))
return 1
