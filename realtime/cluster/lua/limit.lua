-- Takes from a rate limit that all nodes share: the generic cell rate algorithm
-- (ITU-T I.371), whose whole state is the theoretical arrival time of the next.
-- KEYS bucket
-- ARGV rate a second, burst, how many are wanted (0: only to know whether there is any)
-- Returns {how many are granted, ms to wait when none}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local each = 1000 / tonumber(ARGV[1])
local due = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local room = math.floor((tonumber(ARGV[2]) * each - (due - now)) / each + 0.001)
if room < 1 then return {0, math.ceil(due - now - (tonumber(ARGV[2]) - 1) * each)} end
if ARGV[3] == '0' then return {room, 0} end
local granted = math.min(room, tonumber(ARGV[3]))
due = due + granted * each
redis.call('SET', KEYS[1], string.format('%.3f', due), 'PX', math.ceil(due - now) + 1000)
return {granted, 0}
