-- Takes a message that was recalled out of one user's queue.
-- KEYS queue
-- ARGV the beginning of its key, how many newest entries to search
-- Its position stays empty, as that of an append that failed halfway.
for _, entry in ipairs(redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', ARGV[2])) do
  if string.sub(entry[2][2], 1, #ARGV[1]) == ARGV[1] then redis.call('XDEL', KEYS[1], entry[1]) end
end
return {}
