-- Compares a code with the one that was sent by e-mail. After the last wrong one
-- none is right any more; a right one costs no try.
-- KEYS code
-- ARGV hash of what was typed
-- Returns 1 or 0.
local hash = redis.call('HGET', KEYS[1], 'h')
if not hash then return 0 end
if hash == ARGV[1] then return 1 end
if redis.call('HINCRBY', KEYS[1], 'left', -1) < 1 then redis.call('DEL', KEYS[1]) end
return 0
