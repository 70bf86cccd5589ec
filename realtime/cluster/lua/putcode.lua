-- Keeps a code that is about to be sent by e-mail, in the place of an earlier
-- one, unless another mail went to the same address a short time ago.
-- KEYS sent, code
-- ARGV name of this attempt, hash of the code ("": the mail has none), ttl ms, pause ms, tries
-- Returns 0, or the ms to wait.
-- Running it again under the same name changes nothing.
local before = redis.call('GET', KEYS[1])
if before == ARGV[1] then return 0 end
if before then return math.max(redis.call('PTTL', KEYS[1]), 1) end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[4])
redis.call('DEL', KEYS[2])
if ARGV[2] ~= '' then
  redis.call('HSET', KEYS[2], 'h', ARGV[2], 'left', ARGV[5])
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
end
return 0
