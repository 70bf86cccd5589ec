-- Puts a message as it is now into a room's log, in place of what it was.
-- KEYS log
-- ARGV seq, entry
if redis.call('ZCOUNT', KEYS[1], ARGV[1], ARGV[1]) > 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[1], ARGV[1], ARGV[1])
  redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
end
return {}
